// The ops that Node's scripts call, by the names that they have there: some are ops of ours, some a line of script.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  Error,
  NumberIsInteger,
  ObjectDefineProperty,
  ObjectFreeze,
  RangeError,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  StringPrototypeTrim,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} = primordials;
const ours = core.ops;
const { shareBuffer } = core.loadExtScript("ext:deno_web/06_streams.js");
const { cryptoOps } = core.loadExtScript("ext:workerd_lite/node/crypto_ops.js");
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { zlibOps } = core.loadExtScript("ext:workerd_lite/node/zlib_handles.js");

// A pool of `Buffer`s: nobody takes it away.
function keepBuffer(buffer) {
  shareBuffer(buffer);
  ours.op_node_keep_buffer(buffer);
}

function coded(error, code) {
  ObjectDefineProperty(error, "code", { __proto__: null, value: code, writable: true, enumerable: true, configurable: true });
  return error;
}

// A part of a typed array, without asking it for anything.
function part(bytes, start, end) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  if (start < 0 || start > length || end < start || end > length) throw coded(new RangeError("Index out of range"), "ERR_OUT_OF_RANGE");
  return new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + start, end - start);
}

function index(value, otherwise) {
  if (value === undefined) return otherwise;
  const number = +value;
  return NumberIsInteger(number) ? number : number > 0 ? number - number % 1 : 0;
}

function encodingSlice(bytes, start, end, encoding) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  const from = index(start, 0);
  const last = index(end, length);
  const to = last < from ? from : last;
  if (from < 0 || to > length || from > length) throw coded(new RangeError("Index out of range"), "ERR_OUT_OF_RANGE");
  const plain = TypedArrayPrototypeGetSymbolToStringTag(bytes) === "Uint8Array" ? bytes : part(bytes, 0, length);
  const text = ours.op_node_text(plain, from, to, encoding);
  if (text === undefined) throw coded(new Error("Cannot create a string longer than 0x1fffffe8 characters"), "ERR_STRING_TOO_LONG");
  return text;
}

// What `glob()` asks: 0 is a file and 1 a directory, links followed.
function requireStat(path) {
  const { statSync } = core.loadExtScript("ext:workerd_lite/node/fs/module.js");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return -1;
  return found.isDirectory() ? 1 : 0;
}

// Text into bytes by an op, from a place on. -1 where that is not for this to say: whoever calls has Node's errors.
function write(op, bytes, text, offset, length) {
  if (typeof text !== "string" || TypedArrayPrototypeGetSymbolToStringTag(bytes) !== "Uint8Array") return -1;
  const size = TypedArrayPrototypeGetByteLength(bytes);
  const from = offset === undefined ? 0 : offset;
  if (from >>> 0 !== from || from > size) return -1;
  if (length !== undefined && (length >>> 0 !== length || length > size - from)) return -1;
  return op(text, bytes, from, length === undefined ? size - from : length);
}

const isBytes = (array) => TypedArrayPrototypeGetSymbolToStringTag(array) === "Uint8Array";

// Whether the bytes were turned around in units of so many. Little is left to whoever calls.
function swap(bytes, width) {
  if (!isBytes(bytes) || TypedArrayPrototypeGetByteLength(bytes) < 128) return false;
  ours.op_node_swap(bytes, width);
  return true;
}

// As op_node_find() is told to look from the end.
const BACKWARDS = 0xffff_ffff;

// Where the bytes are first found, between two places; -1 where they are not. Undefined where the arrays are not of bytes.
function find(bytes, wanted, from, to) {
  if (!isBytes(bytes) || !isBytes(wanted)) return undefined;
  return ours.op_node_find(bytes, wanted, from, to);
}

// Where they are last found before `to`: -1 where that is too early for them.
function findLast(bytes, wanted, to) {
  if (!isBytes(bytes) || !isBytes(wanted)) return undefined;
  return to < TypedArrayPrototypeGetByteLength(wanted) ? -1 : ours.op_node_find(bytes, wanted, BACKWARDS, to);
}

// The same of text in UTF-8 (0) or Latin-1 (1), and of one byte.
function findText(bytes, text, offset, end, encoding) {
  if (!isBytes(bytes) || text === "" || offset >>> 0 !== offset || end >>> 0 !== end || end > TypedArrayPrototypeGetByteLength(bytes)) return undefined;
  return offset >= end ? -1 : ours.op_node_find_text(bytes, text, offset, end, encoding);
}

const findByte = (bytes, wanted, from, to) => isBytes(bytes) ? ours.op_node_find_byte(bytes, wanted, from, to) : undefined;

// Text in UTF-8 (0) or Latin-1 (1) again and again. Undefined where that is not for this to say, and where there is none.
function fillText(bytes, text, start, end, encoding) {
  return isBytes(bytes) && ours.op_node_fill_text(bytes, text, start, end, encoding) ? bytes : undefined;
}

function compareParts(one, other, start, otherStart, end, otherEnd) {
  const whole = start === 0 && otherStart === 0 && end === TypedArrayPrototypeGetByteLength(one) && otherEnd === TypedArrayPrototypeGetByteLength(other);
  if (whole && isBytes(one) && isBytes(other)) return ours.op_node_compare(one, other);
  return ours.op_node_compare(part(one, start, end), part(other, otherStart, otherEnd));
}

// RFC 5891's prefix.
const PREFIX = "xn--";

function isAscii(label) {
  for (let i = 0; i < label.length; i++) {
    if (StringPrototypeCharCodeAt(label, i) > 0x7f) return false;
  }
  return true;
}

function decodePunycode(text) {
  if (text === "") return text;
  const basic = StringPrototypeLastIndexOf(text, "-");
  if (basic > 0 && !isAscii(StringPrototypeSlice(text, 0, basic))) throw new RangeError("Illegal input >= 0x80 (not a basic code point)");
  const decoded = ours.op_node_punycode_decode(text);
  if (decoded === null || decoded === undefined) throw new RangeError("Invalid input");
  return decoded;
}

// Each label of a domain, or of an address's domain.
function mapDomain(domain, map) {
  const at = StringPrototypeLastIndexOf(domain, "@");
  let mapped = at < 0 ? "" : StringPrototypeSlice(domain, 0, at + 1);
  let label = "";
  for (let i = at + 1; i <= domain.length; i++) {
    const unit = i < domain.length ? StringPrototypeCharCodeAt(domain, i) : 0x2e;
    if (unit === 0x2e || unit === 0x3002 || unit === 0xff0e || unit === 0xff61) {
      mapped += map(label) + (i < domain.length ? "." : "");
      label = "";
    } else {
      label += domain[i];
    }
  }
  return mapped;
}

// https://nodejs.org/docs/latest-v22.x/api/util.html#utilparseenvcontent
function parseEnv(content) {
  const values = {};
  const lines = StringPrototypeSplit(content, "\n");
  for (let i = 0; i < lines.length; i++) {
    let line = StringPrototypeTrim(lines[i]);
    if (line === "" || line[0] === "#") continue;
    if (StringPrototypeStartsWith(line, "export ")) line = StringPrototypeSlice(line, 7);
    const equals = StringPrototypeIndexOf(line, "=");
    if (equals < 0) continue;
    const name = StringPrototypeTrim(StringPrototypeSlice(line, 0, equals));
    let value = StringPrototypeTrim(StringPrototypeSlice(line, equals + 1));
    const quote = value[0];
    if (quote === '"' || quote === "'" || quote === "`") {
      let rest = StringPrototypeSlice(value, 1);
      // A quoted value may have several lines. Where nothing ends it, it is the quote alone.
      let last = i;
      while (StringPrototypeIndexOf(rest, quote) < 0 && last + 1 < lines.length) rest += `\n${lines[++last]}`;
      const end = StringPrototypeIndexOf(rest, quote);
      if (end >= 0) {
        i = last;
        value = StringPrototypeSlice(rest, 0, end);
        if (quote === '"') {
          let plain = "";
          for (let j = 0; j < value.length; j++) {
            if (value[j] === "\\" && value[j + 1] === "n") {
              plain += "\n";
              j++;
            } else {
              plain += value[j];
            }
          }
          value = plain;
        }
      }
    } else {
      const comment = StringPrototypeIndexOf(value, "#");
      if (comment >= 0) value = StringPrototypeTrim(StringPrototypeSlice(value, 0, comment));
    }
    ObjectDefineProperty(values, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  }
  return values;
}

const ONLY_ENUMERABLE = 2;
const SKIP_SYMBOLS = 16;

function ownNonIndexProperties(object, filter) {
  const keys = ReflectOwnKeys(object);
  const found = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (typeof key === "symbol" ? filter & SKIP_SYMBOLS : `${key >>> 0}` === key && key >>> 0 !== 0xffff_ffff) continue;
    if (filter & ONLY_ENUMERABLE && !ReflectGetOwnPropertyDescriptor(object, key)?.enumerable) continue;
    ArrayPrototypePush(found, key);
  }
  return found;
}

let lastId = 1;

// Few ask for these.
const addresses = (name) => (...args) => core.loadExtScript("ext:workerd_lite/node/net/addresses.js").blockListOps[name](...args);

const ops = {
  __proto__: null,
  ...cryptoOps,
  ...zlibOps,
  op_blocklist_add_address: addresses("op_blocklist_add_address"),
  op_blocklist_add_range: addresses("op_blocklist_add_range"),
  op_blocklist_add_subnet: addresses("op_blocklist_add_subnet"),
  op_blocklist_check: addresses("op_blocklist_check"),
  op_blocklist_new: addresses("op_blocklist_new"),
  op_socket_address_get_serialization: addresses("op_socket_address_get_serialization"),
  op_socket_address_parse: addresses("op_socket_address_parse"),
  op_base64_decode_into: ours.op_base64_decode_into,
  op_base64_encode_from_buffer: ours.op_base64_encode_from_buffer,
  op_base64url_decode: ours.op_base64url_decode,
  op_base64url_decode_into: ours.op_base64url_decode_into,
  op_base64url_encode_from_buffer: ours.op_base64url_encode_from_buffer,
  op_get_env_no_permission_check: () => undefined,
  op_is_ascii: ours.op_node_is_ascii,
  op_is_utf8: ours.op_node_is_utf8,
  op_mark_as_untransferable: keepBuffer,
  op_node_buffer_compare: ours.op_node_compare,
  op_node_buffer_compare_offset: compareParts,
  op_node_build_os: () => "linux",
  op_node_call_is_from_dependency: () => false,
  op_node_encoding_slice: encodingSlice,
  op_node_fill_text: fillText,
  op_node_find: find,
  op_node_find_byte: findByte,
  op_node_find_last: findLast,
  op_node_find_text: findText,
  op_node_fs_constants: () => ({ ...fsConstants }),
  op_node_get_first_expression: () => undefined,
  op_node_get_own_non_index_properties: ownNonIndexProperties,
  op_node_guess_handle_type: () => 5,
  op_node_idna_domain_to_ascii: ours.op_node_domain_to_ascii,
  op_node_idna_domain_to_unicode: ours.op_node_domain_to_unicode,
  op_node_idna_punycode_decode: decodePunycode,
  op_node_idna_punycode_encode: (text) => ours.op_node_punycode_encode(text) ?? "",
  op_node_idna_punycode_to_ascii: (domain) =>
    mapDomain(domain, (label) => isAscii(label) ? label : PREFIX + (ours.op_node_punycode_encode(label) ?? "")),
  op_node_idna_punycode_to_unicode: (domain) =>
    mapDomain(
      domain,
      (label) =>
        StringPrototypeStartsWith(label, PREFIX)
          ? decodePunycode(StringPrototypeToLowerCase(StringPrototypeSlice(label, PREFIX.length)))
          : label,
    ),
  op_node_idna_to_ascii: ours.op_node_domain_to_ascii,
  op_node_new_async_id: () => lastId += 1,
  op_node_swap: swap,
  op_node_write_latin1: (bytes, text, offset, length) => write(ours.op_node_write_latin1, bytes, text, offset, length),
  op_node_write_utf8: (bytes, text, offset, length) => write(ours.op_node_write_utf8, bytes, text, offset, length),
  op_node_write_utf16: (bytes, text, offset, length) => write(ours.op_node_write_utf16, bytes, text, offset, length),
  // What the caller has made itself.
  op_node_put_latin1: ours.op_node_write_latin1,
  op_node_put_utf8: ours.op_node_write_utf8,
  op_node_parse_env: parseEnv,
  op_node_sys_to_uv_error: () => "UNKNOWN",
  op_require_real_path: (path) => core.loadExtScript("ext:workerd_lite/node/fs/module.js").realpathSync(path),
  op_require_stat: requireStat,
  op_preview_entries: ours.op_preview_entries,
  op_node_view_has_buffer: () => true,
  op_transcode: ours.op_node_transcode,
};

return { ops: ObjectFreeze(ops) };
})();
