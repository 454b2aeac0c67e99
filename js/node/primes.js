// Diffie-Hellman in groups of integers, and primes: https://nodejs.org/docs/latest-v22.x/api/crypto.html#class-diffiehellman
(function () {
const { core, primordials } = __bootstrap;
const {
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  DataViewPrototypeGetBuffer,
  DataViewPrototype,
  MathClz32,
  ObjectPrototypeIsPrototypeOf,
  RangeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} = primordials;
const { ops } = core;

// `DH_CHECK_...` of OpenSSL, and `DH_MODULUS_TOO_SMALL`.
const TOO_SMALL = 128;
const NOT_PRIME = 1;
const NOT_SAFE = 2;
const GENERATOR = 8;

function compare(one, other) {
  const start = (bytes) => {
    let i = 0;
    while (i < TypedArrayPrototypeGetByteLength(bytes) && bytes[i] === 0) i++;
    return i;
  };
  const a = start(one);
  const b = start(other);
  const length = TypedArrayPrototypeGetByteLength(one) - a;
  const difference = length - (TypedArrayPrototypeGetByteLength(other) - b);
  if (difference !== 0) return difference;
  for (let i = 0; i < length; i++) {
    if (one[a + i] !== other[b + i]) return one[a + i] - other[b + i];
  }
  return 0;
}

function copy(bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  const made = new Uint8Array(length);
  for (let i = 0; i < length; i++) made[i] = bytes[i];
  return made;
}

// A number less a small one.
function less(bytes, amount) {
  const made = copy(bytes);
  for (let i = made.length - 1; i >= 0 && amount > 0; i--) {
    const value = made[i] - amount;
    made[i] = value & 0xff;
    amount = value < 0 ? 1 : 0;
  }
  return made;
}

function half(bytes) {
  const made = copy(bytes);
  let carry = 0;
  for (let i = 0; i < made.length; i++) {
    const value = made[i];
    made[i] = (value >> 1) | (carry << 7);
    carry = value & 1;
  }
  return made;
}

// In bits.
function width(bytes) {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start++;
  return start === bytes.length ? 0 : (bytes.length - start) * 8 - (MathClz32(bytes[start]) - 24);
}

const small = (number) => new Uint8Array([number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff]);

function plain(bytes) {
  if (TypedArrayPrototypeGetSymbolToStringTag(bytes) !== undefined) return bytes;
  if (ObjectPrototypeIsPrototypeOf(DataViewPrototype, bytes)) {
    return new Uint8Array(DataViewPrototypeGetBuffer(bytes), DataViewPrototypeGetByteOffset(bytes), DataViewPrototypeGetByteLength(bytes));
  }
  return new Uint8Array(bytes);
}

const dhOps = {
  __proto__: null,
  op_node_check_prime_bytes: (bytes, rounds) => ops.op_node_is_prime(plain(bytes), rounds > 64 ? 64 : rounds >>> 0),
  op_node_dh_check(prime, generator) {
    let problems = width(prime) < 512 ? TOO_SMALL : 0;
    if (!ops.op_node_is_prime(prime, 1)) problems |= NOT_PRIME;
    else if (!ops.op_node_is_prime(half(prime), 1)) problems |= NOT_SAFE;
    if (compare(generator, small(2)) < 0 || compare(generator, less(prime, 2)) > 0) problems |= GENERATOR;
    return problems;
  },
  op_node_dh_compute_secret: (prime, privateKey, publicKey) => ops.op_node_power(publicKey, privateKey, prime, 0),
  op_node_dh_keys_generate_and_export(prime, _length, generator) {
    if (compare(prime, small(4)) <= 0) throw new RangeError("the prime is too small");
    const privateKey = new Uint8Array(TypedArrayPrototypeGetByteLength(prime));
    const most = less(prime, 2);
    let width = 0;
    while (width < privateKey.length && prime[width] === 0) width++;
    let mask = 0xff;
    while (mask >> 1 >= prime[width] && mask > 1) mask >>= 1;
    // At random among those that are smaller: one of two attempts, at the worst.
    do {
      ops.op_node_fill_random(privateKey);
      for (let i = 0; i < width; i++) privateKey[i] = 0;
      privateKey[width] &= mask;
    } while (compare(privateKey, most) > 0 || compare(privateKey, small(2)) < 0);
    // Without zeros before it.
    return [ops.op_node_power(privateKey, small(1), prime, 0), ops.op_node_power(small(generator >>> 0), privateKey, prime, 0)];
  },
  op_node_gen_prime: (bits, safe, add, rem) => ops.op_node_prime(bits >>> 0, !!safe, add ?? undefined, rem ?? undefined),
};

return { dhOps };
})();
