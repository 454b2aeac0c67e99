// Diffie-Hellman in groups of integers, and primes: in script, which can be stopped, of at most so many bits.
(function () {
const { core, primordials } = __bootstrap;
const {
  BigInt,
  BigIntPrototypeToString,
  NumberParseInt,
  RangeError,
  StringPrototypePadStart,
  StringPrototypeSlice,
  TypedArrayPrototypeGetByteLength,
  Uint8Array,
} = primordials;
const { ops } = core;

const LONGEST = 8192;
const SMALL = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n, 79n, 83n, 89n, 97n];
const HEX = "0123456789abcdef";

function integer(bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  if (length * 8 > LONGEST) throw new RangeError(`a number has at most ${LONGEST} bits here`);
  let text = "0x0";
  for (let i = 0; i < length; i++) text += HEX[bytes[i] >> 4] + HEX[bytes[i] & 15];
  return BigInt(text);
}

function bytesOf(number, length = 0) {
  let text = BigIntPrototypeToString(number, 16);
  if (text.length % 2 === 1) text = `0${text}`;
  text = StringPrototypePadStart(text, 2 * length, "0");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < text.length / 2; i++) bytes[i] = NumberParseInt(StringPrototypeSlice(text, 2 * i, 2 * i + 2), 16);
  return bytes;
}

function power(base, exponent, modulus) {
  if (modulus <= 1n) return 0n;
  let result = 1n;
  base %= modulus;
  const bits = BigIntPrototypeToString(exponent, 2);
  for (let i = 0; i < bits.length; i++) {
    result = result * result % modulus;
    if (bits[i] === "1") result = result * base % modulus;
  }
  return result;
}

function random(bits) {
  const bytes = new Uint8Array((bits + 7) >> 3);
  ops.op_node_fill_random(bytes);
  bytes[0] &= 0xff >> (bytes.length * 8 - bits);
  return integer(bytes);
}

const bitsOf = (number) => BigIntPrototypeToString(number, 2).length;

// Miller and Rabin's test with bases at random.
function isPrime(number, rounds) {
  if (number < 2n) return false;
  for (let i = 0; i < SMALL.length; i++) {
    if (number === SMALL[i]) return true;
    if (number % SMALL[i] === 0n) return false;
  }
  let odd = number - 1n;
  let twos = 0;
  while (odd % 2n === 0n) {
    odd /= 2n;
    twos++;
  }
  const bits = bitsOf(number);
  for (let round = 0; round < rounds; round++) {
    let x = power(2n + random(bits) % (number - 3n), odd, number);
    if (x === 1n || x === number - 1n) continue;
    let composite = true;
    for (let i = 1; i < twos && composite; i++) {
      x = x * x % number;
      composite = x !== number - 1n;
    }
    if (composite) return false;
  }
  return true;
}

// How many rounds leave a chance of less than 2^-80 for a number at random.
const roundsFor = (bits) => bits >= 1300 ? 4 : bits >= 550 ? 8 : bits >= 200 ? 20 : 40;

function generate(bits, safe, add, rem) {
  if (bits < 2 || bits > LONGEST) throw new RangeError(`a prime has 2 to ${LONGEST} bits here`);
  const step = add === null ? null : integer(add);
  const rest = rem === null ? (safe ? 3n : 1n) : integer(rem);
  const top = bits > 2 ? 3n << BigInt(bits - 2) : 1n << BigInt(bits - 1);
  const rounds = roundsFor(bits);
  for (;;) {
    let candidate = random(bits) | (step === null ? top | 1n : top);
    if (step !== null) candidate = candidate - candidate % step + rest;
    if (bits === 2) candidate = 2n + random(1);
    if (bitsOf(candidate) !== bits) continue;
    if (!isPrime(candidate, rounds)) continue;
    if (!safe || isPrime((candidate - 1n) / 2n, rounds)) return candidate;
  }
}

const NOT_PRIME = 1;
const NOT_SAFE = 2;
const GENERATOR = 8;

const dhOps = {
  __proto__: null,
  op_node_check_prime_bytes: (bytes, rounds) => {
    const number = integer(new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength));
    return isPrime(number, rounds > 0 && rounds <= 64 ? rounds : rounds > 64 ? 64 : roundsFor(bitsOf(number)));
  },
  op_node_dh_check(prime, generator) {
    const p = integer(prime);
    const g = integer(generator);
    let problems = 0;
    if (!isPrime(p, 1)) problems |= NOT_PRIME;
    else if (!isPrime((p - 1n) / 2n, 1)) problems |= NOT_SAFE;
    if (g < 2n || g > p - 2n) problems |= GENERATOR;
    return problems;
  },
  op_node_dh_compute_secret: (prime, privateKey, publicKey) => bytesOf(power(integer(publicKey), integer(privateKey), integer(prime))),
  op_node_dh_keys_generate_and_export(prime, _length, generator) {
    const p = integer(prime);
    if (p < 5n) throw new RangeError("the prime is too small");
    const privateKey = 2n + random(bitsOf(p)) % (p - 3n);
    return [bytesOf(privateKey), bytesOf(power(BigInt(generator), privateKey, p))];
  },
  op_node_gen_prime: (bits, safe, add, rem) => bytesOf(generate(bits >>> 0, safe, add, rem), (bits + 7) >> 3),
};

return { dhOps };
})();
