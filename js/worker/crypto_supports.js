// `SubtleCrypto.supports()`, where deno_crypto says yes to parameters that their operation would refuse.
// https://wicg.github.io/webcrypto-modern-algos/#dfn-SubtleCrypto-method-supports
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, ReflectApply, StringPrototypeStartsWith, StringPrototypeToUpperCase, Uint8Array } = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { SubtleCrypto } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { algorithmOf, isKey, isObject } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");

const CIPHERS = {
  __proto__: null,
  "AES-CBC": ["iv"],
  "AES-CTR": ["counter", "length"],
  "AES-GCM": ["iv"],
  "AES-OCB": ["iv"],
  "CHACHA20-POLY1305": ["iv"],
};
const ARGON2 = ["nonce", "parallelism", "memory", "passes"];
const DERIVATIONS = {
  __proto__: null,
  "ARGON2D": ARGON2,
  "ARGON2I": ARGON2,
  "ARGON2ID": ARGON2,
  "ECDH": ["public"],
  "HKDF": ["hash", "salt", "info"],
  "PBKDF2": ["hash", "salt", "iterations"],
  "X25519": ["public"],
  "X448": ["public"],
};
// What is derived from, which nobody is given back.
const SECRETS = { __proto__: null, "ARGON2D": true, "ARGON2I": true, "ARGON2ID": true, "HKDF": true, "PBKDF2": true };
const SIGNATURES = { __proto__: null, "ECDSA": ["hash"], "KMAC128": ["outputLength"], "KMAC256": ["outputLength"], "RSA-PSS": ["saltLength"] };
const IMPORTS = { __proto__: null, "ECDH": ["namedCurve"], "ECDSA": ["namedCurve"], "HMAC": ["hash"] };
const XOF = ["outputLength"];
const DIGESTS = { __proto__: null, "CSHAKE128": XOF, "CSHAKE256": XOF, "KT128": XOF, "KT256": XOF, "TURBOSHAKE128": XOF, "TURBOSHAKE256": XOF };

// Members that a dictionary must have.
const REQUIRED = {
  __proto__: null,
  decrypt: CIPHERS,
  deriveBits: DERIVATIONS,
  deriveKey: DERIVATIONS,
  digest: DIGESTS,
  encrypt: CIPHERS,
  generateKey: IMPORTS,
  importKey: IMPORTS,
  sign: SIGNATURES,
  unwrapKey: CIPHERS,
  verify: SIGNATURES,
  wrapKey: CIPHERS,
};

function requiredOf(operation, name) {
  if (operation === "generateKey") {
    if (StringPrototypeStartsWith(name, "AES-")) return ["length"];
    if (StringPrototypeStartsWith(name, "RSA")) return ["modulusLength", "publicExponent", "hash"];
  } else if (operation === "importKey" && StringPrototypeStartsWith(name, "RSA")) return ["hash"];
  return REQUIRED[operation]?.[name];
}

// How many bits two keys come to.
const BITS = { __proto__: null, "P-256": 256, "P-384": 384, "P-521": 528, "X25519": 256, "X448": 448 };

function bitsOf({ public: key }) {
  if (!isKey(key)) return undefined;
  const { name, namedCurve } = algorithmOf(key);
  return BITS[namedCurve ?? name];
}

const OF_KEYS = { __proto__: null, exportKey: true, generateKey: true, getPublicKey: true, importKey: true, sign: true, verify: true };

const { supports: original } = SubtleCrypto;
const { supports } = {
  supports(operation, algorithm, more = undefined) {
    if (arguments.length < 2) return ReflectApply(original, this, arguments);
    operation = `${operation}`;
    if (operation === "deriveBits" && more !== undefined && more !== null) {
      const options = { __proto__: null, enforceRange: true };
      more = webidl.converters["unsigned long"](more, "Failed to execute 'supports' on 'SubtleCrypto'", "Argument 3", options);
    }
    const given = isObject(algorithm) ? algorithm.name : algorithm;
    const name = typeof given === "string" ? StringPrototypeToUpperCase(given) : "";
    if (name === "ED448") return OF_KEYS[operation] === true;
    if (operation === "exportKey" && SECRETS[name]) return false;
    const required = requiredOf(operation, name);
    if (required !== undefined) {
      if (!isObject(algorithm)) return false;
      for (let i = 0; i < required.length; i++) {
        if (algorithm[required[i]] === undefined) return false;
      }
    }
    // Of every length: `js/worker/webcrypto.js`.
    if (name === "AES-GCM" && REQUIRED[operation] === CIPHERS) {
      algorithm = { __proto__: null, name, iv: new Uint8Array(12), tagLength: algorithm.tagLength };
    }
    if (operation === "deriveBits" && typeof more === "number" && isObject(algorithm) && more > bitsOf(algorithm)) return false;
    return ReflectApply(original, this, [operation, algorithm, more]);
  },
};

// deno_core sets its static methods anew, for fast calls, once an author may have put a setter there.
function defineSupports() {
  ObjectDefineProperty(SubtleCrypto, "supports", { __proto__: null, value: supports, writable: false, configurable: false });
}

return { defineSupports };
})();
