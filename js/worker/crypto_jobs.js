// Calls of crypto.subtle that compute on a thread: Rust says when each may begin, and holds it to its bounds. What it is given is plain
// data, so that no code of an author's runs within.
(function () {
const { core, primordials } = __bootstrap;
const { op_crypto_call, op_crypto_turn, op_crypto_turn_now } = core.ops;
const {
  ArrayPrototypeFilter,
  ArrayPrototypeIncludes,
  ArrayPrototypePush,
  ErrorPrototype,
  ObjectGetPrototypeOf,
  SafeArrayIterator,
  StringPrototypeToUpperCase,
} = primordials;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { copyOf, isBufferSource } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");

// The members of all algorithms, by what they are.
const NUMBERS = ["domainSeparation", "iterations", "length", "memory", "modulusLength", "outputLength", "parallelism", "passes", "saltLength", "tagLength", "version"];
const STRINGS = ["name", "namedCurve"];
const OTHERS = [
  "additionalData",
  "associatedData",
  "context",
  "counter",
  "customization",
  "functionName",
  "info",
  "iv",
  "label",
  "nonce",
  "public",
  "publicExponent",
  "salt",
  "secretValue",
];

function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512"];

// The hash of an algorithm by its registered name, whatever case its author wrote: a key has it, and is looked at by it.
// https://w3c.github.io/webcrypto/#algorithm-normalization-normalize-an-algorithm
function settledHash(hash) {
  if (isObject(hash)) {
    const own = settled(hash);
    if (own.name !== undefined) own.name = settledHash(own.name);
    return own;
  }
  const name = `${hash}`;
  const upper = StringPrototypeToUpperCase(name);
  return ArrayPrototypeIncludes(HASHES, upper) ? upper : name;
}

// An algorithm as plain data, each member read once: a getter could give another the second time.
function settled(algorithm) {
  if (!isObject(algorithm)) return algorithm;
  const own = { __proto__: null };
  for (let i = 0; i < STRINGS.length; i++) {
    const value = algorithm[STRINGS[i]];
    if (value !== undefined) own[STRINGS[i]] = `${value}`;
  }
  const { hash } = algorithm;
  if (hash !== undefined) own.hash = settledHash(hash);
  for (let i = 0; i < NUMBERS.length; i++) {
    const value = algorithm[NUMBERS[i]];
    if (value !== undefined) own[NUMBERS[i]] = +value;
  }
  for (let i = 0; i < OTHERS.length; i++) {
    const value = algorithm[OTHERS[i]];
    if (value !== undefined) own[OTHERS[i]] = value;
  }
  return own;
}

// In the order of the standard, which keys and JWKs of them show.
const USAGES = [
  "encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey",
  "encapsulateKey", "encapsulateBits", "decapsulateKey", "decapsulateBits",
];

// Each usage once. https://w3c.github.io/webcrypto/#concept-normalized-usages
function settledUsages(given) {
  const prefix = "Failed to execute a method of 'SubtleCrypto'";
  const list = webidl.converters["sequence<DOMString>"](given, prefix, "'keyUsages'");
  const usages = ArrayPrototypeFilter(USAGES, (usage) => ArrayPrototypeIncludes(list, usage));
  // What is none is refused by whoever knows the method.
  for (let i = 0; i < list.length; i++) {
    if (!ArrayPrototypeIncludes(USAGES, list[i])) ArrayPrototypePush(usages, list[i]);
  }
  return usages;
}

// What must not change while the call waits for its turn.
function copied(value) {
  return isBufferSource(value) ? copyOf(value) : value;
}

function copyInputs(args, algorithms) {
  for (let i = 0; i < args.length; i++) args[i] = copied(args[i]);
  for (let i = 0; i < algorithms.length; i++) {
    const algorithm = args[algorithms[i]];
    if (!isObject(algorithm)) continue;
    for (let j = 0; j < OTHERS.length; j++) {
      if (OTHERS[j] in algorithm) algorithm[OTHERS[j]] = copied(algorithm[OTHERS[j]]);
    }
  }
}

// Calls a method on a thread. `algorithms` says which of its arguments are algorithms, and `usages` which one is a list of usages.
async function inTurn(name, method, self, args, algorithms, usages) {
  for (let i = 0; i < algorithms.length; i++) {
    if (algorithms[i] < args.length) args[algorithms[i]] = settled(args[algorithms[i]]);
  }
  if (usages !== null && usages < args.length) args[usages] = settledUsages(args[usages]);
  const event = currentContext()?.id ?? 0;
  let turn = op_crypto_turn_now(event);
  if (turn < 0) {
    copyInputs(args, algorithms);
    turn = await op_crypto_turn(event);
  }
  // Iterated over by no author's code.
  if (usages !== null && usages < args.length) args[usages] = new SafeArrayIterator(args[usages]);
  try {
    return await op_crypto_call(turn, name, method, self, args);
  } catch (error) {
    // Everything that the standard names is a DOMException or a TypeError. The rest is a library's own, in its own words.
    if (ObjectGetPrototypeOf(error) !== ErrorPrototype) throw error;
    throw new DOMException("The operation failed", "OperationError");
  }
}

return { inTurn, settled, settledHash, settledUsages };
})();
