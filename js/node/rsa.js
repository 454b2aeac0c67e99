// `publicEncrypt()` and its kin: https://nodejs.org/docs/latest-v22.x/api/crypto.html#cryptopublicencryptkey-buffer
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  ObjectDefineProperty,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  SymbolSpecies,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
} = primordials;
const { ops } = core.loadExtScript("ext:workerd_lite/node/ops.js");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isAnyArrayBuffer, isArrayBufferView } = core.loadExtScript("ext:deno_node/internal/util/types.ts");
const { isKeyObject } = core.loadExtScript("ext:deno_node/internal/crypto/_keys.ts");

// keys.ts wants this script while it is read.
const keys = () => core.loadExtScript("ext:deno_node/internal/crypto/keys.ts");

const NONE = 3;
const OAEP = 4;
const PKCS1 = 1;
const PSS = 6;
const PUBLIC_ENCRYPT = 0;
const PRIVATE_DECRYPT = 1;
const PRIVATE_ENCRYPT = 2;
const PUBLIC_DECRYPT = 3;

function coded(error, code) {
  ObjectDefineProperty(error, "code", { __proto__: null, value: code, writable: true, enumerable: true, configurable: true });
  return error;
}

function handleOf(key, needsPrivate) {
  const { kConsumePrivate, kConsumePublic, prepareAsymmetricKey } = keys();
  const prepared = prepareAsymmetricKey(key, needsPrivate ? kConsumePrivate : kConsumePublic);
  if (prepared.handle !== undefined) return prepared.handle;
  if (needsPrivate) return ops.op_node_create_private_key(prepared.data, prepared.format, prepared.type ?? "", prepared.passphrase);
  if (prepared.type === "pkcs8" || prepared.type === "sec1") {
    return ops.op_node_create_private_key(prepared.data, prepared.format, prepared.type, prepared.passphrase);
  }
  try {
    return ops.op_node_create_public_key(prepared.data, prepared.format, prepared.type ?? "", prepared.passphrase);
  } catch (error) {
    // Of PKCS#1 the bytes alone say which of the two it is.
    if (prepared.type !== "pkcs1" || prepared.format !== "der") throw error;
    try {
      return ops.op_node_create_private_key(prepared.data, prepared.format, prepared.type, prepared.passphrase);
    } catch {
      throw error;
    }
  }
}

// Only what names options has any: a key has none.
const optionsOf = (key) => typeof key === "object" && key !== null && !isKeyObject(key) && !isArrayBufferView(key) ? key : {};

function oaepOf(options) {
  const { oaepHash, oaepLabel } = options;
  if (oaepHash !== undefined && typeof oaepHash !== "string") throw new ERR_INVALID_ARG_TYPE("key.oaepHash", "string", oaepHash);
  if (oaepLabel !== undefined && !isArrayBufferView(oaepLabel) && !isAnyArrayBuffer(oaepLabel) && typeof oaepLabel !== "string") {
    throw new ERR_INVALID_ARG_TYPE("key.oaepLabel", ["string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"], oaepLabel);
  }
  let hash = oaepHash === undefined || oaepHash === "" ? undefined : StringPrototypeToLowerCase(oaepHash);
  if (hash === "sha-1" || hash === "sha-256" || hash === "sha-384" || hash === "sha-512") hash = `sha${StringPrototypeSlice(hash, 4)}`;
  if (hash !== undefined) {
    try {
      ops.op_node_validate_oaep_hash(hash);
    } catch {
      throw coded(new Error("Invalid digest used"), "ERR_OSSL_EVP_INVALID_DIGEST");
    }
  }
  const label = oaepLabel === undefined ? undefined : keys().getArrayBufferOrView(oaepLabel, "key.oaepLabel", options.encoding);
  return { hash, label };
}

function oaep(operation, handle, data, options) {
  const { hash, label } = oaepOf(options);
  if (ops.op_node_get_asymmetric_key_type(handle) !== "rsa") {
    throw coded(new Error("error:03000096:digital envelope routines::operation not supported for this keytype"), "ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE");
  }
  if (operation === PRIVATE_DECRYPT) {
    const der = ops.op_node_export_private_key_der(handle, "pkcs8", null, null);
    try {
      return ops.op_node_private_decrypt(der, data, OAEP, hash, label);
    } catch {
      throw coded(new Error("error:02000079:rsa routines::oaep decoding error"), "ERR_OSSL_RSA_OAEP_DECODING_ERROR");
    }
  }
  const half = ops.op_node_key_type(handle) === "private" ? ops.op_node_derive_public_key_from_private_key(handle) : handle;
  const der = ops.op_node_export_public_key_der(half, "spki");
  try {
    return ops.op_node_public_encrypt(der, data, OAEP, hash, label);
  } catch {
    throw coded(new Error("error:0200006E:rsa routines::data too large for key size"), "ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_KEY_SIZE");
  }
}

function method(operation, otherwise) {
  const needsPrivate = operation === PRIVATE_DECRYPT || operation === PRIVATE_ENCRYPT;
  return (key, buffer) => {
    const options = optionsOf(key);
    const handle = handleOf(key, needsPrivate);
    const padding = options.padding ?? otherwise;
    if (typeof padding !== "number" || padding >>> 0 !== padding) throw new ERR_INVALID_ARG_VALUE("key.padding", padding);
    const data = keys().getArrayBufferOrView(buffer, "buffer", options.encoding);
    const bytes = new Buffer[SymbolSpecies](
      TypedArrayPrototypeGetBuffer(data),
      TypedArrayPrototypeGetByteOffset(data),
      TypedArrayPrototypeGetByteLength(data),
    );
    if (padding === OAEP && operation <= PRIVATE_DECRYPT) return Buffer.from(oaep(operation, handle, bytes, options));
    if (operation === PUBLIC_ENCRYPT && (padding > PSS || padding === 0)) {
      throw coded(new Error("error:02000076:rsa routines::unknown padding type"), "ERR_OSSL_RSA_UNKNOWN_PADDING_TYPE");
    }
    if (padding !== PKCS1 && padding !== NONE) {
      throw coded(new Error("error:1C8000A5:Provider routines::illegal or unsupported padding mode"), "ERR_OSSL_ILLEGAL_OR_UNSUPPORTED_PADDING_MODE");
    }
    return Buffer.from(ops.op_node_rsa(handle, operation, bytes, padding));
  };
}

// A key's PEM, for what takes no handle.
function prepareKey(key) {
  const handle = handleOf(key, false);
  if (ops.op_node_key_type(handle) === "private") return { data: Buffer.from(ops.op_node_export_private_key_pem(handle, "pkcs8", null, null)) };
  return { data: Buffer.from(ops.op_node_export_public_key_pem(handle, "spki")) };
}

return {
  prepareKey,
  privateDecrypt: method(PRIVATE_DECRYPT, OAEP),
  privateEncrypt: method(PRIVATE_ENCRYPT, PKCS1),
  publicDecrypt: method(PUBLIC_DECRYPT, PKCS1),
  publicEncrypt: method(PUBLIC_ENCRYPT, OAEP),
};
})();
