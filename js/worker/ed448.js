// Ed448 in crypto.subtle, which deno_crypto leaves out: https://wicg.github.io/webcrypto-secure-curves/#ed448
(function () {
const { core, primordials } = __bootstrap;
const {
  op_node_export_public_key_der,
  op_node_key_public_half,
  op_node_key_raw,
  op_node_key_sign_ed448,
  op_node_key_verify_ed448,
} = core.ops;
const {
  ArrayPrototypeIncludes,
  ArrayPrototypePush,
  JSONParse,
  JSONStringify,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
  RegExpPrototypeExec,
  SafeArrayIterator,
  SafeRegExp,
  SafeWeakMap,
  StringPrototypeReplace,
  StringPrototypeToUpperCase,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  Uint8Array,
  WeakMapPrototypeGet,
  TypeError,
  WeakMapPrototypeSet,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { Crypto, cryptoKeyFromCloneData, SubtleCrypto } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { forgivingBase64Decode, forgivingBase64Encode } = core.loadExtScript("ext:deno_web/00_infra.js");
const { copyOf } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { fail, isExtractable, isKey, isObject, typeOf, usagesOf } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");

const LENGTH = 57;
// What is before the bytes of a key: SubjectPublicKeyInfo (RFC 8410, section 4) and PKCS#8 (section 7).
const SPKI = [0x30, 0x43, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00];
const PKCS8 = [0x30, 0x47, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x04, 0x3b, 0x04, 0x39];

const { prototype } = SubtleCrypto;
const { getRandomValues } = Crypto.prototype;
const BASE64URL = new SafeRegExp(/^[A-Za-z0-9_-]*$/);
const PLUS = new SafeRegExp(/\+/g);
const SLASH = new SafeRegExp(/\//g);
const EQUALS = new SafeRegExp(/=+$/);
const MINUS = new SafeRegExp(/-/g);
const LOW_LINE = new SafeRegExp(/_/g);

// The bytes of keys, and what ops have of them: scripts are given neither.
const bytesOf = new SafeWeakMap();

const isOurs = (value) => isKey(value) && WeakMapPrototypeGet(bytesOf, value) !== undefined;
const isNamed = (name) => typeof name === "string" && StringPrototypeToUpperCase(name) === "ED448";

function encode(bytes) {
  const text = StringPrototypeReplace(StringPrototypeReplace(forgivingBase64Encode(bytes), PLUS, "-"), SLASH, "_");
  return StringPrototypeReplace(text, EQUALS, "");
}

function decode(text) {
  if (typeof text !== "string" || RegExpPrototypeExec(BASE64URL, text) === null) throw fail("DataError", "The JWK is not base64url");
  try {
    return forgivingBase64Decode(StringPrototypeReplace(StringPrototypeReplace(text, MINUS, "+"), LOW_LINE, "/"));
  } catch {
    throw fail("DataError", "The JWK is not base64url");
  }
}

function checkLength(bytes) {
  if (TypedArrayPrototypeGetByteLength(bytes) !== LENGTH) throw fail("DataError", "A key of Ed448 has 57 bytes");
  return bytes;
}

function behind(prefix, bytes) {
  const size = prefix.length;
  if (TypedArrayPrototypeGetByteLength(bytes) !== size + LENGTH) throw fail("DataError", "This is no key of Ed448");
  for (let i = 0; i < size; i++) {
    if (bytes[i] !== prefix[i]) throw fail("DataError", "This is no key of Ed448");
  }
  return TypedArrayPrototypeSlice(bytes, size);
}

function withPrefix(prefix, bytes) {
  const all = new Uint8Array(prefix.length + LENGTH);
  for (let i = 0; i < prefix.length; i++) all[i] = prefix[i];
  TypedArrayPrototypeSet(all, bytes, prefix.length);
  return TypedArrayPrototypeGetBuffer(all);
}

const handleOf = (bytes, isPublic) => op_node_key_raw("Ed448", bytes, isPublic);

function publicOf(bytes) {
  const der = op_node_export_public_key_der(op_node_key_public_half(handleOf(bytes, false)), "spki");
  return TypedArrayPrototypeSlice(der, TypedArrayPrototypeGetByteLength(der) - LENGTH);
}

function newKey(type, bytes, extractable, usages) {
  if (type === "public") {
    try {
      handleOf(bytes, true);
    } catch {
      throw fail("DataError", "This is no public key of Ed448");
    }
  }
  const algorithm = { __proto__: null, name: "Ed448" };
  const keyData = { __proto__: null, type, data: new Uint8Array(0) };
  const key = cryptoKeyFromCloneData({ __proto__: null, algorithm, extractable, keyData, keyType: type, usages });
  WeakMapPrototypeSet(bytesOf, key, bytes);
  return key;
}

// Each usage once, and none but these.
function usagesOfKind(given, allowed) {
  const usages = [];
  for (let i = 0; i < given.length; i++) {
    if (!ArrayPrototypeIncludes(allowed, given[i])) throw fail("SyntaxError", `A key of Ed448 is not one to ${given[i]} with`);
    if (!ArrayPrototypeIncludes(usages, given[i])) ArrayPrototypePush(usages, given[i]);
  }
  return usages;
}

function checkPrivate(usages) {
  if (usages.length === 0) throw fail("SyntaxError", "A private key has usages");
}

const JWK = ["alg", "crv", "d", "ext", "key_ops", "kty", "use", "x"];

function importJwk(given, extractable, wanted) {
  const jwk = { __proto__: null };
  for (let i = 0; i < JWK.length; i++) jwk[JWK[i]] = given[JWK[i]];
  const isPrivate = jwk.d !== undefined;
  const usages = usagesOfKind(wanted, isPrivate ? ["sign"] : ["verify"]);
  if (isPrivate) checkPrivate(usages);
  const wrong = (what) => fail("DataError", `The JWK's '${what}' is not that of such a key`);
  if (jwk.kty !== "OKP") throw wrong("kty");
  if (jwk.crv !== "Ed448") throw wrong("crv");
  if (jwk.alg !== undefined && jwk.alg !== "Ed448" && jwk.alg !== "EdDSA") throw wrong("alg");
  if (usages.length > 0 && jwk.use !== undefined && jwk.use !== "sig") throw wrong("use");
  if (jwk.key_ops !== undefined) {
    const operations = webidl.converters["sequence<DOMString>"](jwk.key_ops, "Failed to import a key", "'key_ops'");
    for (let i = 0; i < usages.length; i++) {
      if (!ArrayPrototypeIncludes(operations, usages[i])) throw wrong("key_ops");
    }
  }
  if (jwk.ext === false && extractable) throw wrong("ext");
  if (jwk.x === undefined) throw wrong("x");
  const x = checkLength(decode(jwk.x));
  if (!isPrivate) return newKey("public", x, extractable, usages);
  const d = checkLength(decode(jwk.d));
  if (encode(publicOf(d)) !== encode(x)) throw wrong("x");
  return newKey("private", d, extractable, usages);
}

function importKey(format, data, extractable, wanted) {
  if (format === "jwk") {
    if (!isObject(data)) throw new TypeError("a JWK is an object");
    return importJwk(data, extractable, wanted);
  }
  const bytes = copyOf(webidl.converters.BufferSource(data, "Failed to execute 'importKey' on 'SubtleCrypto'", "Argument 2"));
  if (format === "pkcs8") {
    const usages = usagesOfKind(wanted, ["sign"]);
    checkPrivate(usages);
    return newKey("private", behind(PKCS8, bytes), extractable, usages);
  }
  const usages = usagesOfKind(wanted, ["verify"]);
  if (format === "spki") return newKey("public", behind(SPKI, bytes), extractable, usages);
  if (format === "raw" || format === "raw-public") return newKey("public", checkLength(bytes), extractable, usages);
  throw fail("NotSupportedError", "A key of Ed448 has no such format");
}

function exportKey(format, key) {
  if (!isExtractable(key)) throw fail("InvalidAccessError", "The key is not extractable");
  const bytes = WeakMapPrototypeGet(bytesOf, key);
  const isPublic = typeOf(key) === "public";
  if (format === "jwk") {
    const jwk = { kty: "OKP", crv: "Ed448", alg: "Ed448", x: encode(isPublic ? bytes : publicOf(bytes)), key_ops: usagesOf(key), ext: true };
    if (!isPublic) ObjectDefineProperty(jwk, "d", { __proto__: null, value: encode(bytes), writable: true, enumerable: true, configurable: true });
    return jwk;
  }
  if (format !== "spki" && format !== "pkcs8" && format !== "raw" && format !== "raw-public") {
    throw fail("NotSupportedError", "A key of Ed448 has no such format");
  }
  if (isPublic !== (format !== "pkcs8")) throw fail("InvalidAccessError", "The key is not one of this format");
  if (format === "raw" || format === "raw-public") return TypedArrayPrototypeGetBuffer(TypedArrayPrototypeSlice(bytes));
  return withPrefix(isPublic ? SPKI : PKCS8, bytes);
}

function generateKey(extractable, wanted) {
  const usages = usagesOfKind(wanted, ["sign", "verify"]);
  const has = (usage) => (ArrayPrototypeIncludes(usages, usage) ? [usage] : []);
  checkPrivate(has("sign"));
  const bytes = ReflectApply(getRandomValues, core.loadExtScript("ext:deno_crypto/00_crypto.js").crypto, [new Uint8Array(LENGTH)]);
  return {
    publicKey: newKey("public", publicOf(bytes), true, has("verify")),
    privateKey: newKey("private", bytes, extractable, has("sign")),
  };
}

// The bytes of the key, which must be one for this.
function use(algorithm, key, type, usage) {
  if (isObject(algorithm) && algorithm.context !== undefined && TypedArrayPrototypeGetByteLength(copyOf(algorithm.context)) > 0) {
    throw fail("OperationError", "A context is not supported");
  }
  if (!isOurs(key) || typeOf(key) !== type || !ArrayPrototypeIncludes(usagesOf(key), usage)) {
    throw fail("InvalidAccessError", `The key is not one to ${usage} with Ed448`);
  }
  return WeakMapPrototypeGet(bytesOf, key);
}

function sign(algorithm, key, data) {
  data = copyOf(webidl.converters.BufferSource(data, "Failed to execute 'sign' on 'SubtleCrypto'", "Argument 3"));
  const bytes = use(algorithm, key, "private", "sign");
  return TypedArrayPrototypeGetBuffer(op_node_key_sign_ed448(handleOf(bytes, false), data));
}

function verify(algorithm, key, signature, data) {
  const prefix = "Failed to execute 'verify' on 'SubtleCrypto'";
  signature = copyOf(webidl.converters.BufferSource(signature, prefix, "Argument 3"));
  data = copyOf(webidl.converters.BufferSource(data, prefix, "Argument 4"));
  return op_node_key_verify_ed448(handleOf(use(algorithm, key, "public", "verify"), true), data, signature);
}

// A copy of one of ours, for structured cloning.
function cloneKey(key) {
  return newKey(typeOf(key), WeakMapPrototypeGet(bytesOf, key), isExtractable(key), usagesOf(key));
}

// The algorithm with its name read once.
function settled(algorithm) {
  if (!isObject(algorithm)) return algorithm;
  const { name } = algorithm;
  return isNamed(name) ? { __proto__: null, name, context: algorithm.context } : algorithm;
}

const nameOf = (algorithm) => (isObject(algorithm) ? algorithm.name : algorithm);
const strings = (usages) => webidl.converters["sequence<DOMString>"](usages, "Failed to execute a method of 'SubtleCrypto'", "'keyUsages'");

function replace(name, make) {
  const original = ObjectGetOwnPropertyDescriptor(prototype, name).value;
  const value = make(original);
  ObjectDefineProperty(value, "name", { __proto__: null, value: name, configurable: true });
  ObjectDefineProperty(value, "length", { __proto__: null, value: original.length, configurable: true });
  ObjectDefineProperty(prototype, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

// What has keys of another algorithm goes on as it was.
function method(name, count, isIt, run) {
  replace(name, (original) =>
    async function (...args) {
      if (args.length < count || this?.[webidl.brand] !== webidl.brand || !isIt(args)) return await ReflectApply(original, this, args);
      return run(args);
    });
}

function defineEd448() {
  const [importHmac, exportHmac, wrapKey, unwrapKey] = [
    prototype.importKey,
    prototype.exportKey,
    prototype.wrapKey,
    prototype.unwrapKey,
  ];
  const subtle = () => core.loadExtScript("ext:deno_crypto/00_crypto.js").crypto.subtle;
  const any = { __proto__: null, name: "HMAC", hash: "SHA-256" };
  method("generateKey", 3, ([algorithm]) => isNamed(nameOf(algorithm)), ([, extractable, usages]) => generateKey(!!extractable, strings(usages)));
  method("importKey", 5, ([, , algorithm]) => isNamed(nameOf(algorithm)), ([format, data, , extractable, usages]) =>
    importKey(`${format}`, data, !!extractable, strings(usages)));
  method("exportKey", 2, ([, key]) => isOurs(key), ([format, key]) => exportKey(`${format}`, key));
  method("sign", 3, ([algorithm, key]) => isNamed(nameOf(algorithm)) || isOurs(key), ([algorithm, key, data]) => {
    if (!isNamed(nameOf(algorithm))) throw fail("InvalidAccessError", "The key is not one of this algorithm");
    return sign(settled(algorithm), key, data);
  });
  method("verify", 4, ([algorithm, key]) => isNamed(nameOf(algorithm)) || isOurs(key), ([algorithm, key, signature, data]) => {
    if (!isNamed(nameOf(algorithm))) throw fail("InvalidAccessError", "The key is not one of this algorithm");
    return verify(settled(algorithm), key, signature, data);
  });
  // Wrapped and unwrapped as a key of any bytes.
  method("wrapKey", 4, ([, key]) => isOurs(key), async ([format, key, wrappingKey, algorithm]) => {
    const exported = exportKey(`${format}`, key);
    const bytes = format === "jwk" ? core.encode(JSONStringify(exported)) : exported;
    const whole = await ReflectApply(importHmac, subtle(), ["raw", bytes, any, true, new SafeArrayIterator(["sign"])]);
    return await ReflectApply(wrapKey, subtle(), ["raw", whole, wrappingKey, algorithm]);
  });
  method("unwrapKey", 7, ([, , , , algorithm]) => isNamed(nameOf(algorithm)), async ([format, wrapped, unwrappingKey, algorithm, , extractable, usages]) => {
    const wanted = strings(usages);
    const whole = await ReflectApply(unwrapKey, subtle(), ["raw", wrapped, unwrappingKey, algorithm, any, true, new SafeArrayIterator(["sign"])]);
    let bytes = await ReflectApply(exportHmac, subtle(), ["raw", whole]);
    if (format === "jwk") {
      try {
        bytes = JSONParse(core.decode(new Uint8Array(bytes)));
      } catch {
        throw fail("DataError", "The unwrapped key is no JWK");
      }
    }
    return importKey(`${format}`, bytes, !!extractable, wanted);
  });
}

return { cloneKey, defineEd448, isOurs };
})();
