// Work that leaves the thread is work that no watchdog sees: what crypto.subtle does on one waits for its turn, and is bounded there.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, ObjectGetOwnPropertyDescriptor, ReflectApply } = primordials;
const { CryptoKey, SubtleCrypto } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { defineSupports } = core.loadExtScript("ext:workerd_lite/worker/crypto_supports.js");
const { inTurn } = core.loadExtScript("ext:workerd_lite/worker/crypto_jobs.js");

const { get: algorithmOf } = ObjectGetOwnPropertyDescriptor(CryptoKey.prototype, "algorithm");

function replace(name, make) {
  const { prototype } = SubtleCrypto;
  const original = ObjectGetOwnPropertyDescriptor(prototype, name).value;
  const wrapped = make(original);
  ObjectDefineProperty(wrapped, "name", { __proto__: null, value: name, configurable: true });
  ObjectDefineProperty(wrapped, "length", { __proto__: null, value: original.length, configurable: true });
  ObjectDefineProperty(prototype, name, { __proto__: null, value: wrapped, writable: true, enumerable: true, configurable: true });
}

// Which arguments are algorithms, and which one is a list of usages.
function computes(name, algorithms, usages = null) {
  replace(name, (original) => ({
    method(...args) {
      return inTurn(name, original, this, args, algorithms, usages);
    },
  }).method);
}

// A key whose every use would take minutes is none.
function checked(name) {
  replace(name, (original) =>
    async function (...args) {
      const key = await ReflectApply(original, this, args);
      if (!(ReflectApply(algorithmOf, key, []).modulusLength > 16_384)) return key;
      throw new DOMException("The modulus of the key is too large", "DataError");
    });
}

// What computes on the isolate's own thread is its turn's.
function limitCrypto() {
  computes("decapsulateBits", [0]);
  computes("decrypt", [0]);
  computes("deriveBits", [0]);
  computes("deriveKey", [0, 2], 4);
  computes("digest", [0]);
  computes("encapsulateBits", [0]);
  computes("encrypt", [0]);
  computes("exportKey", []);
  computes("generateKey", [0], 2);
  computes("sign", [0]);
  computes("verify", [0]);
  computes("wrapKey", [3]);
  checked("importKey");
  checked("unwrapKey");
  defineSupports();
}

return { limitCrypto };
})();
