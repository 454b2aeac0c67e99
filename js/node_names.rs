//! Which of deno_node's scripts stand for which of Node's modules, which of them ours take the place of, and what is changed in
//! them. The crate is pinned; a passage that is not there exactly once ends the build.

/// Names that scripts load modules by, and the files.
pub(crate) const MODULES: &[(&str, &str)] = &[
    ("node:_http_agent", "_http_agent.js"),
    ("node:_http_client", "_http_client.js"),
    ("node:_http_common", "_http_common.js"),
    ("node:_http_incoming", "_http_incoming.js"),
    ("node:_http_outgoing", "_http_outgoing.ts"),
    ("node:_http_proxy", "_http_proxy.js"),
    ("node:_http_server", "_http_server.js"),
    ("node:_stream_duplex", "internal/streams/duplex_esm.js"),
    ("node:_stream_passthrough", "internal/streams/passthrough_esm.js"),
    ("node:_stream_readable", "internal/streams/readable_esm.js"),
    ("node:_stream_transform", "internal/streams/transform_esm.js"),
    ("node:_stream_writable", "internal/streams/writable_esm.js"),
    ("node:assert", "assert_esm.ts"),
    ("node:async_hooks", "async_hooks.ts"),
    ("node:http", "http.ts"),
    ("node:net", "net.ts"),
    ("node:path", "path.ts"),
    ("node:process", "process.ts"),
    ("node:stream", "stream.ts"),
    ("node:stream/promises", "stream/promises.js"),
    ("node:timers", "timers.ts"),
    ("node:tls", "tls.ts"),
    ("node:url", "url.ts"),
    ("node:v8", "v8.ts"),
];

/// Files, and those of `js/node/` in their place: what rests on ops that are not here, or on the machine.
pub(crate) const REPLACED: &[(&str, &str)] = &[
    ("_fs/_fs_glob.ts", "glob.js"),
    ("_http_proxy.js", "http/nothing.js"),
    ("_fs/_fs_lstat.ts", "fs/lazy.js"),
    ("_fs/_fs_readdir.ts", "fs/lazy.js"),
    ("_next_tick.ts", "next_tick.js"),
    ("_process/process.ts", "next_tick.js"),
    ("async_hooks.ts", "async_hooks.js"),
    ("fs.ts", "fs/module.js"),
    ("internal/async_hooks.ts", "async_ids.js"),
    ("internal/http.ts", "http/symbols.js"),
    ("internal/http/address_override.js", "http/nothing.js"),
    ("internal/fs/handle.ts", "fs/handle.js"),
    ("internal/crypto/cipher.ts", "cipher.js"),
    ("internal/crypto/hash.ts", "hash.js"),
    ("internal/crypto/hkdf.ts", "hkdf.js"),
    ("internal_binding/_timingSafeEqual.ts", "timing_safe_equal.js"),
    ("internal/options.ts", "options.js"),
    ("internal/timers.mjs", "http/socket_timers.js"),
    ("internal_binding/http_parser.ts", "http/parser.js"),
    ("internal_binding/stream_wrap.ts", "http/nothing.js"),
    ("net.ts", "net/net.js"),
    ("perf_hooks.js", "http/nothing.js"),
    ("process.ts", "process.js"),
    ("timers.ts", "timers.js"),
    ("tls.ts", "net/tls.js"),
    ("v8.ts", "v8.js"),
];

/// Scripts that others load when they first use them.
pub(crate) const LATE: &[&str] = &[
    "ext:deno_node/internal/assert/myers_diff.js",
    "ext:deno_node/internal/event_target.mjs",
    "ext:deno_node/string_decoder.ts",
    "ext:workerd_lite/node/http/listener.js",
    "ext:workerd_lite/node/process.js",
];

/// `(script, passage, what takes its place)`.
pub(crate) const PATCHES: &[(&str, &str, &str)] = &[
    // The pool is what small buffers are parts of, and `buffer` of each is all of it: each event has one of its own.
    (
        "ext:deno_node/internal/buffer.mjs",
        "    if (size > (poolSize - poolOffset)) {\n",
        "    if (core.isAnothersPool() || size > (poolSize - poolOffset)) {\n",
    ),
    (
        "ext:deno_node/internal/buffer.mjs",
        "  if (length > (poolSize - poolOffset)) {\n",
        "  if (core.isAnothersPool() || length > (poolSize - poolOffset)) {\n",
    ),
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
    // Files of a machine's.
    (
        "ext:deno_node/internal/net.ts",
        "const { writeBuffer } = core.loadExtScript(\n  \"ext:deno_node/internal_binding/node_file.ts\",\n);\n",
        "",
    ),
    // The global agent may be another later.
    (
        "ext:deno_node/http.ts",
        "const httpAgent = core.createLazyLoader(\"node:_http_agent\")();\n",
        "const httpAgent = core.createLazyLoader(\"node:_http_agent\")().default;\n",
    ),
    (
        "ext:deno_node/http.ts",
        "httpAgent.setGlobalAgent(value);",
        "httpAgent.globalAgent = value;",
    ),
    // An agent's limits are those of each event.
    (
        "ext:deno_node/_http_agent.js",
        "const kRequestAsyncResource = Symbol(\"requestAsyncResource\");\n",
        "const kRequestAsyncResource = Symbol(\"requestAsyncResource\");\n\
         const { first, mayConnect, own, take, withOwn } = core.loadExtScript(\"ext:workerd_lite/node/http/agent_events.js\");\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "    sockLen < this.maxSockets &&\n    this.totalSocketCount < this.maxTotalSockets\n",
        "    mayConnect(this, name)\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "    ArrayPrototypePush(this.requests[name], req);\n",
        "    own(req);\n    ArrayPrototypePush(this.requests[name], req);\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "    ArrayPrototypePush(this.sockets[name], s);\n",
        "    own(s);\n    ArrayPrototypePush(this.sockets[name], s);\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "    const requests = this.requests[name];\n",
        "    const requests = withOwn(this.requests[name]);\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "      const req = ArrayPrototypeShift(requests);\n",
        "      const req = take(requests);\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "  if (this.requests[name] && this.requests[name].length) {\n",
        "  if (withOwn(this.requests[name]) !== undefined) {\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "    req = this.requests[name][0];\n",
        "    req = first(this.requests[name]);\n",
    ),
    (
        "ext:deno_node/_http_agent.js",
        "      req = this.requests[prop][0];\n",
        "      req = first(this.requests[prop]);\n      if (req === undefined) continue;\n",
    ),
    // Servers of `node:net` look at it.
    (
        "ext:deno_node/_http_server.js",
        "    validateInteger(highWaterMark, \"options.highWaterMark\", 1);\n",
        "",
    ),
    // Connections last no longer than an event, which has limits of its own.
    (
        "ext:deno_node/_http_server.js",
        "  handle._timerId = core.createSystemInterval(\n    FunctionPrototypeBind(checkConnections, this),\n    interval,\n  );\n",
        "",
    ),
    (
        "ext:deno_node/_http_server.js",
        "    core.cancelTimer(handle._timerId);\n",
        "",
    ),
    // A listener that fails is its request's failure.
    (
        "ext:deno_node/_http_server.js",
        "            res.writeContinue();\n            server.emit(\"request\", req, res);\n",
        "            res.writeContinue();\n            tell(server, \"request\", req, res);\n",
    ),
    (
        "ext:deno_node/_http_server.js",
        "    if (!handled) {\n      server.emit(\"request\", req, res);\n",
        "    if (!handled) {\n      tell(server, \"request\", req, res);\n",
    ),
    (
        "ext:deno_node/_http_server.js",
        "            server.emit(\"checkContinue\", req, res);\n",
        "            tell(server, \"checkContinue\", req, res);\n",
    ),
    (
        "ext:deno_node/_http_server.js",
        "          server.emit(\"checkExpectation\", req, res);\n",
        "          tell(server, \"checkExpectation\", req, res);\n",
    ),
    (
        "ext:deno_node/_http_server.js",
        "function isRequestKnownEmpty(req) {\n",
        "const { tell } = core.loadExtScript(\"ext:workerd_lite/node/http/listener.js\");\n\nfunction isRequestKnownEmpty(req) {\n",
    ),
    (
        "ext:deno_node/_events.mjs",
        "function addCatch(that, promise, type, args) {\n  if (!that[kCapture]) {\n    return;\n",
        "const { watch } = core.loadExtScript(\"ext:workerd_lite/node/http/listener.js\");\n\n\
         function addCatch(that, promise, type, args) {\n  if (!that[kCapture]) {\n    watch(that, promise);\n    return;\n",
    ),
    // It is told apart by its words, which are Workers' here.
    (
        "ext:deno_node/stream/consumers.js",
        "e.message === \"ReadableStream is locked\"",
        "e.message === \"This ReadableStream is currently locked to a reader.\"",
    ),
    // Node 22.1's option.
    (
        "ext:deno_node/url.ts",
        "function fileURLToPath(path: string | URL): string {\n  if (typeof",
        "function fileURLToPath(path: string | URL, options = undefined): string {\n  const windows = options?.windows ?? isWindows;\n  if (typeof",
    ),
    (
        "ext:deno_node/url.ts",
        "  return isWindows ? getPathFromURLWin(path) : getPathFromURLPosix(path);\n",
        "  return windows ? getPathFromURLWin(path) : getPathFromURLPosix(path);\n",
    ),
    // As Node 22 words it.
    (
        "ext:deno_node/internal/fs/utils.mjs",
        "must be a string or Uint8Array without null bytes",
        "must be a string, Uint8Array, or URL without null bytes",
    ),
    // Node 26 reads one buffer at a time, Node 22 all that is there.
    (
        "ext:deno_node/internal/streams/readable.js",
        "    // Fast path for buffers.\n    if ((state[kState] & kDecoder) === 0 && state.length) {\n      return state.buffer[state.bufferIndex].length;\n    }\n",
        "",
    ),
    // Our ciphers, by the names that Node lists.
    (
        "ext:deno_node/internal/crypto/util.ts",
        "return {\n  ellipticCurves,\n  getCiphers,\n  getHashBlockSize,\n  getCipherInfo,\n",
        "const ciphers = core.loadExtScript(\"ext:workerd_lite/node/cipher_table.js\");\n\
         return {\n  ellipticCurves,\n  getCiphers: ciphers.getCiphers,\n  getHashBlockSize,\n  getCipherInfo: ciphers.getCipherInfo,\n",
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
        "ext:deno_node/internal/crypto/diffiehellman.ts",
        "      throw new Error(\"invalid curve\");\n",
        "      const error = new TypeError(\"Invalid EC curve name\");\n error.code = \"ERR_CRYPTO_INVALID_CURVE\";\n throw error;\n",
    ),
    (
        "ext:deno_node/internal/crypto/diffiehellman.ts",
        "        throw new TypeError(\"Invalid EC curve name\");\n",
        "        const error = new TypeError(\"Invalid EC curve name\");\n error.code = \"ERR_CRYPTO_INVALID_CURVE\";\n throw error;\n",
    ),
    // Errors of systems that this is not: nobody asks for their tables, so nobody makes them.
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const codeToErrorWindows: ErrorMapData = [\n",
        "const codeToErrorWindows = () => [\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const errorToCodeWindows: CodeMapData = ArrayPrototypeMap(\n  codeToErrorWindows,\n  (entry) => [entry[1][0], entry[0]],\n);\n",
        "const errorToCodeWindows = undefined;\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const codeToErrorDarwin: ErrorMapData = [\n",
        "const codeToErrorDarwin = () => [\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const errorToCodeDarwin: CodeMapData = ArrayPrototypeMap(\n  codeToErrorDarwin,\n  (entry) => [entry[1][0], entry[0]],\n);\n",
        "const errorToCodeDarwin = undefined;\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const codeToErrorFreebsd: ErrorMapData = [\n",
        "const codeToErrorFreebsd = () => [\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const errorToCodeFreebsd: CodeMapData = ArrayPrototypeMap(\n  codeToErrorFreebsd,\n  (entry) => [entry[1][0], entry[0]],\n);\n",
        "const errorToCodeFreebsd = undefined;\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const codeToErrorOpenBSD: ErrorMapData = [\n",
        "const codeToErrorOpenBSD = () => [\n",
    ),
    (
        "ext:deno_node/internal_binding/uv.ts",
        "const errorToCodeOpenBSD: CodeMapData = ArrayPrototypeMap(\n  codeToErrorOpenBSD,\n  (entry) => [entry[1][0], entry[0]],\n);\n",
        "const errorToCodeOpenBSD = undefined;\n",
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
