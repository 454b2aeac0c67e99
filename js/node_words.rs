//! What is changed in deno_node's scripts for the words and codes of `node:crypto`'s errors, and for what they leave out. As in
//! [`crate::node_names::PATCHES`].

const DH: &str = "ext:deno_node/internal/crypto/diffiehellman.ts";
const CRYPTO: &str = "ext:deno_node/crypto.ts";
const FIPS: &str = "ext:deno_node/internal_binding/crypto.ts";
const KEYGEN: &str = "ext:deno_node/internal/crypto/keygen.ts";
const KEYS: &str = "ext:deno_node/internal/crypto/keys.ts";
const PBKDF2: &str = "ext:deno_node/internal/crypto/pbkdf2.ts";
const SCRYPT: &str = "ext:deno_node/internal/crypto/scrypt.ts";
const SIG: &str = "ext:deno_node/internal/crypto/sig.ts";
const UTIL: &str = "ext:deno_node/internal/crypto/util.ts";
const X509: &str = "ext:deno_node/internal/crypto/x509.ts";

pub(crate) const WORDS: &[(&str, &str, &str)] = &[
    // The name that is in the certificate, by the options.
    (
        X509,
        r"    getFlags(options);
    if (op_node_x509_check_host(this.#handle, name)) {
      return name;
    }
",
        r"    return op_node_x509_check_host(this.#handle, name, getFlags(options));
",
    ),
    // The purposes, as Node has them by this name.
    (
        X509,
        r"    const flags = op_node_x509_key_usage(this.#handle);
    if (flags === 0) return undefined;
",
        r"    return op_node_x509_key_usage(this.#handle);
    const flags = 0;
",
    ),
    (
        X509,
        r#"        "publicKey",
        "KeyObject",
        publicKey,
"#,
        r#"        "pkey",
        "KeyObject",
        publicKey,
"#,
    ),
    (
        X509,
        r#"      throw new ERR_INVALID_ARG_VALUE("publicKey", publicKey);
"#,
        r#"      throw new ERR_INVALID_ARG_VALUE("pkey", publicKey);
"#,
    ),
    // OpenSSL's words.
    (
        DH,
        r"const DH_GENERATOR = 2;
",
        r#"const DH_GENERATOR = 2;
const LEAST_BITS = 512;

function coded(error, code) {
  error.code = code;
  return error;
}

const failed = (message) => coded(new Error(message), "ERR_CRYPTO_OPERATION_FAILED");
const badGenerator = () => coded(new Error("error:02800065:Diffie-Hellman routines::bad generator"), "ERR_OSSL_DH_BAD_GENERATOR");

function checkedKey(prime, key) {
  const trimmed = (bytes) => {
    let start = 0;
    while (start < bytes.length && bytes[start] === 0) start++;
    return bytes.subarray(start);
  };
  const number = trimmed(Buffer.from(getViewParts(key).ab, getViewParts(key).off, getViewParts(key).len));
  const most = trimmed(Buffer.from(prime));
  most[most.length - 1] -= 1;
  if (number.length === 0 || (number.length === 1 && number[0] === 1)) throw coded(new primordials.RangeError("Supplied key is too small"), "ERR_CRYPTO_INVALID_KEYLEN");
  if (number.length > most.length || (number.length === most.length && Buffer.compare(number, most) >= 0)) {
    throw coded(new primordials.RangeError("Supplied key is too large"), "ERR_CRYPTO_INVALID_KEYLEN");
  }
}
"#,
    ),
    (
        DH,
        r#"      if (this.#primeLength < 2) {
        throw new NodeError(
          "ERR_OSSL_DH_MODULUS_TOO_SMALL",
          "modulus too small",
        );
      }
"#,
        r#"      if (this.#primeLength < LEAST_BITS) {
        throw coded(new Error("error:0280007E:Diffie-Hellman routines::modulus too small"), "ERR_OSSL_DH_MODULUS_TOO_SMALL");
      }
"#,
    ),
    (
        DH,
        r"op_node_gen_prime(this.#primeLength, false, null, null)",
        r"op_node_gen_prime(
            this.#primeLength,
            true,
            // As OpenSSL has it for this generator.
            new primordials.Uint8Array([generator === 5 ? 60 : generator === undefined || generator === 2 ? 24 : 12]),
            new primordials.Uint8Array([generator === 5 ? 59 : generator === undefined || generator === 2 ? 23 : 11]),
          )",
    ),
    (
        DH,
        r#"    if (buf.length === 0) {
      throw new NodeError(
        "ERR_CRYPTO_INVALID_KEYLEN",
        "Unspecified validation error",
      );
    }
"#,
        r"    checkedKey(this.#prime, buf);
",
    ),
    (
        DH,
        r#"  getPrivateKey(encoding?: any): Buffer | string {
    if (encoding !== undefined && encoding != "buffer") {
      // deno-lint-ignore deno-internal/prefer-primordials -- Buffer.prototype.toString(encoding) has no primordial
      return this.#privateKey.toString(encoding);
"#,
        r#"  getPrivateKey(encoding?: any): Buffer | string {
    if (this.#privateKey === undefined) throw coded(new Error("No private key - did you forget to generate one?"), "ERR_CRYPTO_INVALID_STATE");
    if (encoding !== undefined && encoding != "buffer") {
      return this.#privateKey.toString(encoding);
"#,
    ),
    (
        DH,
        r#"  getPublicKey(encoding?: any): Buffer | string {
    if (encoding !== undefined && encoding != "buffer") {
      // deno-lint-ignore deno-internal/prefer-primordials -- Buffer.prototype.toString(encoding) has no primordial
      return this.#publicKey.toString(encoding);
"#,
        r#"  getPublicKey(encoding?: any): Buffer | string {
    if (this.#publicKey === undefined) throw coded(new Error("No public key - did you forget to generate one?"), "ERR_CRYPTO_INVALID_STATE");
    if (encoding !== undefined && encoding != "buffer") {
      return this.#publicKey.toString(encoding);
"#,
    ),
    (
        DH,
        r"    if (this.#privbuf === null) {
      throw new ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY();
    }
",
        r#"    if (this.#privbuf === null) {
      throw coded(new primordials.RangeError("Invalid key pair"), "ERR_CRYPTO_INVALID_KEYPAIR");
    }
"#,
    ),
    (
        DH,
        r#"        throw new Error("Invalid key pair");
"#,
        r#"        throw coded(new primordials.RangeError("Invalid key pair"), "ERR_CRYPTO_INVALID_KEYPAIR");
"#,
    ),
    (
        DH,
        r#"      throw new Error("Failed to get ECDH private key");
"#,
        r#"      throw failed("Failed to get ECDH private key");
"#,
    ),
    (
        DH,
        r#"      throw new Error("Failed to get ECDH public key");
"#,
        r#"      throw failed("Failed to get ECDH public key");
"#,
    ),
    (
        DH,
        r#"      throw new Error("Private key is not valid for specified curve");
"#,
        r#"      throw coded(new primordials.RangeError("Private key is not valid for specified curve."), "ERR_CRYPTO_INVALID_KEYTYPE");
"#,
    ),
    (
        DH,
        r#"      throw new Error("Failed to convert Buffer to EC_POINT");
    }
    this.#pubbuf = pubbuf;
"#,
        r#"      throw failed("Failed to convert Buffer to EC_POINT");
    }
    this.#pubbuf = pubbuf;
"#,
    ),
    (
        DH,
        r#"      throw new Error("Failed to convert Buffer to EC_POINT");
    }

    if (format === "hybrid") {
"#,
        r#"      throw failed("Failed to convert Buffer to EC_POINT");
    }

    if (format === "hybrid") {
"#,
    ),
    (
        DH,
        r#"    const buf = getArrayBufferOrView(key, "key", inputEncoding);

    let compress: boolean;
"#,
        r#"    let buf = getArrayBufferOrView(key, "key", inputEncoding);
    if (buf.length > 1 && (buf[0] === 6 || buf[0] === 7) && (buf[buf.length - 1] & 1) === (buf[0] & 1)) {
      // A hybrid point is an uncompressed one that says a bit of itself twice.
      buf = Buffer.from(buf);
      buf[0] = 4;
    }

    let compress: boolean;
"#,
    ),
    (
        DH,
        r"  try {
    const bytes = op_node_diffie_hellman(privateKey, publicKey);
",
        r#"  if (privType !== "dh" && privType !== "ec" && privType !== "x448" && privType !== "x25519") {
    throw new ERR_CRYPTO_INCOMPATIBLE_KEY(
      "key types for Diffie-Hellman",
      `${privType} and ${pubType}`,
    );
  }

  try {
    const bytes = op_node_diffie_hellman(privateKey, publicKey);
"#,
    ),
    (
        DH,
        r#"        e.code = "ERR_OSSL_MISMATCHING_DOMAIN_PARAMETERS";
"#,
        r#"        throw coded(new Error("error:1C8000CB:Provider routines::mismatching domain parameters"), "ERR_OSSL_MISMATCHING_DOMAIN_PARAMETERS");
"#,
    ),
    (
        SIG,
        r"      this.hash = createHash(this.#digestType);
    } catch {
      throw new Error(`Invalid digest: ${algorithm}`);
    }
  }

  sign(",
        r#"      this.hash = createHash(this.#digestType);
    } catch {
      throw coded(new TypeError("Invalid digest"), "ERR_CRYPTO_INVALID_DIGEST");
    }
  }

  sign("#,
    ),
    (
        SIG,
        r"      this.hash = createHash(this.#digestType);
    } catch {
      throw new Error(`Invalid digest: ${algorithm}`);
    }
  }

  update(data: any, encoding?: string)",
        r#"      this.hash = createHash(this.#digestType);
    } catch {
      throw coded(new TypeError("Invalid digest"), "ERR_CRYPTO_INVALID_DIGEST");
    }
  }

  update(data: any, encoding?: string)"#,
    ),
    (
        SIG,
        r"  ERR_CRYPTO_SIGN_KEY_REQUIRED,
  ERR_INVALID_ARG_TYPE,",
        r"  ERR_CRYPTO_INVALID_DIGEST,
  ERR_CRYPTO_SIGN_KEY_REQUIRED,
  ERR_INVALID_ARG_TYPE,",
    ),
    (
        SIG,
        r#"      if (algorithm != null && algorithm !== "sha512") {
        throw new TypeError("Only 'sha512' is supported for Ed25519 keys");
      }
      result = new FastBuffer(64);
"#,
        r"      if (algorithm != null) throw noDigest(algorithm);
      result = new FastBuffer(64);
",
    ),
    (
        SIG,
        r#"      if (algorithm != null && algorithm !== "sha512") {
        throw new TypeError("Only 'sha512' is supported for Ed25519 keys");
      }
      result = op_node_verify_ed25519("#,
        r"      if (algorithm != null) throw noDigest(algorithm);
      result = op_node_verify_ed25519(",
    ),
    (
        SIG,
        r"const FastBuffer = Buffer[SymbolSpecies];
",
        r#"const FastBuffer = Buffer[SymbolSpecies];

function coded(error, code) {
  error.code = code;
  return error;
}

function known(algorithm) {
  try {
    createHash(algorithm);
  } catch {
    throw new ERR_CRYPTO_INVALID_DIGEST(algorithm);
  }
  return algorithm;
}

// Ed25519 and Ed448 hash by themselves.
function noDigest(algorithm) {
  known(algorithm);
  return coded(new Error("error:1C80007A:Provider routines::invalid digest"), "ERR_OSSL_INVALID_DIGEST");
}
"#,
    ),
    (
        SIG,
        r#"      throw new TypeError(
        "operation not supported for this keytype",
      );
"#,
        r#"      throw coded(
        new Error("error:03000096:digital envelope routines::operation not supported for this keytype"),
        "ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE",
      );
"#,
    ),
    (
        SIG,
        r#"      throw new ERR_INVALID_ARG_TYPE(
        "signature",
        ["Buffer", "TypedArray", "DataView"],
        signature,
      );
    }
    const res"#,
        r#"      throw new ERR_INVALID_ARG_TYPE(
        "signature",
        ["string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"],
        signature,
      );
    }
    const res"#,
    ),
    // There is no secure heap, as in Node without `--secure-heap`, and no engine.
    (
        UTIL,
        r#"  notImplemented("crypto.secureHeapUsed");
"#,
        r"  return { __proto__: null, total: 0, used: 0, utilization: 0, min: 0 };
",
    ),
    (
        UTIL,
        r#"  notImplemented("crypto.setEngine");
"#,
        r#"  if (typeof _engine !== "string") throw new ERR_INVALID_ARG_TYPE("id", "string", _engine);
  if (_flags !== undefined && typeof _flags !== "number") throw new ERR_INVALID_ARG_TYPE("flags", "number", _flags);
  const error = new primordials.Error(`Engine "${_engine}" was not found`);
  error.code = "ERR_CRYPTO_ENGINE_UNKNOWN";
  throw error;
"#,
    ),
    (
        PBKDF2,
        r#"  validateUint32(iterations, "iterations", true);
  validateUint32(keylen, "keylen");

  if (iterations > MAX_I32) {
    throw new ERR_OUT_OF_RANGE("iterations", `<= ${MAX_I32}`, iterations);
  }

  if (keylen > MAX_I32) {
    throw new ERR_OUT_OF_RANGE("keylen", `<= ${MAX_I32}`, keylen);
  }
"#,
        r#"  validateInt32(iterations, "iterations", 1);
  validateInt32(keylen, "keylen", 0);
"#,
    ),
    (
        PBKDF2,
        r"  validateUint32,
} =",
        r"  validateInt32,
} =",
    ),
    (
        KEYS,
        r#"    if (typeof handle !== "object") {
      throw"#,
        r#"    if (typeof handle !== "object" || handle === null) {
      throw"#,
    ),
    (
        KEYS,
        r#"  if (key.kty === "EC") {
    validateString(key.crv, "key.crv");
"#,
        r#"  if (key.kty === "EC") {
    validateOneOf(key.crv, "key.crv", ["P-256", "secp256k1", "P-384", "P-521"]);
"#,
    ),
    (
        KEYS,
        r"    return op_node_create_ec_jwk(key, isPublic);
",
        r#"    try {
      return op_node_create_ec_jwk(key, isPublic);
    } catch {
      const error = new TypeError("Invalid JWK EC key");
      error.code = "ERR_CRYPTO_INVALID_JWK";
      throw error;
    }
"#,
    ),
    (
        KEYS,
        r"    return op_node_create_ed_raw(key.crv, keyData, isPublic);
",
        r"    try {
      return op_node_create_ed_raw(key.crv, keyData, isPublic);
    } catch {
      throw invalidJwk();
    }
",
    ),
    (
        KEYS,
        r"const kConsumePublic = 0;
",
        r#"function invalidJwk() {
  const error = new TypeError("Invalid JWK data");
  error.code = "ERR_CRYPTO_INVALID_JWK";
  return error;
}

const kConsumePublic = 0;
"#,
    ),
    (
        SIG,
        "result = Sign(digest).update(dataBytes)",
        "result = Sign(known(digest)).update(dataBytes)",
    ),
    (
        SIG,
        "result = Verify(digest).update(dataBytes)",
        "result = Verify(known(digest)).update(dataBytes)",
    ),
    (
        DH,
        r"    if (!ArrayPrototypeIncludes(DH_GROUP_NAMES, name)) {
",
        r#"    if (typeof name === "string") name = primordials.StringPrototypeToLowerCase(name);
    if (!ArrayPrototypeIncludes(DH_GROUP_NAMES, name)) {
"#,
    ),
    (
        DH,
        r#"    if (generator != 2 && generator != 5) {
      throw new NodeError("ERR_OSSL_DH_BAD_GENERATOR", "bad generator");
"#,
        r"    if (generator != 2 && generator != 5) {
      throw badGenerator();
",
    ),
    (
        DH,
        r#"    if (this.#generator.length == 0) {
      throw new NodeError("ERR_OSSL_DH_BAD_GENERATOR", "bad generator");
"#,
        r"    if (this.#generator.length == 0) {
      throw badGenerator();
",
    ),
    // OpenSSL's own.
    (
        KEYGEN,
        r"divisorLength = modulusLength <= 1024 ? 160 : 256;",
        r"divisorLength = 224;",
    ),
    (
        SCRYPT,
        r#"throw new ERR_INCOMPATIBLE_OPTION_PAIR("N", "cost");"#,
        r"throw twice();",
    ),
    (
        SCRYPT,
        r#"throw new ERR_INCOMPATIBLE_OPTION_PAIR("r", "blockSize");"#,
        r"throw twice();",
    ),
    (
        SCRYPT,
        r#"throw new ERR_INCOMPATIBLE_OPTION_PAIR("p", "parallelization");"#,
        r"throw twice();",
    ),
    (
        SCRYPT,
        r#"      "error:1C800066:Provider routines::MEMORY_LIMIT_EXCEEDED",
"#,
        r#"      "error:030000AC:digital envelope routines::memory limit exceeded",
"#,
    ),
    (
        SCRYPT,
        r"const { getArrayBufferOrView } = core",
        r#"function twice() {
  const error = new primordials.Error("Invalid scrypt parameter");
  error.code = "ERR_CRYPTO_SCRYPT_INVALID_PARAMETER";
  return error;
}

const { getArrayBufferOrView } = core"#,
    ),
    // Node 22 has no options here.
    (
        CRYPTO,
        r#"  if (typeof outputEncodingOrOptions === "object") {
    outputEncoding = outputEncodingOrOptions.outputEncoding ?? "hex";
    outputLength = outputEncodingOrOptions.outputLength;
  } else {
    outputEncoding = outputEncodingOrOptions;
  }
"#,
        r#"  validateString(outputEncodingOrOptions, "outputEncoding");
  outputEncoding = outputEncodingOrOptions;
"#,
    ),
    (
        CRYPTO,
        r#"const { crypto: constants } = core.loadExtScript(
  "ext:deno_node/internal_binding/constants.ts",
);
"#,
        r#"const { crypto: allConstants } = core.loadExtScript(
  "ext:deno_node/internal_binding/constants.ts",
);
// Those of OpenSSL 3, as Node 22 has them.
const constants = { __proto__: null };
const constantNames = primordials.ObjectKeys(allConstants);
for (let i = 0; i < constantNames.length; i++) {
  const name = constantNames[i];
  const gone = name === "RSA_SSLV23_PADDING" || name === "ALPN_ENABLED" ||
    (allConstants[name] === 0 && primordials.StringPrototypeStartsWith(name, "SSL_OP_") && name !== "SSL_OP_NO_SSLv2");
  if (!gone) constants[name] = allConstants[name];
}
constants.OPENSSL_VERSION_NUMBER = 0x30000110;
constants.SSL_OP_ALL = 0x80000850;
constants.defaultCoreCipherList = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:DHE-RSA-AES256-SHA384:ECDHE-RSA-AES256-SHA256:DHE-RSA-AES256-SHA256:HIGH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!MD5:!PSK:!SRP:!CAMELLIA";
"#,
    ),
    (
        CRYPTO,
        r#"  value: getOptionValue("--tls-cipher-list"),
"#,
        r"  value: constants.defaultCoreCipherList,
  writable: true,
  enumerable: true,
  configurable: true,
",
    ),
    (
        FIPS,
        r#"  throw new Error("FIPS mode is not supported in Deno.");
"#,
        r#"  throw new Error("FIPS mode is not supported");
"#,
    ),
    (
        FIPS,
        r"  return false;
",
        r"  return 0;
",
    ),
    (
        KEYS,
        r"        if (TypedArrayPrototypeGetByteLength(keyData) !== 32) {
          throw new ERR_CRYPTO_INVALID_JWK();
",
        r"        if (TypedArrayPrototypeGetByteLength(keyData) !== 32) {
          throw invalidJwk();
",
    ),
    (
        KEYS,
        r"        if (TypedArrayPrototypeGetByteLength(keyData) !== 57) {
          throw new ERR_CRYPTO_INVALID_JWK();
",
        r"        if (TypedArrayPrototypeGetByteLength(keyData) !== 57) {
          throw invalidJwk();
",
    ),
    (
        KEYS,
        r"        if (TypedArrayPrototypeGetByteLength(keyData) !== 56) {
          throw new ERR_CRYPTO_INVALID_JWK();
",
        r"        if (TypedArrayPrototypeGetByteLength(keyData) !== 56) {
          throw invalidJwk();
",
    ),
    (
        KEYS,
        r#"          "HmacImportParams.length cannot be 0",
"#,
        r#"          "Zero-length key is not supported",
"#,
    ),
];
