// HKDF: https://nodejs.org/docs/latest-v22.x/api/crypto.html#cryptohkdfdigest-ikm-salt-info-keylen-callback
(function () {
const { core, primordials } = __bootstrap;
const { PromisePrototypeThen, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, Uint8Array } = primordials;
const { ops } = core.loadExtScript("ext:workerd_lite/node/ops.js");
const { validateFunction, validateInteger, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { ERR_CRYPTO_INVALID_DIGEST, ERR_CRYPTO_INVALID_KEYLEN, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { kHandle, validateByteSource } = core.loadExtScript("ext:deno_node/internal/crypto/util.ts");
const { createSecretKey, getArrayBufferOrView } = core.loadExtScript("ext:deno_node/internal/crypto/keys.ts");
const { isAnyArrayBuffer, isArrayBufferView } = core.loadExtScript("ext:deno_node/internal/util/types.ts");
const { isKeyObject } = core.loadExtScript("ext:deno_node/internal/crypto/_keys.ts");
const { kMaxLength } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");

// RFC 5869 has no limit for it, OpenSSL has.
const LONGEST_INFO = 1024;

function secret(key) {
  if (isKeyObject(key)) return key;
  if (typeof key !== "string" && !isArrayBufferView(key) && !isAnyArrayBuffer(key)) {
    throw new ERR_INVALID_ARG_TYPE("ikm", ["string", "SecretKeyObject", "ArrayBuffer", "TypedArray", "DataView", "Buffer"], key);
  }
  return createSecretKey(getArrayBufferOrView(key, "ikm"));
}

function checked(hash, ikm, salt, info, length) {
  validateString(hash, "digest");
  const key = secret(ikm);
  validateByteSource(salt, "salt");
  validateByteSource(info, "info");
  validateInteger(length, "length", 0, kMaxLength);
  const plainSalt = getArrayBufferOrView(salt, "salt");
  const plainInfo = getArrayBufferOrView(info, "info");
  const size = TypedArrayPrototypeGetByteLength(plainInfo);
  if (size > LONGEST_INFO) throw new ERR_OUT_OF_RANGE("info", "must not contain more than 1024 bytes", size);
  const made = ops.op_node_get_hash_size(hash);
  if (made < 0) throw new ERR_CRYPTO_INVALID_DIGEST(hash);
  if (made > 0 && made * 255 < length) throw new ERR_CRYPTO_INVALID_KEYLEN();
  return [hash, key[kHandle], plainSalt, plainInfo, length];
}

function hkdf(hash, ikm, salt, info, length, callback) {
  const [name, handle, plainSalt, plainInfo, size] = checked(hash, ikm, salt, info, length);
  validateFunction(callback, "callback");
  PromisePrototypeThen(
    ops.op_node_hkdf_async(name, handle, plainSalt, plainInfo, size),
    (made) => callback(null, TypedArrayPrototypeGetBuffer(made)),
    (error) => callback(error),
  );
}

function hkdfSync(hash, ikm, salt, info, length) {
  const [name, handle, plainSalt, plainInfo, size] = checked(hash, ikm, salt, info, length);
  const made = new Uint8Array(size);
  ops.op_node_hkdf(name, handle, plainSalt, plainInfo, made);
  return TypedArrayPrototypeGetBuffer(made);
}

return { hkdf, hkdfSync, default: { hkdf, hkdfSync } };
})();
