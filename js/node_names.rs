//! Which of deno_node's scripts stand for which of Node's modules, which of them ours take the place of, and what is changed in
//! them. The crate is pinned; a passage that is not there exactly once ends the build.

/// Names that scripts load modules by, and the files.
pub(crate) const MODULES: &[(&str, &str)] = &[
    ("node:_stream_duplex", "internal/streams/duplex_esm.js"),
    ("node:_stream_passthrough", "internal/streams/passthrough_esm.js"),
    ("node:_stream_readable", "internal/streams/readable_esm.js"),
    ("node:_stream_transform", "internal/streams/transform_esm.js"),
    ("node:_stream_writable", "internal/streams/writable_esm.js"),
    ("node:assert", "assert_esm.ts"),
    ("node:async_hooks", "async_hooks.ts"),
    ("node:path", "path.ts"),
    ("node:process", "process.ts"),
    ("node:stream", "stream.ts"),
    ("node:stream/promises", "stream/promises.js"),
    ("node:timers", "timers.ts"),
    ("node:url", "url.ts"),
    ("node:v8", "v8.ts"),
];

/// Files, and those of `js/node/` in their place: what rests on ops that are not here, or on the machine.
pub(crate) const REPLACED: &[(&str, &str)] = &[
    ("_fs/_fs_glob.ts", "glob.js"),
    ("_next_tick.ts", "next_tick.js"),
    ("_process/process.ts", "next_tick.js"),
    ("async_hooks.ts", "async_hooks.js"),
    ("internal/async_hooks.ts", "async_ids.js"),
    ("internal/crypto/cipher.ts", "cipher.js"),
    ("internal/options.ts", "options.js"),
    ("process.ts", "process.js"),
    ("timers.ts", "timers.js"),
    ("v8.ts", "v8.js"),
];

/// `(script, passage, what takes its place)`.
pub(crate) const PATCHES: &[(&str, &str, &str)] = &[
    // A circle: each imports the other, and neither needs it while it is evaluated.
    (
        "ext:deno_node/stream/promises.js",
        "import * as _mod2 from \"node:stream\";\n",
        "",
    ),
    ("ext:deno_node/stream/promises.js", "\n_mod2;\n", "\n"),
    (
        "ext:deno_node/internal/streams/duplexpair.js",
        "import { Duplex } from \"node:stream\";\n",
        "import Duplex from \"node:_stream_duplex\";\n",
    ),
    // Our ciphers, by the names that Node lists.
    (
        "ext:deno_node/internal/crypto/util.ts",
        "return {\n  ellipticCurves,\n  getCiphers,\n  getHashBlockSize,\n  getCipherInfo,\n",
        "const names = core.loadExtScript(\"ext:workerd_lite/node/hash_names.js\");\n\
         const ciphers = core.loadExtScript(\"ext:workerd_lite/node/cipher_table.js\");\n\
         return {\n  ellipticCurves,\n  getCiphers: ciphers.getCiphers,\n  getHashBlockSize: (name) => getHashBlockSize(names.plainHash(name)),\n  getCipherInfo: ciphers.getCipherInfo,\n",
    ),
    // They ignore the encoding that is asked for.
    (
        "ext:deno_node/internal/crypto/diffiehellman.ts",
        "  generateKeys(_encoding?: any): Buffer | string {\n    const generator",
        "  generateKeys(encoding?: any): Buffer | string {\n    const made = this.#generateKeys();\n    \
         return encoding === undefined || encoding === \"buffer\" ? made : made.toString(encoding);\n  }\n\n  \
         #generateKeys(): Buffer {\n    const generator",
    ),
    // A curve that they have everywhere but in this list.
    (
        "ext:deno_node/internal/crypto/util.ts",
        "  }, // NIST P-224 EC\n];\n",
        "  },\n  { name: \"secp521r1\", ephemeral: false, privateKeySize: 66, publicKeySize: 133, publicKeySizeCompressed: 67, sharedSecretSize: 66 },\n];\n",
    ),
    // OpenSSL's hash for what signs without one being named.
    (
        "ext:deno_node/internal/crypto/sig.ts",
        "          throw new TypeError(\n            \"Algorithm must be specified when using non-Ed25519 keys\",\n          );\n",
        "          digest = \"sha256\";\n",
    ),
    (
        "ext:deno_node/internal/crypto/sig.ts",
        "          throw new TypeError(\"no default digest\");\n",
        "          digest = \"sha256\";\n",
    ),
    // Their web crypto marks its keys with a symbol that ours does not have.
    (
        "ext:deno_node/internal/crypto/_keys.ts",
        "    obj != null && obj[kKeyObject] !== undefined\n",
        "    obj != null &&\n    primordials.ObjectPrototypeIsPrototypeOf(core.loadExtScript(\"ext:deno_crypto/00_crypto.js\").CryptoKey.prototype, obj)\n",
    ),
    (
        "ext:deno_node/internal/crypto/util.ts",
        "  blake2s256: 64,\n};\n",
        "  blake2s256: 64,\n  \"md5-sha1\": 64,\n  sm3: 64,\n};\n",
    ),
    (
        "ext:deno_node/internal/crypto/diffiehellman.ts",
        "      throw new Error(\"invalid curve\");\n",
        "      const error = new TypeError(\"Invalid EC curve name\");\n error.code = \"ERR_CRYPTO_INVALID_CURVE\";\n throw error;\n",
    ),
    (
        "ext:deno_node/internal/crypto/diffiehellman.ts",
        "        throw new TypeError(\"Invalid EC curve name\");\n",
        "        const error = new TypeError(\"Invalid EC curve name\");\n error.code = \"ERR_CRYPTO_INVALID_CURVE\";\n throw error;\n",
    ),
    // Ours looks at these itself, as Node does.
    (
        "ext:deno_node/crypto.ts",
        "  validateCipherivArgs(cipher, key, iv);\n",
        "",
    ),
    (
        "ext:deno_node/crypto.ts",
        "  validateCipherivArgs(algorithm, key, iv);\n",
        "",
    ),
];
