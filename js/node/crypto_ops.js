// The ops of `node:crypto`: what deno's take is checked first where a value of its kind would take unbounded time or memory, and what they
// hold is counted.
(function () {
const { core, primordials } = __bootstrap;
const {
  Array,
  ArrayBuffer,
  Error,
  ObjectDefineProperty,
  PromisePrototypeThen,
  PromiseResolve,
  RangeError,
  ReflectApply,
  ReflectDeleteProperty,
  SafeArrayIterator,
  Symbol,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  Uint8Array,
} = primordials;
const { ops } = core;

// Found on what every hash holds; to construct one ends the process.
ReflectDeleteProperty(ops.Hasher.prototype, "constructor");

const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { certificateOps, parseCertificate } = core.loadExtScript("ext:workerd_lite/node/certificates.js");
const signatures = core.loadExtScript("ext:workerd_lite/node/signatures.js");
const { dhOps } = core.loadExtScript("ext:workerd_lite/node/primes.js");

// What a script may have made at once, in bytes.
const LONGEST = 1 << 20;
// A key whose every use would take seconds is none, in bits.
const LONGEST_MODULUS = 8192;
// What a handle holds beside what it was given, about, in bytes.
const HANDLE = 1024;

// A private field of an object that somebody else has made.
class Made {
  constructor(object) {
    return object;
  }
}

class Counted extends Made {
  #memory;

  constructor(object, memory) {
    super(object);
    this.#memory = memory;
  }
}

// Little is as many words on V8's heap, which has a limit too: a buffer costs ten times as much to make as a hash.
function count(handle, bytes) {
  new Counted(handle, bytes > 2 * HANDLE ? new ArrayBuffer(bytes) : new Array(bytes >>> 3));
  return handle;
}

// The same, some time later: in the event's own time.
function later(op) {
  return (...args) => PromisePrototypeThen(PromiseResolve(undefined), () => ReflectApply(op, undefined, args));
}

const WIDTHS = { __proto__: null, prime256v1: 32, secp224r1: 28, secp256k1: 32, secp256r1: 32, secp384r1: 48, secp521r1: 66 };

// A private number of any length, as long as its curve wants it.
function scalar(curve, bytes) {
  const width = WIDTHS[curve] ?? 0;
  const size = sizeOf(bytes);
  if (size === 0 || size >= width) return bytes;
  const padded = new Uint8Array(width);
  TypedArrayPrototypeSet(padded, bytes, width - size);
  return padded;
}

// A signed public key and challenge is short.
function short(bytes) {
  if (sizeOf(bytes) > 1 << 15) throw new RangeError("a SPKAC has at most 32768 bytes here");
  return bytes;
}

function length(bytes) {
  const number = bytes >>> 0;
  if (number !== bytes || number > LONGEST) throw new RangeError(`at most ${LONGEST} bytes can be made at once`);
  return number;
}

const key = (handle, bytes = 0) => count(handle, HANDLE + bytes);

// Text is its UTF-8.
const bytesOf = (value) => typeof value === "string" ? core.encode(value) : value;

const sizeOf = (bytes) => TypedArrayPrototypeGetByteLength(bytes);

function createPrivateKey(data, format, type, passphrase) {
  return key(ops.op_node_key_private(data, format, type ?? "", passphrase ?? undefined), sizeOf(data));
}

function createPublicKey(data, format, type, passphrase) {
  return key(ops.op_node_key_public(data, format, type ?? "", passphrase ?? undefined), sizeOf(data));
}

function coded(error, code) {
  ObjectDefineProperty(error, "code", { __proto__: null, value: code, enumerable: true, writable: true, configurable: true });
  return error;
}

function known(cipher) {
  const { find } = core.loadExtScript("ext:workerd_lite/node/cipher_table.js");
  if (find(cipher) !== undefined) return;
  throw coded(new Error("Unknown cipher"), "ERR_CRYPTO_UNKNOWN_CIPHER");
}

// PKCS#8 is encrypted here, the forms before it by deno's op.
function exportDer(handle, type, cipher, passphrase) {
  if (cipher == null) {
    const der = type === "pkcs8" ? ops.op_node_key_der(handle) : undefined;
    return der ?? ops.op_node_export_private_key_der(handle, type, null, null);
  }
  known(cipher);
  if (type !== "pkcs8") return ops.op_node_export_private_key_der(handle, type, cipher, passphrase);
  return ops.op_node_key_seal(exportDer(handle, type, null, null), cipher, bytesOf(passphrase));
}

function exportPem(handle, type, cipher, passphrase) {
  if (type !== "pkcs8") {
    if (cipher != null) known(cipher);
    return ops.op_node_export_private_key_pem(handle, type, cipher, passphrase == null ? null : bytesOf(passphrase));
  }
  return ops.op_node_pem(cipher == null ? "PRIVATE KEY" : "ENCRYPTED PRIVATE KEY", exportDer(handle, type, cipher, passphrase));
}

function exportPublicDer(handle, type) {
  const der = type === "spki" ? ops.op_node_key_der(handle) : undefined;
  return der ?? ops.op_node_export_public_key_der(handle, type);
}

const exportPublicPem = (handle, type) =>
  type === "spki" ? ops.op_node_pem("PUBLIC KEY", exportPublicDer(handle, type)) : ops.op_node_export_public_key_pem(handle, type);

const createHash = (algorithm, size) => count(ops.op_node_hash_new(algorithm, size), HANDLE);

const createHmac = (algorithm, bytes) => count(ops.op_node_hmac_new(algorithm, bytes), HANDLE);

function cloneHash(handle, size) {
  if (size !== undefined && size !== null) length(size);
  const clone = ops.op_node_hash_clone(handle, size);
  return clone === null || clone === undefined ? clone : count(clone, HANDLE);
}

function pbkdf2(password, salt, rounds, digest, derived) {
  if (rounds >>> 0 !== rounds) throw new RangeError("the number of iterations is no integer");
  const made = ops.op_node_kdf_pbkdf2(bytesOf(password), bytesOf(salt), rounds, length(sizeOf(derived)), digest);
  if (made === null || made === undefined) return false;
  TypedArrayPrototypeSet(derived, made);
  return true;
}

function scrypt(password, salt, size, cost, r, p) {
  return ops.op_node_kdf_scrypt(bytesOf(password), bytesOf(salt), cost < 31 ? 2 ** cost : 0, r >>> 0, p >>> 0, length(size));
}

// Both halves of a key that was made.
function halves(privateKey) {
  return { __proto__: null, privateKey: key(privateKey), publicKey: key(ops.op_node_key_public_half(privateKey)) };
}

const rsaPair = (bits, exponent) => halves(ops.op_node_make_rsa(bits >>> 0, exponent >>> 0));
const pssPair = (bits, exponent, hash, maskHash, salt) =>
  halves(ops.op_node_make_rsa_pss(bits >>> 0, exponent >>> 0, hash ?? undefined, maskHash ?? undefined, salt ?? -1));
const dsaPair = (bits, divisor) => halves(ops.op_node_make_dsa(bits >>> 0, divisor >>> 0));
const ed448Pair = () => halves(ops.op_node_make_448(true));
const x448Pair = () => halves(ops.op_node_make_448(false));
const dhPair = (prime, bits, generator) =>
  halves(ops.op_node_make_dh(prime ?? new Uint8Array(0), bits >>> 0, generator === undefined ? 2 : generator >>> 0));

function dhGroupPair(name) {
  const prime = groupPrime(name);
  if (prime === undefined) throw new TypeError("Unsupported group name");
  return dhPair(prime, 0, 2);
}

// deno's script has the groups, and needs these ops to be read.
const groupPrime = (name) => {
  const { DiffieHellmanGroup } = core.loadExtScript("ext:deno_node/internal/crypto/diffiehellman.ts");
  return new Uint8Array(new DiffieHellmanGroup(name).getPrime());
};

function pair(op) {
  return (...args) => {
    const both = ReflectApply(op, undefined, args);
    return {
      __proto__: null,
      privateKey: key(ops.op_node_get_private_key_from_pair(both)),
      publicKey: key(ops.op_node_get_public_key_from_pair(both)),
    };
  };
}

const NOTHING = new Uint8Array(0);

const digest = (algorithm) => ops.op_node_kdf_pbkdf2(NOTHING, NOTHING, 1, 0, algorithm) != null;

const random = (size) => {
  const bytes = new Uint8Array(size >>> 0);
  ops.op_node_fill_random(bytes);
  return bytes;
};

const hkdf = (name, handle, salt, info, size) => ops.op_node_hash_hkdf(name, handle, salt, info, length(size));

const hkdfInto = (name, handle, salt, info, derived) =>
  TypedArrayPrototypeSet(derived, hkdf(name, handle, salt, info, sizeOf(derived)));

const SAME = [
  "op_node_aes_unwrap_key",
  "op_node_aes_wrap_key",
  "op_node_cipher_aad",
  "op_node_cipher_expect",
  "op_node_cipher_final",
  "op_node_cipher_update",
  "op_node_diffie_hellman",
  "op_node_ecdh_encode_pubkey",
  "op_node_ecdh_generate_keys",
  "op_node_ecdh_validate_public_key",
  "op_node_export_private_key_jwk",
  "op_node_export_public_key_jwk",
  "op_node_export_secret_key",
  "op_node_export_secret_key_b64url",
  "op_node_fill_random",
  "op_node_get_asymmetric_key_details",
  "op_node_get_asymmetric_key_type",
  "op_node_get_hashes",
  "op_node_get_symmetric_key_size",
  "op_node_hash_digest",
  "op_node_hash_digest_hex",
  "op_node_hash_update",
  "op_node_hash_update_str",
  "op_node_key_equals",
  "op_node_key_type",
  "op_node_private_decrypt",
  "op_node_public_encrypt",
  "op_node_sign_ed25519",
  "op_node_validate_oaep_hash",
  "op_node_verify_ed25519",
  "op_node_x509_ca",
  "op_node_x509_check_email",
  "op_node_x509_check_ip",
  "op_node_x509_check_issued",
  "op_node_x509_check_private_key",
  "op_node_x509_fingerprint",
  "op_node_x509_fingerprint256",
  "op_node_x509_fingerprint512",
  "op_node_x509_get_info_access",
  "op_node_x509_get_issuer",
  "op_node_x509_get_raw",
  "op_node_x509_get_signature_algorithm_name",
  "op_node_x509_get_signature_algorithm_oid",
  "op_node_x509_get_subject",
  "op_node_x509_get_valid_from",
  "op_node_x509_get_valid_to",
  "op_node_x509_to_string",
  "op_node_x509_verify",
];

const ecPair = pair((curve) => {
  try {
    return ops.op_node_generate_ec_key(curve);
  } catch {
    throw coded(new TypeError("Invalid EC curve name"), "ERR_CRYPTO_INVALID_CURVE");
  }
});
const edPair = pair(ops.op_node_generate_ed25519_key);
const xPair = pair(ops.op_node_generate_x25519_key);
const secret = (size) => key(ops.op_node_generate_secret_key(length(size)), size);

const cryptoOps = {
  __proto__: null,
  ...dhOps,
  Hasher: ops.Hasher,
  op_node_check_prime_bytes_async: later(dhOps.op_node_check_prime_bytes),
  op_node_cipher_new: (...args) => ReflectApply(ops.op_node_cipher_new, undefined, [currentContext()?.id ?? 0, ...new SafeArrayIterator(args)]),
  op_node_create_ec_jwk: (...args) => key(ReflectApply(ops.op_node_create_ec_jwk, undefined, args)),
  op_node_create_ed_raw: (...args) => key(ReflectApply(ops.op_node_key_raw, undefined, args)),
  op_node_create_hash: createHash,
  op_node_create_hmac: createHmac,
  op_node_create_private_key: createPrivateKey,
  op_node_create_public_key: createPublicKey,
  op_node_create_rsa_jwk: ({ n, e, d, p, q }, isPublic) =>
    key(isPublic ? ops.op_node_key_rsa_jwk(n, e) : ops.op_node_key_rsa_jwk(n, e, d, p, q)),
  op_node_create_secret_key: (bytes) => key(ops.op_node_create_secret_key(bytes), sizeOf(bytes)),
  op_node_derive_public_key_from_private_key: (handle) => key(ops.op_node_key_public_half(handle)),
  op_node_export_private_key_der: exportDer,
  op_node_export_private_key_pem: exportPem,
  op_node_export_public_key_der: exportPublicDer,
  op_node_export_public_key_pem: exportPublicPem,
  op_node_fill_random_async: later(random),
  op_node_gen_prime_async: later(dhOps.op_node_gen_prime),
  op_node_generate_dh_group_key: dhGroupPair,
  op_node_generate_dh_group_key_async: later(dhGroupPair),
  op_node_generate_dh_key: dhPair,
  op_node_generate_dh_key_async: later(dhPair),
  op_node_generate_dsa_key: dsaPair,
  op_node_generate_dsa_key_async: later(dsaPair),
  op_node_generate_ec_key: ecPair,
  op_node_generate_ec_key_async: later(ecPair),
  op_node_generate_ed25519_key: edPair,
  op_node_generate_ed25519_key_async: later(edPair),
  op_node_generate_ed448_key: ed448Pair,
  op_node_generate_ed448_key_async: later(ed448Pair),
  op_node_generate_rsa_key: rsaPair,
  op_node_generate_rsa_key_async: later(rsaPair),
  op_node_generate_rsa_pss_key: pssPair,
  op_node_generate_rsa_pss_key_async: later(pssPair),
  op_node_generate_secret_key: secret,
  op_node_generate_secret_key_async: later(secret),
  op_node_generate_x25519_key: xPair,
  op_node_generate_x25519_key_async: later(xPair),
  op_node_generate_x448_key: x448Pair,
  op_node_generate_x448_key_async: later(x448Pair),
  op_node_ecdh_compute_public_key: (curve, privateKey, publicKey) =>
    ops.op_node_ecdh_compute_public_key(curve, scalar(curve, privateKey), publicKey),
  op_node_ecdh_compute_secret: (curve, privateKey, publicKey, theirs, secret) =>
    ops.op_node_ecdh_compute_secret(curve, privateKey == null ? privateKey : scalar(curve, privateKey), publicKey, theirs, secret),
  op_node_ecdh_validate_private_key: (curve, privateKey) => ops.op_node_ecdh_validate_private_key(curve, scalar(curve, privateKey)),
  op_node_get_hash_size: ops.op_node_hash_size,
  op_node_same: ops.op_node_same,
  op_node_get_private_key_from_pair: (both) => both.privateKey,
  op_node_get_public_key_from_pair: (both) => both.publicKey,
  op_node_hash_clone: cloneHash,
  op_node_hkdf: hkdfInto,
  op_node_hkdf_async: later(hkdf),
  op_node_pbkdf2: pbkdf2,
  op_node_pbkdf2_async: later((password, salt, rounds, name, size) => {
    const derived = new Uint8Array(length(size));
    pbkdf2(password, salt, rounds, name, derived);
    return derived;
  }),
  op_node_pbkdf2_validate(name) {
    if (digest(name)) return;
    throw coded(new TypeError(`Invalid digest: ${name}`), "ERR_CRYPTO_INVALID_DIGEST");
  },
  op_node_random_int(low, high) {
    if (!(low < high)) throw new RangeError("there is no such integer");
    return ops.op_node_random_int(low, high);
  },
  op_node_scrypt_async: later(scrypt),
  op_node_scrypt_sync(password, salt, size, cost, r, p, _most, buffer) {
    TypedArrayPrototypeSet(new Uint8Array(buffer), scrypt(password, salt, size, cost, r, p));
  },
  op_node_rsa: ops.op_node_key_rsa,
  op_node_sign: signatures.sign,
  op_node_sign_ed448(handle, data, signature) {
    TypedArrayPrototypeSet(signature, ops.op_node_key_sign_ed448(handle, bytesOf(data)));
  },
  op_node_verify: signatures.verify,
  op_node_verify_ed448: (handle, data, signature) => ops.op_node_key_verify_ed448(handle, bytesOf(data), signature),
  op_node_verify_spkac: (bytes) => ops.op_node_spkac_verify(short(bytes)),
  op_node_cert_export_challenge: (bytes) => ops.op_node_cert_export_challenge(short(bytes)),
  op_node_cert_export_public_key: (bytes) => ops.op_node_cert_export_public_key(short(bytes)),
  ...certificateOps,
  op_node_x509_parse: (bytes) => count(parseCertificate(bytes), HANDLE + sizeOf(bytes)),
  op_node_x509_public_key: (handle) => key(ops.op_node_key_public(core.encode(ops.op_node_x509_to_string(handle)), "pem", "")),
};
for (let i = 0; i < SAME.length; i++) cryptoOps[SAME[i]] = ops[SAME[i]];

// Keys and certificates can be cloned, once there can be any.
const deserializers = core.getCloneableDeserializers();
const cloned = (name, value) => ObjectDefineProperty(deserializers, name, { __proto__: null, value, writable: true, configurable: true });
cloned("NodeCryptoKeyObject", (data) => core.loadExtScript("ext:deno_node/internal/crypto/keys.ts").deserializeNodeCryptoKeyObject(data));
cloned("X509Certificate", (data) => core.loadExtScript("ext:deno_node/internal/crypto/x509.ts").deserializeX509Certificate(data));

return { cryptoOps };
})();
