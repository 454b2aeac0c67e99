// `deriveBits()` and `deriveKey()` of crypto.subtle, where deno_crypto takes more than it may, or says another error.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeIncludes, ReflectApply, StringPrototypeToUpperCase, TypedArrayPrototypeGetByteLength } = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { settled } = core.loadExtScript("ext:workerd_lite/worker/crypto_jobs.js");
const { algorithmOf, fail, isKey, isObject } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");

const SHA3 = ["SHA3-256", "SHA3-384", "SHA3-512"];

// deno_crypto has no SHA-3 there, and calls it a type error.
function check(algorithm) {
  const name = isObject(algorithm) && typeof algorithm.name === "string" ? StringPrototypeToUpperCase(algorithm.name) : "";
  if (name !== "HKDF" && name !== "PBKDF2") return;
  const { hash } = algorithm;
  const named = isObject(hash) ? hash.name : hash;
  if (typeof named === "string" && ArrayPrototypeIncludes(SHA3, StringPrototypeToUpperCase(named))) {
    throw fail("NotSupportedError", `${name} with ${named} is not supported`);
  }
}

// Bits behind the last that was asked for are zero. `length` is an `unsigned long` that is not wrapped:
// https://wicg.github.io/webcrypto-modern-algos/#dfn-SubtleCrypto-method-deriveBits
function defineDerivation(replace) {
  const options = { __proto__: null, enforceRange: true };
  replace("deriveBits", (original) =>
    async function (...args) {
      const length = args[2];
      if (length !== null && length !== undefined) {
        args[2] = webidl.converters["unsigned long"](length, "Failed to execute 'deriveBits' on 'SubtleCrypto'", "Argument 3", options);
      }
      if (args.length > 0) check(args[0] = settled(args[0]));
      const bits = await ReflectApply(original, this, args);
      const odd = typeof args[2] === "number" ? args[2] % 8 : 0;
      const name = isKey(args[1]) ? algorithmOf(args[1]).name : undefined;
      if (odd > 0 && (name === "ECDH" || name === "X25519")) {
        const bytes = view(bits);
        bytes[TypedArrayPrototypeGetByteLength(bytes) - 1] &= 0xff00 >> odd;
      }
      return bits;
    });
  replace("deriveKey", (original) =>
    async function (...args) {
      if (args.length > 0) check(args[0] = settled(args[0]));
      return await ReflectApply(original, this, args);
    });
}

return { defineDerivation };
})();
