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
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  Uint8Array,
} = primordials;
const { ops } = core;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
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

// Something that goes with its event, and counts until then.
function own(rid) {
  const context = currentContext();
  if (context === undefined) return rid;
  ops.op_node_own(context.id, rid);
  context.held = { __proto__: null, before: context.held, bytes: new ArrayBuffer(2 * HANDLE) };
  return rid;
}

// Deno's scripts take 0 for a failure.
function cipher(op) {
  return (...args) => own(ReflectApply(op, undefined, args) || own(ReflectApply(op, undefined, args)));
}

function absent(what) {
  return () => {
    const error = new Error(`${what} is not available in workerd-lite`);
    ObjectDefineProperty(error, "code", { __proto__: null, value: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", enumerable: true });
    throw error;
  };
}

// The same, some time later: in the event's own time.
function later(op) {
  return (...args) => PromisePrototypeThen(PromiseResolve(undefined), () => ReflectApply(op, undefined, args));
}

function length(bytes) {
  const number = bytes >>> 0;
  if (number !== bytes || number > LONGEST) throw new RangeError(`at most ${LONGEST} bytes can be made at once`);
  return number;
}

function key(handle, bytes = 0) {
  const kind = ops.op_node_key_type(handle);
  if (kind !== "secret") {
    const type = ops.op_node_get_asymmetric_key_type(handle);
    if (type === "dh" || type === "dsa") absent(`A key of type ${type}`)();
    if (type === "rsa" || type === "rsa-pss") {
      const { modulusLength } = ops.op_node_get_asymmetric_key_details(handle);
      if (modulusLength > LONGEST_MODULUS) throw new RangeError(`a modulus has at most ${LONGEST_MODULUS} bits here`);
    }
  }
  return count(handle, HANDLE + bytes);
}

// Text is its UTF-8.
const bytesOf = (value) => typeof value === "string" ? core.encode(value) : value;

const sizeOf = (bytes) => TypedArrayPrototypeGetByteLength(bytes);

function createPrivateKey(data, format, type, passphrase) {
  // How long it takes to open is written in the key.
  if (passphrase !== undefined && passphrase !== null) absent("A private key that is encrypted")();
  return key(ops.op_node_create_private_key(data, format, type, undefined), sizeOf(data));
}

function createPublicKey(data, format, type, ...rest) {
  return key(ops.op_node_create_public_key(data, format, type, rest[0]), sizeOf(data));
}

function createHash(algorithm, size) {
  if (size !== undefined && size !== null) length(size);
  return count(ops.op_node_create_hash(algorithm, size), HANDLE);
}

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

function rsaPair(bits, exponent) {
  if (exponent !== 65537) absent("A public exponent other than 65537")();
  const privateKey = createPrivateKey(ops.op_node_rsa_key(bits >>> 0), "der", "pkcs8");
  return { __proto__: null, privateKey, publicKey: key(ops.op_node_derive_public_key_from_private_key(privateKey)) };
}

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

function digest(algorithm) {
  return ops.op_node_get_hash_size(algorithm) !== null && ops.op_node_get_hash_size(algorithm) !== undefined;
}

const random = (size) => {
  const bytes = new Uint8Array(size >>> 0);
  ops.op_node_fill_random(bytes);
  return bytes;
};

function hkdf(name, handle, salt, info, size) {
  const derived = new Uint8Array(length(size));
  ops.op_node_hkdf(name, handle, salt, info, derived);
  return derived;
}

const SAME = [
  "op_node_aes_unwrap_key",
  "op_node_aes_wrap_key",
  "op_node_cipheriv_encrypt",
  "op_node_cipheriv_final",
  "op_node_cipheriv_set_aad",
  "op_node_cipheriv_take",
  "op_node_decipheriv_auth_tag",
  "op_node_decipheriv_decrypt",
  "op_node_decipheriv_final",
  "op_node_decipheriv_set_aad",
  "op_node_diffie_hellman",
  "op_node_ecdh_compute_public_key",
  "op_node_ecdh_compute_secret",
  "op_node_ecdh_encode_pubkey",
  "op_node_ecdh_generate_keys",
  "op_node_ecdh_validate_private_key",
  "op_node_ecdh_validate_public_key",
  "op_node_export_private_key_der",
  "op_node_export_private_key_jwk",
  "op_node_export_private_key_pem",
  "op_node_export_public_key_der",
  "op_node_export_public_key_jwk",
  "op_node_export_public_key_pem",
  "op_node_export_secret_key",
  "op_node_export_secret_key_b64url",
  "op_node_fill_random",
  "op_node_get_asymmetric_key_details",
  "op_node_get_asymmetric_key_type",
  "op_node_get_hash_size",
  "op_node_get_hashes",
  "op_node_get_symmetric_key_size",
  "op_node_hash_digest",
  "op_node_hash_digest_hex",
  "op_node_hash_update",
  "op_node_hash_update_str",
  "op_node_hkdf",
  "op_node_key_equals",
  "op_node_key_type",
  "op_node_private_decrypt",
  "op_node_private_encrypt",
  "op_node_public_decrypt",
  "op_node_public_encrypt",
  "op_node_sign",
  "op_node_sign_ed25519",
  "op_node_validate_oaep_hash",
  "op_node_verify",
  "op_node_verify_ed25519",
  "op_node_x509_ca",
  "op_node_x509_check_email",
  "op_node_x509_check_host",
  "op_node_x509_check_ip",
  "op_node_x509_check_issued",
  "op_node_x509_check_private_key",
  "op_node_x509_fingerprint",
  "op_node_x509_fingerprint256",
  "op_node_x509_fingerprint512",
  "op_node_x509_get_info_access",
  "op_node_x509_get_issuer",
  "op_node_x509_get_raw",
  "op_node_x509_get_serial_number",
  "op_node_x509_get_signature_algorithm_name",
  "op_node_x509_get_signature_algorithm_oid",
  "op_node_x509_get_subject",
  "op_node_x509_get_subject_alt_name",
  "op_node_x509_get_valid_from",
  "op_node_x509_get_valid_to",
  "op_node_x509_key_usage",
  "op_node_x509_to_legacy_object",
  "op_node_x509_to_string",
  "op_node_x509_verify",
];

const ecPair = pair(ops.op_node_generate_ec_key);
const edPair = pair(ops.op_node_generate_ed25519_key);
const xPair = pair(ops.op_node_generate_x25519_key);
const secret = (size) => key(ops.op_node_generate_secret_key(length(size)), size);

const cryptoOps = {
  __proto__: null,
  ...dhOps,
  Hasher: ops.Hasher,
  op_node_check_prime_bytes_async: later(dhOps.op_node_check_prime_bytes),
  op_node_create_cipheriv: cipher(ops.op_node_create_cipheriv),
  op_node_create_decipheriv: cipher(ops.op_node_create_decipheriv),
  op_node_create_ec_jwk: (...args) => key(ReflectApply(ops.op_node_create_ec_jwk, undefined, args)),
  op_node_create_ed_raw: (...args) => key(ReflectApply(ops.op_node_create_ed_raw, undefined, args)),
  op_node_create_hash: createHash,
  op_node_create_private_key: createPrivateKey,
  op_node_create_public_key: createPublicKey,
  op_node_create_rsa_jwk: (...args) => key(ReflectApply(ops.op_node_create_rsa_jwk, undefined, args)),
  op_node_create_secret_key: (bytes) => key(ops.op_node_create_secret_key(bytes), sizeOf(bytes)),
  op_node_derive_public_key_from_private_key: (handle) => key(ops.op_node_derive_public_key_from_private_key(handle)),
  op_node_fill_random_async: later(random),
  op_node_gen_prime_async: later(dhOps.op_node_gen_prime),
  op_node_generate_dh_group_key: absent("A key of type dh"),
  op_node_generate_dh_group_key_async: later(absent("A key of type dh")),
  op_node_generate_dh_key: absent("A key of type dh"),
  op_node_generate_dh_key_async: later(absent("A key of type dh")),
  op_node_generate_dsa_key: absent("A key of type dsa"),
  op_node_generate_dsa_key_async: later(absent("A key of type dsa")),
  op_node_generate_ec_key: ecPair,
  op_node_generate_ec_key_async: later(ecPair),
  op_node_generate_ed25519_key: edPair,
  op_node_generate_ed25519_key_async: later(edPair),
  op_node_generate_ed448_key: absent("A key of type ed448"),
  op_node_generate_ed448_key_async: later(absent("A key of type ed448")),
  op_node_generate_rsa_key: rsaPair,
  op_node_generate_rsa_key_async: later(rsaPair),
  op_node_generate_rsa_pss_key: absent("The making of a key of type rsa-pss"),
  op_node_generate_rsa_pss_key_async: later(absent("The making of a key of type rsa-pss")),
  op_node_generate_secret_key: secret,
  op_node_generate_secret_key_async: later(secret),
  op_node_generate_x25519_key: xPair,
  op_node_generate_x25519_key_async: later(xPair),
  op_node_generate_x448_key: absent("A key of type x448"),
  op_node_generate_x448_key_async: later(absent("A key of type x448")),
  op_node_get_private_key_from_pair: (both) => both.privateKey,
  op_node_get_public_key_from_pair: (both) => both.publicKey,
  op_node_hash_clone: cloneHash,
  op_node_hkdf_async: later(hkdf),
  op_node_pbkdf2: pbkdf2,
  op_node_pbkdf2_async: later((password, salt, rounds, name, size) => {
    const derived = new Uint8Array(length(size));
    pbkdf2(password, salt, rounds, name, derived);
    return derived;
  }),
  op_node_pbkdf2_validate(name) {
    if (!digest(name)) throw new TypeError(`Invalid digest: ${name}`);
  },
  op_node_random_int(low, high) {
    if (!(low < high)) throw new RangeError("there is no such integer");
    return ops.op_node_random_int(low, high);
  },
  op_node_scrypt_async: later(scrypt),
  op_node_scrypt_sync(password, salt, size, cost, r, p, _most, buffer) {
    TypedArrayPrototypeSet(new Uint8Array(buffer), scrypt(password, salt, size, cost, r, p));
  },
  op_node_sign_ed448: absent("A key of type ed448"),
  op_node_verify_ed448: absent("A key of type ed448"),
  op_node_verify_spkac: absent("SPKAC"),
  op_node_cert_export_challenge: absent("SPKAC"),
  op_node_cert_export_public_key: absent("SPKAC"),
  op_node_x509_parse: (bytes) => {
    const handle = ops.op_node_x509_parse(bytes);
    return typeof handle === "object" && handle !== null ? count(handle, HANDLE + sizeOf(bytes)) : handle;
  },
  op_node_x509_public_key: (handle) => {
    const found = ops.op_node_x509_public_key(handle);
    return typeof found === "object" && found !== null ? key(found) : found;
  },
};
for (let i = 0; i < SAME.length; i++) cryptoOps[SAME[i]] = ops[SAME[i]];

return { cryptoOps };
})();
