// Work that leaves the thread is work that no watchdog sees: what crypto.subtle is asked for is bounded by its parameters, and
// few of an isolate's calls run at once.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  MathCeil,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  Promise,
  ReflectApply,
  SafePromisePrototypeFinally,
  StringPrototypeToUpperCase,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;
const { SubtleCrypto } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

// How many of an isolate's calls run at once; the rest wait.
const AT_ONCE = 4;

// workerd's limit.
let maxIterations = 100_000;
let maxModulus = 4096;

// The owner's own scripts are trusted with more.
function trust() {
  maxIterations = 10_000_000;
  maxModulus = 16_384;
}

let running = 0;
const waiting = [];

function done() {
  if (waiting.length > 0) ArrayPrototypeShift(waiting)();
  else running--;
}

async function limited(work) {
  if (running < AT_ONCE) running++;
  else await new Promise((resolve) => ArrayPrototypePush(waiting, resolve));
  return SafePromisePrototypeFinally(work(), done);
}

const RSA = ["modulusLength", "publicExponent", "hash"];

// The members of an algorithm that are looked at, by what is done with it.
const DERIVE = { __proto__: null, PBKDF2: ["hash", "salt", "iterations"] };
const GENERATE = {
  __proto__: null,
  HMAC: ["hash", "length"],
  "RSASSA-PKCS1-V1_5": RSA,
  "RSA-PSS": RSA,
  "RSA-OAEP": RSA,
};
const SIGN = { __proto__: null, "RSA-PSS": ["saltLength"] };

// The algorithm with what is looked at read once: a getter could give others the second time.
function settled(algorithm, known) {
  if (typeof algorithm !== "object" || algorithm === null) return algorithm;
  const { name } = algorithm;
  if (typeof name !== "string") return algorithm;
  const members = known[StringPrototypeToUpperCase(name)];
  if (members === undefined) return { __proto__: algorithm, name };
  const own = { __proto__: null, name };
  for (let i = 0; i < members.length; i++) {
    const value = algorithm[members[i]];
    if (value !== undefined) own[members[i]] = value;
  }
  return own;
}

function unsupported(message) {
  return new DOMException(message, "NotSupportedError");
}

function bound(algorithm, member, most, what) {
  if (typeof algorithm !== "object" || algorithm === null || !ObjectHasOwn(algorithm, member)) return 0;
  const value = +algorithm[member];
  algorithm[member] = value;
  if (value > most) throw unsupported(`${what} above ${most} are not supported (requested ${value}).`);
  return value;
}

function derived(algorithm, bits) {
  algorithm = settled(algorithm, DERIVE);
  const iterations = bound(algorithm, "iterations", maxIterations, "Pbkdf2 failed: iteration counts");
  // Each 160 bits cost all of the iterations, with the shortest hash.
  if (iterations * MathCeil(bits / 160) > maxIterations * 10) {
    throw unsupported("Pbkdf2 failed: so many bits of so many iterations are not supported.");
  }
  return algorithm;
}

function generated(algorithm) {
  algorithm = settled(algorithm, GENERATE);
  bound(algorithm, "length", 65_536, "Lengths of a key");
  if (bound(algorithm, "modulusLength", maxModulus, "Moduli of a key") > 0) checkExponent(algorithm.publicExponent);
  return algorithm;
}

function signing(algorithm) {
  algorithm = settled(algorithm, SIGN);
  bound(algorithm, "saltLength", 2048, "Lengths of a salt");
  return algorithm;
}

// As workerd: 3 and 65537. Others make keys hard to find, or weak.
function checkExponent(exponent) {
  if (TypedArrayPrototypeGetSymbolToStringTag(exponent) !== "Uint8Array") return;
  let value = 0;
  for (let i = 0; i < TypedArrayPrototypeGetByteLength(exponent); i++) value = value * 256 + exponent[i];
  if (value !== 3 && value !== 65_537) {
    throw new DOMException("The publicExponent must be either 3 or 65537", "OperationError");
  }
}

function wrap(name, prepare, check = (result) => result) {
  const { prototype } = SubtleCrypto;
  const original = ObjectGetOwnPropertyDescriptor(prototype, name).value;
  const wrapped = {
    [name](...args) {
      return limited(async () => check(await ReflectApply(original, this, prepare(args))));
    },
  }[name];
  ObjectDefineProperty(wrapped, "length", { __proto__: null, value: original.length, configurable: true });
  ObjectDefineProperty(prototype, name, { __proto__: null, value: wrapped, writable: true, enumerable: true, configurable: true });
}

function wrapFirst(name, prepare) {
  wrap(name, (args) => {
    if (args.length > 0) args[0] = prepare(args[0]);
    return args;
  });
}

// A key whose every use would take minutes is none.
function checkKey(key) {
  if (!(key?.algorithm?.modulusLength > 16_384)) return key;
  throw new DOMException("The modulus of the key is too large", "DataError");
}

function limitCrypto() {
  const plain = ["digest", "encrypt", "decrypt", "wrapKey", "exportKey"];
  for (let i = 0; i < plain.length; i++) wrap(plain[i], (args) => args);
  wrap("importKey", (args) => args, checkKey);
  wrap("unwrapKey", (args) => args, checkKey);
  wrapFirst("sign", signing);
  wrapFirst("verify", signing);
  wrapFirst("generateKey", generated);
  wrap("deriveBits", (args) => {
    if (args.length > 2 && args[2] !== null && args[2] !== undefined) args[2] = +args[2];
    if (args.length > 0) args[0] = derived(args[0], args[2] ?? 0);
    return args;
  });
  wrap("deriveKey", (args) => {
    if (args.length > 2) args[2] = generated(args[2]);
    if (args.length > 0) args[0] = derived(args[0], 0);
    return args;
  });
}

return { limitCrypto, trust };
})();
