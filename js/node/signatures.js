// Signatures by the ops that are quick, where they have the key and the hash, and by those that have all of them.
(function () {
const { core, primordials } = __bootstrap;
const { Number, SafeWeakMap, StringPrototypeToLowerCase, TypedArrayPrototypeGetByteLength, WeakMapPrototypeGet, WeakMapPrototypeSet } = primordials;
const { ops } = core;

// As ops/node/quick.rs numbers what is done.
const HASHES = { __proto__: null, sha256: 0, "rsa-sha256": 0, sha384: 4, "rsa-sha384": 4, sha512: 8, "rsa-sha512": 8 };
const PKCS1 = 0;
const PSS = 1;
const EC = 2;
const VERIFIES = 12;
const NONE = -1;

const PKCS1_PADDING = 1;
const PSS_PADDING = 6;
const SALT_OF_DIGEST = -1;

// A handle's number, its kind, and of what it is known that it is not quick.
const known = new SafeWeakMap();

// Of RSA the quick ops take the usual keys alone: others are there, and never verify.
function takes(type, handle) {
  if (type === "ec") return true;
  if (type !== "rsa") return false;
  const { modulusLength, publicExponent } = ops.op_node_get_asymmetric_key_details(handle);
  return modulusLength >= 2048 && modulusLength <= 8192 && Number(publicExponent) === 65537;
}

let last = 0;

function of(handle) {
  let key = WeakMapPrototypeGet(known, handle);
  if (key === undefined) {
    last = (last + 1) & 0x3fff_ffff;
    const isPrivate = ops.op_node_key_type(handle) === "private";
    const type = ops.op_node_get_asymmetric_key_type(handle);
    key = { __proto__: null, id: last, isPrivate, type: takes(type, handle) ? type : "other", slow: { __proto__: null } };
    WeakMapPrototypeSet(known, handle, key);
  }
  return key;
}

// What is done, as a number.
function what(key, digest, hash, salt, padding, encoding) {
  const number = HASHES[StringPrototypeToLowerCase(hash)];
  if (number === undefined) return NONE;
  if (key.type === "ec") return number + EC + (encoding === 1 ? 1 : 0);
  if (key.type !== "rsa") return NONE;
  if (padding === undefined || padding === PKCS1_PADDING) return salt === undefined ? number + PKCS1 : NONE;
  const usual = salt === SALT_OF_DIGEST || salt === TypedArrayPrototypeGetByteLength(digest);
  return padding === PSS_PADDING && usual ? number + PSS : NONE;
}

function sign(handle, digest, hash, salt, padding, encoding) {
  const key = of(handle);
  const number = key.isPrivate ? what(key, digest, hash, salt, padding, encoding) : NONE;
  if (number !== NONE && key.slow[number] === undefined) {
    let signature = ops.op_node_quick_sign(key.id, number, digest);
    if (signature === undefined || signature === null) {
      const der = ops.op_node_export_private_key_der(handle, "pkcs8", null, null);
      if (ops.op_node_quick_read(key.id, number, der, true)) signature = ops.op_node_quick_sign(key.id, number, digest);
      else key.slow[number] = true;
    }
    if (signature !== undefined && signature !== null) return signature;
  }
  return ops.op_node_key_sign(handle, digest, hash, salt, padding, encoding);
}

function verify(handle, digest, hash, signature, salt, padding, encoding) {
  const key = of(handle);
  const usual = what(key, digest, hash, salt, padding, encoding);
  const number = key.isPrivate || usual === NONE ? NONE : usual + VERIFIES;
  if (number !== NONE && key.slow[number] === undefined) {
    let is = ops.op_node_quick_verify(key.id, number, digest, signature);
    if (is < 0) {
      const der = ops.op_node_export_public_key_der(handle, "spki");
      if (ops.op_node_quick_read(key.id, number, der, false)) is = ops.op_node_quick_verify(key.id, number, digest, signature);
      else key.slow[number] = true;
    }
    if (is >= 0) return is === 1;
  }
  return ops.op_node_key_verify(handle, digest, hash, signature, salt, padding, encoding);
}

return { sign, verify };
})();
