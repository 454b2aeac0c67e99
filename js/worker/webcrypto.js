// What deno_crypto leaves out of https://w3c.github.io/webcrypto/: nonces of any length, ECDSA with P-384 of SHA-1, private JWKs
// that do not fit their public part, and digests of what is short without a thread.
(function () {
const { core, primordials } = __bootstrap;
const { op_crypto_aes_gcm, op_crypto_digest, op_crypto_is_on_curve, op_crypto_sign_p384_sha1, op_crypto_verify_p384_sha1 } = core.ops;
const {
  ArrayBufferIsView,
  ArrayPrototypeFilter,
  ArrayPrototypeIncludes,
  BigInt,
  JSONParse,
  JSONStringify,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototypeIsPrototypeOf,
  ReflectApply,
  SafeArrayIterator,
  SafeWeakSet,
  StringPrototypeToUpperCase,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypeError,
  Uint8Array,
  WeakSetPrototypeAdd,
  WeakSetPrototypeHas,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { cryptoKeyExportNodeKeyMaterial, SubtleCrypto } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { copyOf: bytesOf, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { md5 } = core.loadExtScript("ext:workerd_lite/worker/digest_stream.js");
const { defineDerivation } = core.loadExtScript("ext:workerd_lite/worker/crypto_derivation.js");
const { defineNodeEd25519 } = core.loadExtScript("ext:workerd_lite/worker/node_ed25519.js");
const { checked } = core.loadExtScript("ext:workerd_lite/worker/crypto_arguments.js");
const { inTurn, settledHash, settledUsages } = core.loadExtScript("ext:workerd_lite/worker/crypto_jobs.js");
const { ctr } = core.loadExtScript("ext:workerd_lite/worker/aes_ctr.js");
const { algorithmOf, fail, isKey, isObject, typeOf, usagesOf } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");

const { prototype } = SubtleCrypto;

// Methods of ours.
const replaced = new SafeWeakSet();

// A copy of what a BufferSource holds.
function copyOf(source, prefix, what) {
  return bytesOf(webidl.converters.BufferSource(source, prefix, what));
}

// These members of a dictionary, read once.
function read(dictionary, members) {
  const own = { __proto__: null };
  for (let i = 0; i < members.length; i++) {
    const value = dictionary[members[i]];
    if (value !== undefined) own[members[i]] = value;
  }
  return own;
}

function isNamed(algorithm, name) {
  return isObject(algorithm) && typeof algorithm.name === "string" && StringPrototypeToUpperCase(algorithm.name) === name;
}

function checkKey(key, name, type, usage) {
  if (algorithmOf(key).name !== name || (type !== null && typeOf(key) !== type)) {
    throw fail("InvalidAccessError", "The key is not one of this algorithm");
  }
  if (!ArrayPrototypeIncludes(usagesOf(key), usage)) {
    throw fail("InvalidAccessError", `The key is not one to ${usage} with`);
  }
}

const TAGS = [32, 64, 96, 104, 112, 120, 128];

// The parameters of AES-GCM; `other` says whether the nonce or the tag has a length that deno_crypto does not take.
function gcmOf(algorithm) {
  const params = read(algorithm, ["additionalData", "iv", "name", "tagLength"]);
  let other = false;
  if (isObject(params.iv) && (core.isAnyArrayBuffer(params.iv) || ArrayBufferIsView(params.iv))) {
    params.iv = copyOf(params.iv, "Failed to normalize the algorithm", "'iv'");
    const length = TypedArrayPrototypeGetByteLength(params.iv);
    // NIST SP 800-38D, 5.2.1.1: at least one bit.
    if (length === 0) throw fail("OperationError", "AES-GCM IV must not be empty.");
    const tagged = params.tagLength !== undefined && params.tagLength !== 128;
    other = tagged || (length !== 12 && length !== 16);
  }
  return { __proto__: null, other, params };
}

async function gcm(decrypt, usage, key, params, data) {
  const prefix = "Failed to normalize the algorithm";
  const associated = params.additionalData === undefined
    ? new Uint8Array(0)
    : copyOf(params.additionalData, prefix, "'additionalData'");
  const tag = params.tagLength === undefined
    ? 128
    : webidl.converters.octet(params.tagLength, prefix, "'tagLength'", { enforceRange: true });
  data = copyOf(data, `Failed to execute '${usage}' on 'SubtleCrypto'`, "data");
  checkKey(key, "AES-GCM", "secret", usage);
  if (!ArrayPrototypeIncludes(TAGS, tag)) throw fail("OperationError", "The length of the tag is none that AES-GCM has");
  const args = [decrypt, cryptoKeyExportNodeKeyMaterial(key).data, params.iv, associated, data, tag / 8];
  return await inTurn("op_crypto_aes_gcm", op_crypto_aes_gcm, undefined, args, [], null);
}

function cipher(name, decrypt) {
  replace(name, (original) =>
    async function (algorithm, key, data) {
      if (arguments.length >= 3 && isKey(key) && isNamed(algorithm, "AES-CTR")) return await ctr(this, original, algorithm, key, data);
      if (arguments.length < 3 || !isKey(key) || !isNamed(algorithm, "AES-GCM")) {
        return await ReflectApply(original, this, arguments);
      }
      const { other, params } = gcmOf(algorithm);
      return other
        ? await gcm(decrypt, name, key, params, data)
        : await ReflectApply(original, this, [params, key, data]);
    });
}

// The name of the hash of ECDSA's parameters.
function ecdsaOf(algorithm) {
  const { name, hash } = algorithm;
  return { __proto__: null, name, hash: isObject(hash) ? hash.name : hash };
}

function isP384Sha1(key, { hash }) {
  return typeof hash === "string" && StringPrototypeToUpperCase(hash) === "SHA-1" && algorithmOf(key).namedCurve === "P-384";
}

function defineEcdsa() {
  replace("sign", (original) =>
    async function (algorithm, key, data) {
      if (arguments.length < 3 || !isKey(key) || !isNamed(algorithm, "ECDSA")) return await ReflectApply(original, this, arguments);
      const params = ecdsaOf(algorithm);
      if (!isP384Sha1(key, params)) return await ReflectApply(original, this, [params, key, data]);
      data = copyOf(data, "Failed to execute 'sign' on 'SubtleCrypto'", "Argument 3");
      checkKey(key, "ECDSA", "private", "sign");
      return op_crypto_sign_p384_sha1(cryptoKeyExportNodeKeyMaterial(key).data, data);
    });
  replace("verify", (original) =>
    async function (algorithm, key, signature, data) {
      if (arguments.length < 4 || !isKey(key) || !isNamed(algorithm, "ECDSA")) return await ReflectApply(original, this, arguments);
      const params = ecdsaOf(algorithm);
      if (!isP384Sha1(key, params)) return await ReflectApply(original, this, [params, key, signature, data]);
      const prefix = "Failed to execute 'verify' on 'SubtleCrypto'";
      signature = copyOf(signature, prefix, "Argument 3");
      data = copyOf(data, prefix, "Argument 4");
      checkKey(key, "ECDSA", "public", "verify");
      return op_crypto_verify_p384_sha1(cryptoKeyExportNodeKeyMaterial(key).data, signature, data);
    });
}

const JWK = ["alg", "crv", "d", "dp", "dq", "e", "ext", "k", "key_ops", "kty", "n", "oth", "p", "priv", "pub", "q", "qi", "use", "x", "y"];
const OPERATIONS = [
  "encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey",
  "encapsulateKey", "encapsulateBits", "decapsulateKey", "decapsulateBits",
];

// What importKey() and unwrapKey() look at of an algorithm.
function importAlgorithm(algorithm) {
  if (!isObject(algorithm)) return algorithm;
  const own = read(algorithm, ["hash", "length", "name", "namedCurve"]);
  if (own.hash !== undefined) own.hash = settledHash(own.hash);
  return own;
}

// Each stands there once, and there may be others than those that are known: https://www.rfc-editor.org/rfc/rfc7517#section-4.3
function operations(given) {
  const list = webidl.converters["sequence<DOMString>"](given, "Failed to execute 'importKey' on 'SubtleCrypto'", "'key_ops'");
  for (let i = 0; i < list.length; i++) {
    if (ArrayPrototypeIncludes(list, list[i], i + 1)) throw fail("DataError", "The JWK's 'key_ops' has an operation twice");
  }
  return ArrayPrototypeFilter(list, (operation) => ArrayPrototypeIncludes(OPERATIONS, operation));
}

// A private key of a curve has one public key, which the JWK must name.
function importJwk(importKey, exportKey) {
  return async (subtle, jwk, algorithm, extractable, usages) => {
    const own = read(jwk, JWK);
    if (own.key_ops !== undefined) own.key_ops = operations(own.key_ops);
    let key;
    try {
      key = await ReflectApply(importKey, subtle, ["jwk", own, algorithm, extractable, usages]);
    } catch (error) {
      const missing = own.x === undefined ? "x" : own.y === undefined ? "y" : "";
      if (own.kty !== "EC" || missing === "" || !isNamedError(error, "DataError")) throw error;
      throw fail("DataError", `Invalid EC key in JSON Web Key: missing "${missing}".`);
    }
    const { name, namedCurve } = algorithmOf(key);
    if (own.kty === "EC" && own.crv !== namedCurve) throw fail("DataError", "The JWK's curve is not that of the algorithm");
    if (name === "Ed25519" && own.alg !== undefined && own.alg !== "Ed25519" && own.alg !== "EdDSA") {
      throw fail("DataError", "The JWK's 'alg' is not that of the algorithm");
    }
    if (own.d === undefined || (own.kty !== "EC" && own.kty !== "OKP")) return key;
    const bare = read(own, ["crv", "d", "kty", "x", "y"]);
    const whole = await ReflectApply(importKey, subtle, ["jwk", bare, algorithm, true, new SafeArrayIterator(usagesOf(key))]);
    const fits = await ReflectApply(exportKey, subtle, ["jwk", whole]);
    if (fits.x !== own.x || fits.y !== own.y) throw fail("DataError", "The JWK's private key is not that of its public key");
    return key;
  };
}

const { get: nameOf } = ObjectGetOwnPropertyDescriptor(DOMException.prototype, "name");

function isNamedError(error, name) {
  return isObject(error) && ObjectPrototypeIsPrototypeOf(DOMException.prototype, error) && ReflectApply(nameOf, error, []) === name;
}

const GENERATE = ["hash", "length", "modulusLength", "name", "namedCurve", "publicExponent"];
// Bytes of an exponent that a message has.
const MOST_OF_EXPONENT = 16;

// The number that an exponent's bytes are, most significant first; null where it is none, or too long to be told.
function numberOf(exponent) {
  if (!isObject(exponent) || TypedArrayPrototypeGetSymbolToStringTag(exponent) !== "Uint8Array") return null;
  const length = TypedArrayPrototypeGetByteLength(exponent);
  if (length > MOST_OF_EXPONENT) return null;
  let number = 0n;
  for (let i = 0; i < length; i++) number = number * 256n + BigInt(exponent[i]);
  return number;
}

function defineExponents() {
  replace("generateKey", (original) =>
    async function (algorithm, extractable, usages) {
      if (arguments.length < 3 || !isObject(algorithm)) return await ReflectApply(original, this, arguments);
      const params = read(algorithm, GENERATE);
      const exponent = numberOf(params.publicExponent);
      try {
        return await ReflectApply(original, this, [params, extractable, usages]);
      } catch (error) {
        if (exponent === null || exponent === 3n || exponent === 65537n || !isNamedError(error, "OperationError")) throw error;
        throw fail("OperationError", `The "publicExponent" must be either 3 or 65537, but got ${exponent}.`);
      }
    });
}

const WITH_HASH = ["HMAC", "RSA-OAEP", "RSA-PSS", "RSASSA-PKCS1-V1_5"];

// What deno_crypto lets pass: secrets to derive from that may be exported, and parameters without a hash, as a type error.
function checkImport(algorithm, extractable) {
  const given = isObject(algorithm) ? algorithm.name : algorithm;
  if (typeof given !== "string") return;
  const name = StringPrototypeToUpperCase(given);
  if ((name === "PBKDF2" || name === "HKDF") && extractable) throw fail("SyntaxError", `${name} key cannot be extractable.`);
  if (ArrayPrototypeIncludes(WITH_HASH, name) && algorithm.hash === undefined) throw new TypeError('Missing field "hash" in "algorithm".');
}

function isOnCurve(key) {
  const { name, namedCurve } = algorithmOf(key);
  if ((name !== "ECDSA" && name !== "ECDH") || typeOf(key) !== "public") return true;
  try {
    return op_crypto_is_on_curve(namedCurve, cryptoKeyExportNodeKeyMaterial(key).data);
  } catch {
    return false;
  }
}

// deno_crypto looks at a point when it is used.
function onCurve(importKey) {
  return async function () {
    const key = await ReflectApply(importKey, this, arguments);
    if (!isOnCurve(key)) throw fail("DataError", "The key's point is not on its curve");
    return key;
  };
}

function defineKeys() {
  const importKey = onCurve(methodOf("importKey"));
  const exportKey = methodOf("exportKey");
  const jwk = importJwk(importKey, exportKey);

  async function importBytes(subtle, format, bytes, algorithm, extractable, usages) {
    if (format !== "jwk") return await ReflectApply(importKey, subtle, [format, bytes, algorithm, extractable, usages]);
    let parsed;
    try {
      parsed = JSONParse(core.decode(bytes));
    } catch {
      // It is no object either.
    }
    if (!isObject(parsed)) throw fail("DataError", "The unwrapped key is no JWK");
    return await jwk(subtle, parsed, algorithm, extractable, usages);
  }

  replace("importKey", () =>
    async function (format, keyData, algorithm, extractable, usages) {
      if (arguments.length >= 5) {
        algorithm = importAlgorithm(algorithm);
        checkImport(algorithm, extractable);
        usages = new SafeArrayIterator(settledUsages(usages));
      }
      const plain = isObject(keyData) && !core.isAnyArrayBuffer(keyData) && !ArrayBufferIsView(keyData);
      if (format !== "jwk" || !plain || arguments.length < 5) {
        const args = arguments.length < 5 ? arguments : [format, keyData, algorithm, extractable, usages];
        return await ReflectApply(importKey, this, args);
      }
      return await jwk(this, keyData, algorithm, extractable, usages);
    });
  replace("exportKey", (original) =>
    async function (format, key) {
      const exported = await ReflectApply(original, this, arguments);
      if (format === "jwk" && algorithmOf(key).name === "Ed25519") {
        ObjectDefineProperty(exported, "alg", { __proto__: null, value: "Ed25519", writable: true, enumerable: true, configurable: true });
      }
      return exported;
    });
  replace("wrapKey", (original) =>
    async function (format, key, wrappingKey, algorithm) {
      if (arguments.length < 4 || !isKey(wrappingKey) || !isNamed(algorithm, "AES-GCM")) {
        return await ReflectApply(original, this, arguments);
      }
      const { other, params } = gcmOf(algorithm);
      if (!other) return await ReflectApply(original, this, [format, key, wrappingKey, params]);
      checkKey(wrappingKey, "AES-GCM", "secret", "wrapKey");
      const exported = await ReflectApply(exportKey, this, [format, key]);
      const bytes = format === "jwk" ? core.encode(JSONStringify(exported)) : exported;
      return await gcm(false, "wrapKey", wrappingKey, params, bytes);
    });
  replace("unwrapKey", (original) =>
    async function (format, wrapped, unwrappingKey, algorithm, keyAlgorithm, extractable, usages) {
      if (arguments.length < 7 || !isKey(unwrappingKey)) return await ReflectApply(original, this, arguments);
      keyAlgorithm = importAlgorithm(keyAlgorithm);
      usages = new SafeArrayIterator(settledUsages(usages));
      let bytes = null;
      if (isNamed(algorithm, "AES-GCM")) {
        const { other, params } = gcmOf(algorithm);
        if (other) bytes = await gcm(true, "unwrapKey", unwrappingKey, params, wrapped);
        algorithm = params;
      }
      if (bytes === null) {
        if (format !== "jwk") {
          return await ReflectApply(original, this, [format, wrapped, unwrappingKey, algorithm, keyAlgorithm, extractable, usages]);
        }
        // A key of any length, to see the JWK itself.
        const any = { __proto__: null, name: "HMAC", hash: "SHA-256" };
        const whole = await ReflectApply(original, this, ["raw", wrapped, unwrappingKey, algorithm, any, true, new SafeArrayIterator(["sign"])]);
        bytes = await ReflectApply(exportKey, this, ["raw", whole]);
      }
      return await importBytes(this, format, new Uint8Array(bytes), keyAlgorithm, extractable, usages);
    });
}

// The y of points of small order on edwards25519, in all their encodings, without the sign of x: a signature by such a key, or with such
// an R, is good for many messages. https://www.rfc-editor.org/rfc/rfc8032#section-8.9 and https://eprint.iacr.org/2020/1244
const SMALL = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
const DIGITS = "0123456789abcdef";

function isSmall(bytes, start) {
  let text = "";
  for (let i = 0; i < 32; i++) {
    const byte = bytes[start + i] & (i === 31 ? 0x7f : 0xff);
    text += DIGITS[byte >> 4] + DIGITS[byte & 15];
  }
  return ArrayPrototypeIncludes(SMALL, text);
}

function defineEd25519() {
  replace("verify", (original) =>
    async function (algorithm, key, signature, data) {
      if (arguments.length < 4 || !isKey(key) || algorithmOf(key).name !== "Ed25519") return await ReflectApply(original, this, arguments);
      const own = copyOf(signature, "Failed to execute 'verify' on 'SubtleCrypto'", "Argument 3");
      if (!(await ReflectApply(original, this, [algorithm, key, own, data]))) return false;
      const spki = cryptoKeyExportNodeKeyMaterial(key).data;
      return !isSmall(own, 0) && !isSmall(spki, TypedArrayPrototypeGetByteLength(spki) - 32);
    });
}

const DIGESTS = { __proto__: null, "SHA-1": 0, "SHA-256": 1, "SHA-384": 2, "SHA-512": 3 };
// What takes a few microseconds.
const SHORT = 8192;

// Comes last: what is short waits for no thread and no other call.
function defineDigest() {
  replace("digest", (original) =>
    async function (algorithm, data) {
      if (arguments.length >= 2 && ObjectPrototypeIsPrototypeOf(prototype, this) && this[webidl.brand] === webidl.brand) {
        if (isObject(algorithm)) algorithm = { __proto__: algorithm, name: algorithm.name };
        const name = isObject(algorithm) ? algorithm.name : algorithm;
        const number = typeof name === "string" ? DIGESTS[StringPrototypeToUpperCase(name)] : undefined;
        if (number !== undefined && isObject(data) && (core.isArrayBuffer(data) || ArrayBufferIsView(data))) {
          const bytes = view(data);
          if (TypedArrayPrototypeGetByteLength(bytes) <= SHORT) return op_crypto_digest(number, bytes);
        } else if (typeof name === "string" && StringPrototypeToUpperCase(name) === "MD5") {
          return md5(view(webidl.converters.BufferSource(data, "Failed to execute 'digest' on 'SubtleCrypto'", "Argument 2")));
        }
      }
      return await ReflectApply(original, this, arguments.length < 2 ? arguments : [algorithm, data]);
    });
}

function methodOf(name) {
  return ObjectGetOwnPropertyDescriptor(prototype, name).value;
}

function replace(name, make) {
  const original = methodOf(name);
  const value = make(WeakSetPrototypeHas(replaced, original) ? original : checked(name, original));
  WeakSetPrototypeAdd(replaced, value);
  ObjectDefineProperty(value, "name", { __proto__: null, value: name, configurable: true });
  ObjectDefineProperty(value, "length", { __proto__: null, value: original.length, configurable: true });
  ObjectDefineProperty(prototype, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

function defineWebCrypto() {
  cipher("encrypt", false);
  cipher("decrypt", true);
  defineEcdsa();
  defineEd25519();
  defineExponents();
  defineKeys();
  defineDerivation(replace);
  defineNodeEd25519(replace);
}

return { defineDigest, defineWebCrypto };
})();
