//! What is changed in deno_node's scripts for time alone: text goes into and out of buffers by one op each, without a view or a copy
//! between. As in [`crate::node_names::PATCHES`].

const BUFFER: &str = "ext:deno_node/internal/buffer.mjs";
const CONSTANTS: &str = "ext:deno_node/internal_binding/constants.ts";
const INSPECT: &str = "ext:deno_node/internal/util/inspect.mjs";

pub(crate) const SPEED: &[(&str, &str, &str)] = &[
    // The op alone keeps a pool from being given away: a symbol on it costs more than the pool.
    (BUFFER, "  allocPool[untransferableSymbol] = true;\n", ""),
    // Short text goes into the pool as it is written: nobody counts its bytes first.
    (
        BUFFER,
        "function fromString(string, encoding) {\n",
        r#"// Text of UTF-8 (3 bytes a unit at most) or Latin-1 (1) in the pool. Undefined where it is too long for that.
function pooled(string, most, write) {
  let room = string.length * most;
  if (room >= (Buffer.poolSize >>> 1)) return undefined;
  const anothers = core.isAnothersPool();
  if (room > poolSize - poolOffset && most > 1) room = byteLengthUtf8(string);
  if (anothers || room > poolSize - poolOffset) createPool();
  const actual = write(string, allocBuffer, poolOffset, room);
  const b = new FastBuffer(allocPool, poolOffset, actual);
  poolOffset += actual;
  alignPool();
  return b;
}

const { op_node_put_latin1, op_node_put_utf8 } = core.ops;

function fromString(string, encoding) {
  if (encoding === undefined || encoding === "utf8" || encoding === "utf-8") {
    const made = pooled(string, 3, op_node_put_utf8);
    if (made !== undefined) return made;
  } else if (encoding === "latin1" || encoding === "binary" || encoding === "ascii") {
    const made = pooled(string, 1, op_node_put_latin1);
    if (made !== undefined) return made;
  }
"#,
    ),
    (
        BUFFER,
        "Buffer.prototype.utf8Write = function utf8Write(string, offset, length) {\n",
        r"Buffer.prototype.utf8Write = function utf8Write(string, offset, length) {
  const done = core.ops.op_node_write_utf8(this, string, offset, length);
  if (done >= 0) return done;
",
    ),
    (
        BUFFER,
        "Buffer.prototype.ucs2Write = function ucs2Write(string, offset, length) {\n",
        r"Buffer.prototype.ucs2Write = function ucs2Write(string, offset, length) {
  const done = core.ops.op_node_write_utf16(this, string, offset, length);
  if (done >= 0) return done;
",
    ),
    // Much is turned around by an op.
    (
        BUFFER,
        "  for (let i = 0; i < len; i += 2) {\n",
        "  if (core.ops.op_node_swap(this, 2)) return this;\n  for (let i = 0; i < len; i += 2) {\n",
    ),
    (
        BUFFER,
        "  for (let i = 0; i < len; i += 4) {\n",
        "  if (core.ops.op_node_swap(this, 4)) return this;\n  for (let i = 0; i < len; i += 4) {\n",
    ),
    (
        BUFFER,
        "  for (let i = 0; i < len; i += 8) {\n",
        "  if (core.ops.op_node_swap(this, 8)) return this;\n  for (let i = 0; i < len; i += 8) {\n",
    ),
    // Little comes from the pool, as in Node. It is given before the elements are asked for, which may make buffers themselves.
    (
        BUFFER,
        "function fromArrayLike(obj) {\n  return new FastBuffer(obj);\n}\n",
        r"function fromArrayLike(obj) {
  const { length } = obj;
  if ((!ArrayIsArray(obj) && !isUint8Array(obj)) || !(length > 0) || length >= (Buffer.poolSize >>> 1)) return new FastBuffer(obj);
  const b = allocate(length);
  TypedArrayPrototypeSet(b, obj, 0);
  return b;
}
",
    ),
    (
        BUFFER,
        "  const buffer = _allocUnsafe(length);\n  let pos = 0;\n",
        "  assertSize(length);\n  const buffer = allocate(length);\n  let pos = 0;\n",
    ),
    // The usual spellings before any other.
    (
        BUFFER,
        "function getEncodingOps(encoding) {\n",
        r#"function getEncodingOps(encoding) {
  switch (encoding) {
    case "utf8":
    case "utf-8":
      return encodingOps.utf8;
    case "hex":
      return encodingOps.hex;
    case "latin1":
    case "binary":
      return encodingOps.latin1;
    case "base64":
      return encodingOps.base64;
    case "base64url":
      return encodingOps.base64url;
    case "ascii":
      return encodingOps.ascii;
    case "utf16le":
    case "ucs2":
      return encodingOps.utf16le;
  }
"#,
    ),
    (
        BUFFER,
        "  if (typeof val === \"string\") {\n    if (ops === undefined) {\n",
        r#"  if (typeof val === "string" && dir && (ops === encodingOps.utf8 || ops === encodingOps.latin1)) {
    const found = core.ops.op_node_find_text(buffer, val, byteOffset, end, ops === encodingOps.utf8 ? 0 : 1);
    if (found !== undefined) return found;
  }
  if (typeof val === "string") {
    if (ops === undefined) {
"#,
    ),
    // V8 throws for what is no hexadecimal, which costs as much as 50 short texts: most of it is seen by its beginning.
    (
        BUFFER,
        "  hexToBytes,\n  utf16leToBytes,\n}",
        "  hexToBytes,\n  unhexTable,\n  utf16leToBytes,\n}",
    ),
    (
        BUFFER,
        "  // setFromHex stops cleanly when the target fills first (Node's\n",
        r"  const seen = string.length <= 64 ? string.length : 16;
  for (let i = 0; i < seen; i++) {
    if (unhexTable[StringPrototypeCharCodeAt(string, i) & 0xff] === -1) return blitBuffer(hexToBytes(string), this, offset, length);
  }
",
    ),
    // What few ask for is made when it is asked for: other systems' constants, and expressions with tables of Unicode's.
    (CONSTANTS, "if (buildOs === \"darwin\") {\n", "const darwin = () => {\n"),
    (
        CONSTANTS,
        "} else if (buildOs === \"linux\" || buildOs === \"android\") {\n",
        "};\nif (buildOs === \"linux\") {\n",
    ),
    (
        CONSTANTS,
        "} else {\n  os = {\n",
        "}\nconst windows = () => {\n  os = {\n",
    ),
    (
        INSPECT,
        "const builtInObjects = new SafeSet(\n  ArrayPrototypeFilter(\n    ObjectGetOwnPropertyNames(globalThis),\n    (e) => RegExpPrototypeTest(new SafeRegExp(/^[A-Z][a-zA-Z0-9]+$/), e),\n  ),\n);\n",
        r"const globalNames = ObjectGetOwnPropertyNames(globalThis);
let builtInNames;
function builtInObjects() {
  if (builtInNames === undefined) {
    const word = new SafeRegExp(/^[A-Z][a-zA-Z0-9]+$/);
    builtInNames = new SafeSet(ArrayPrototypeFilter(globalNames, (e) => RegExpPrototypeTest(word, e)));
  }
  return builtInNames;
}
",
    ),
    (
        INSPECT,
        "function inspect(value, opts) {\n",
        r#"const { inspectPlain } = core.loadExtScript("ext:workerd_lite/node/inspect_plain.js");

function inspect(value, opts) {
  if (typeof value === "object" && value !== null && arguments.length <= 2) {
    const plain = inspectPlain(value, opts, inspectDefaultOptions, stylizeNoColor);
    if (plain !== undefined) return plain;
  }
"#,
    ),
    (
        INSPECT,
        "SetPrototypeHas(builtInObjects, descriptor.value.name)",
        "SetPrototypeHas(builtInObjects(), descriptor.value.name)",
    ),
    (
        INSPECT,
        "const ansi = new SafeRegExp(ansiPattern, \"g\");\n",
        "let ansi;\n",
    ),
    (
        INSPECT,
        "StringPrototypeReplace(str, ansi, \"\")",
        "StringPrototypeReplace(str, ansi ??= new SafeRegExp(ansiPattern, \"g\"), \"\")",
    ),
    (
        INSPECT,
        "const reEmojiPresentation = new SafeRegExp(\"^\\\\p{Emoji_Presentation}$\", \"u\");\n",
        "let reEmojiPresentation;\n",
    ),
    (
        INSPECT,
        "RegExpPrototypeTest(reEmojiPresentation, char)",
        "RegExpPrototypeTest(reEmojiPresentation ??= new SafeRegExp(\"^\\\\p{Emoji_Presentation}$\", \"u\"), char)",
    ),
];
