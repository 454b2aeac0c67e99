//! What is changed in deno_node's scripts for what Node has and they do not, and for time: `(script, passage, what takes its place)`,
//! as in [`crate::node_names::PATCHES`].

pub(crate) const CHANGES: &[(&str, &str, &str)] = &[
    // Node 22.19's dictionaries for zstd.
    (
        "ext:deno_node/zlib.js",
        "    const success = handle.init(\n      initParamsArray,\n      processCallback,\n      pledgedSrcSize,\n    );\n",
        "    let dictionary = opts?.dictionary;\n    if (dictionary !== undefined && !isArrayBufferView(dictionary)) {\n      \
         if (!isAnyArrayBuffer(dictionary)) {\n        throw new ERR_INVALID_ARG_TYPE(\"options.dictionary\", [\"Buffer\", \
         \"TypedArray\", \"DataView\", \"ArrayBuffer\"], dictionary);\n      }\n      dictionary = Buffer.from(dictionary);\n    }\n    \
         if (dictionary !== undefined && !isUint8Array(dictionary)) {\n      \
         dictionary = new Uint8Array(dictionary.buffer, dictionary.byteOffset, dictionary.byteLength);\n    }\n    \
         const success = handle.init(initParamsArray, processCallback, pledgedSrcSize, dictionary);\n",
    ),
    // zstd's own numbers, and those that are missing.
    (
        "ext:deno_node/internal_binding/constants.ts",
        "  ZSTD_c_nbWorkers: 240,\n  ZSTD_c_jobSize: 241,\n  ZSTD_c_overlapLog: 242,\n",
        "  ZSTD_c_nbWorkers: 400,\n  ZSTD_c_jobSize: 401,\n  ZSTD_c_overlapLog: 402,\n  ZSTD_CLEVEL_DEFAULT: 3,\n  \
         ...core.loadExtScript(\"ext:workerd_lite/node/zstd_errors.js\"),\n",
    ),
    // What is a loop over bytes there is one call here.
    (
        "ext:deno_node/internal/buffer.mjs",
        "Buffer.prototype.asciiWrite = function asciiWrite(string, offset, length) {\n",
        "Buffer.prototype.asciiWrite = function asciiWrite(string, offset, length) {\n  const written = core.ops.op_node_write_latin1(this, string, offset, length);\n  if (written >= 0) return written;\n",
    ),
    (
        "ext:deno_node/internal/buffer.mjs",
        "Buffer.prototype.latin1Write = function latin1Write(\n  string,\n  offset,\n  length,\n) {\n",
        "Buffer.prototype.latin1Write = function latin1Write(\n  string,\n  offset,\n  length,\n) {\n  const written = core.ops.op_node_write_latin1(this, string, offset, length);\n  if (written >= 0) return written;\n",
    ),
    (
        "ext:deno_node/internal/buffer.mjs",
        "    for (i = start; i < end; ++i) {\n      this[i] = val;\n    }\n  } else {\n",
        "    primordials.TypedArrayPrototypeFill(this, val, start, end);\n  } else {\n",
    ),
    (
        "ext:deno_node/internal/buffer.mjs",
        "    for (i = 0; i < end - start; ++i) {\n      this[i + start] = bytes[i % len];\n    }\n",
        "    i = MathMin(len, end - start);\n    TypedArrayPrototypeSet(this, i < len ? TypedArrayPrototypeSubarray(bytes, 0, i) : bytes, start);\n    for (; i < end - start; i *= 2) {\n      primordials.TypedArrayPrototypeCopyWithin(this, start + i, start, start + MathMin(i, end - start - i));\n    }\n",
    ),
    (
        "ext:deno_node/internal_binding/buffer.ts",
        "): number {\n  if (isForward) {\n    for (let i = offset;",
        "): number {\n  if (isForward && step === 1) {\n    const found = core.ops.op_node_find(source, needle, offset, end);\n    if (found !== undefined) return found;\n  }\n  if (isForward) {\n    for (let i = offset;",
    ),
    (
        "ext:deno_node/internal_binding/buffer.ts",
        "  start -= start % step; // align to the code-unit grid (UCS2 uses offset/2)\n",
        "  start -= start % step; // align to the code-unit grid (UCS2 uses offset/2)\n  if (step === 1) {\n    const found = core.ops.op_node_find_last(source, needle, start + needleLength);\n    if (found !== undefined) return found;\n  }\n",
    ),
    (
        "ext:deno_node/internal/buffer.mjs",
        "    TypedArrayPrototypeSet(\n      target,\n      TypedArrayPrototypeSubarray(this, sourceStart, sourceEnd),\n      targetStart,\n    );\n  }\n  return len;\n",
        "    TypedArrayPrototypeSet(\n      target,\n      len === primordials.TypedArrayPrototypeGetLength(this) ? this : TypedArrayPrototypeSubarray(this, sourceStart, sourceEnd),\n      targetStart,\n    );\n  }\n  return len;\n",
    ),
    // As Node has them: the constants of old are no names to import.
    (
        "ext:deno_node/zlib.js",
        "\n  ...deprecatedConstants,\n};\n\nreturn Object.freeze(zlib);\n",
        "\n};\n\nfor (const key of ObjectKeys(deprecatedConstants)) {\n  ObjectDefineProperty(zlib, key, { __proto__: null, enumerable: false, value: deprecatedConstants[key] });\n}\nObjectDefineProperty(zlib, \"codes\", { __proto__: null, writable: false, configurable: false });\nObjectDefineProperty(zlib, \"constants\", { __proto__: null, writable: false, configurable: false });\nreturn zlib;\n",
    ),
    (
        "ext:deno_node/internal_binding/constants.ts",
        "  ZLIB_VERNUM: 4784,\n",
        "  ZLIB_VERNUM: 4880,\n",
    ),
    // One call or one look where there were many.
    (
        "ext:deno_node/internal_binding/buffer.ts",
        "    for (let i = offset; i < searchEnd; i++) {\n      if (targetBuffer[i] === number) return i;\n    }\n    return -1;\n",
        "    const placed = core.ops.op_node_find_byte(targetBuffer, number, offset, searchEnd);\n    if (placed !== undefined) return placed;\n    const found = primordials.TypedArrayPrototypeIndexOf(targetBuffer, number, offset);\n    return found < searchEnd ? found : -1;\n",
    ),
    (
        "ext:deno_node/internal/buffer.mjs",
        "Buffer.prototype.fill = function fill(val, start, end, encoding) {\n",
        "Buffer.prototype.fill = function fill(val, start, end, encoding) {\n  if (typeof val === \"string\" && val !== \"\" && start === undefined && end === undefined && (encoding === undefined || encoding === \"utf8\")) {\n    const filled = core.ops.op_node_fill_text(this, val, 0, this.length, 0);\n    if (filled !== undefined) return filled;\n  }\n  if (typeof val === \"number\" && start === undefined && end === undefined && encoding === undefined) {\n    primordials.TypedArrayPrototypeFill(this, val & 255);\n    return this;\n  }\n",
    ),
    // The name that Node 22.9 had, which says the new one.
    (
        "ext:deno_node/util.ts",
        "  getCallSites,\n  parseEnv,\n",
        "  getCallSite: deprecate(getCallSites, \"The `util.getCallSite` API has been renamed to `util.getCallSites()`.\", \"ExperimentalWarning\"),\n  getCallSites,\n  parseEnv,\n",
    ),
    // What is parsed is a plain object in Node 22.
    (
        "ext:deno_node/util.ts",
        "  const parsed = binding.parseEnv(input);\n  const result = ObjectCreate(null);\n  const keys = ObjectKeys(parsed);\n  for (let i = 0; i < keys.length; i++) {\n    result[keys[i]] = parsed[keys[i]];\n  }\n  return result;\n",
        "  return binding.parseEnv(input);\n",
    ),
    // Of old: what DEP0108 calls it.
    (
        "ext:deno_node/zlib.js",
        "ObjectDefineProperty(ZlibBase.prototype, \"_closed\", {\n",
        "ObjectDefineProperty(ZlibBase.prototype, \"bytesRead\", {\n  __proto__: null,\n  configurable: true,\n  enumerable: true,\n  get() {\n    return this.bytesWritten;\n  },\n  set(value) {\n    this.bytesWritten = value;\n  },\n});\nObjectDefineProperty(ZlibBase.prototype, \"_closed\", {\n",
    ),
    // What `node:http` of Node tells of its messages.
    (
        "ext:deno_node/_http_server.js",
        "  statusCode |= 0;\n  if (statusCode < 100 || statusCode > 999) {\n    throw new ERR_INVALID_ARG_TYPE(\n      \"statusCode\",\n      \"integer [100, 999]\",\n      statusCode,\n    );\n  }\n",
        "  const given = statusCode;\n  statusCode |= 0;\n  if (statusCode < 100 || statusCode > 999) {\n    const { ERR_HTTP_INVALID_STATUS_CODE } = core.loadExtScript(\"ext:deno_node/internal/errors.ts\");\n    const { format } = core.loadExtScript(\"ext:deno_node/internal/util/inspect.mjs\");\n    throw new ERR_HTTP_INVALID_STATUS_CODE(format(\"%s\", given));\n  }\n",
    ),
    (
        "ext:deno_node/_http_outgoing.ts",
        "      this[kCorked] = 1;\n      this.uncork();\n",
        "      if (this.socket) {\n        this[kCorked] = 0;\n      } else {\n        this[kCorked] = 1;\n        this.uncork();\n      }\n",
    ),
    (
        "ext:deno_node/_http_outgoing.ts",
        "      this.destroyed = true;\n\n      if (this.socket) {\n        this.socket.destroy(error);\n",
        "      this.destroyed = true;\n      this[kErrored] = error;\n\n      if (this.socket) {\n        this.socket.destroy(error);\n",
    ),
    (
        "ext:deno_node/_http_outgoing.ts",
        "  writableCorked: {\n",
        "  errored: {\n    __proto__: null,\n    get: function errored() {\n      return this[kErrored] ?? null;\n    },\n    configurable: true,\n    enumerable: true,\n  },\n  writableCorked: {\n",
    ),
    (
        "ext:deno_node/_http_outgoing.ts",
        "const kCorked = Symbol(\"corked\");\n",
        "const kCorked = Symbol(\"corked\");\nconst kErrored = Symbol(\"errored\");\n",
    ),
    (
        "ext:deno_node/internal/validators.mjs",
        "const linkValueRegExp = new SafeRegExp(\"^(?:<[^>]*>)(?:\\\\s*;\\\\s*[^;]*)*$\");\n",
        "const linkValueRegExp = new SafeRegExp(\"^<[^>]*>(?:\\\\s*;\\\\s*[^;\\\\s][^;]*)*$\");\n",
    ),
    // What an author has put on a URL goes with it, and nothing of ours.
    (
        "ext:deno_node/internal/url.ts",
        "  if (url.port !== \"\") {\n",
        "  delete options[core.loadExtScript(\"ext:deno_webidl/00_webidl.js\").brand];\n  primordials.ObjectSetPrototypeOf(options, null);\n  if (url.port !== \"\") {\n",
    ),
];
