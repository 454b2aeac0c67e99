// Parses multipart/form-data: RFC 7578, with names and file names as the HTML standard writes them.
// https://html.spec.whatwg.org/#multipart-form-data
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  ReflectApply,
  RegExpPrototypeExec,
  SafeRegExp,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  StringPrototypeReplace,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  StringPrototypeTrim,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeIndexOf,
  TypedArrayPrototypeSubarray,
  TypeError,
  Uint8Array,
} = primordials;
const { extractMimeType, serializeMimeType } = core.loadExtScript("ext:deno_web/01_mimesniff.js");
const { File } = core.loadExtScript("ext:deno_web/09_file.js");
const { getDecodeSplitHeader } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { TextDecoder } = core.loadExtScript("ext:deno_web/08_text_encoding.js");

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 128;
const CR = 13;
const LF = 10;
const DASH = 45;
const SPACE = 32;
const TAB = 9;

const TOKEN = new SafeRegExp(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/);
const HEADER = new SafeRegExp(/^[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:([^\0\r]*)$/);
const SEPARATOR = new SafeRegExp(/^[ \t]*;[ \t]*/);
const EQUALS = new SafeRegExp(/^[ \t]*=[ \t]*/);
const UNQUOTED = new SafeRegExp(/^[^; \t"]*/);
// What comes after the quote that ends a value. A backslash before that quote is the value's own: the standard's encoder
// writes backslashes as they are.
const AFTER_VALUE = new SafeRegExp(/^[ \t]*(?:$|;[ \t]*(?:$|[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=))/);
const EXTENDED = new SafeRegExp(/^utf-8'[^']*'(.*)$/i);
const PERCENT = new SafeRegExp(/%([0-9A-Fa-f]{2})/g);

function failure(why) {
  return new TypeError(`Unable to parse body as form data: ${why}`);
}

// UTF-8 decode without BOM: a byte-order mark is part of the text.
function decodeUtf8(bytes) {
  return new TextDecoder("utf-8", { __proto__: null, ignoreBOM: true }).decode(bytes);
}

// The header lines of a part, a character for each byte.
function latin1(bytes) {
  return ReflectApply(StringFromCharCode, null, bytes);
}

function fromLatin1(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = StringPrototypeCharCodeAt(text, i);
  return decodeUtf8(bytes);
}

// The value behind an opening quote: `{ value, rest }`.
function quoted(text) {
  let value = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') return { value, rest: StringPrototypeSlice(text, i + 1) };
    if (text[i] === "\\" && text[i + 1] === '"') {
      const behind = StringPrototypeSlice(text, i + 2);
      if (RegExpPrototypeExec(AFTER_VALUE, behind) !== null) return { value: value + "\\", rest: behind };
      value += '"';
      i++;
    } else {
      value += text[i];
    }
  }
  throw failure("a quoted string has no end");
}

// RFC 8187, which RFC 7578 forbids and clients send.
function extended(value) {
  const match = RegExpPrototypeExec(EXTENDED, value);
  if (match === null) return null;
  return StringPrototypeReplace(match[1], PERCENT, (_, hex) => StringFromCharCode(+`0x${hex}`));
}

// The parameters of a Content-Disposition header, or null where it is another than form-data.
function parseDisposition(text) {
  const type = RegExpPrototypeExec(TOKEN, text);
  if (type === null || StringPrototypeToLowerCase(type[0]) !== "form-data") return null;
  const params = { __proto__: null };
  let rest = StringPrototypeSlice(text, type[0].length);
  for (;;) {
    const separator = RegExpPrototypeExec(SEPARATOR, rest);
    if (separator === null) break;
    rest = StringPrototypeSlice(rest, separator[0].length);
    const name = RegExpPrototypeExec(TOKEN, rest);
    if (name === null) break;
    rest = StringPrototypeSlice(rest, name[0].length);
    const equals = RegExpPrototypeExec(EQUALS, rest);
    if (equals === null) continue;
    rest = StringPrototypeSlice(rest, equals[0].length);
    let value;
    if (rest[0] === '"') {
      const end = quoted(StringPrototypeSlice(rest, 1));
      // The standard's encoder escapes quotes and line breaks, and nobody can tell what it escaped: they stay as they are.
      value = end.value;
      rest = end.rest;
    } else {
      value = RegExpPrototypeExec(UNQUOTED, rest)[0];
      rest = StringPrototypeSlice(rest, value.length);
    }
    const key = StringPrototypeToLowerCase(name[0]);
    if (params[key] === undefined) params[key] = value;
  }
  return params;
}

// Where the line that begins at `start` ends: `{ end, next }`, without and behind its CR LF or LF.
function lineAt(body, start) {
  const feed = TypedArrayPrototypeIndexOf(body, LF, start);
  if (feed === -1) {
    const length = TypedArrayPrototypeGetByteLength(body);
    return { __proto__: null, end: length, next: -1 };
  }
  return { __proto__: null, end: feed > start && body[feed - 1] === CR ? feed - 1 : feed, next: feed + 1 };
}

const NOT = 0;
const BETWEEN = 1;
const LAST = 2;

// Whether the line from `start` to `end` is a delimiter: two dashes and the boundary, and white space (RFC 2046 5.1.1).
function delimiterAt(body, start, end, delimiter) {
  const length = TypedArrayPrototypeGetByteLength(delimiter);
  if (end - start < length) return NOT;
  for (let i = 0; i < length; i++) {
    if (body[start + i] !== delimiter[i]) return NOT;
  }
  let at = start + length;
  const last = end - at >= 2 && body[at] === DASH && body[at + 1] === DASH;
  if (last) at += 2;
  while (at < end && (body[at] === SPACE || body[at] === TAB)) at++;
  if (at !== end) return NOT;
  return last ? LAST : BETWEEN;
}

// The lines of a part's header: `{ disposition, types, next }`, `types` a header list.
function parseHeader(body, start) {
  let disposition = null;
  const types = [];
  for (let count = 0;; count++) {
    const { end, next } = lineAt(body, start);
    if (next === -1) throw new TypeError("No subsequent boundary string after multipart message.");
    if (end === start) return { __proto__: null, disposition, types, next };
    if (count === MAX_HEADERS) throw failure("a part has too many headers");
    if (end - start > MAX_HEADER_BYTES) throw failure("the headers of a part are too large");
    const header = RegExpPrototypeExec(HEADER, latin1(TypedArrayPrototypeSubarray(body, start, end)));
    if (header === null) throw failure("a part has a line that is no header");
    const value = StringPrototypeTrim(header[2]);
    const name = StringPrototypeToLowerCase(header[1]);
    if (name === "content-disposition") {
      disposition = parseDisposition(value);
      if (disposition === null) {
        throw new TypeError(
          `Content-Disposition header for FormData part must have the value "form-data", possibly followed by parameters. Got: "${value}"`,
        );
      }
    }
    else if (name === "content-type") ArrayPrototypePush(types, [name, value]);
    start = next;
  }
}

// https://fetch.spec.whatwg.org/#body-mixin says which type a part has that says none; of those that it says the last valid one counts.
function typeOf(headers) {
  if (headers.length === 0) return "text/plain";
  const type = extractMimeType(getDecodeSplitHeader(headers, "content-type"));
  return type === null ? "" : serializeMimeType(type);
}

function newEntry(disposition, types, content) {
  const name = fromLatin1(disposition.name);
  let { filename } = disposition;
  if (filename === undefined && disposition["filename*"] !== undefined) filename = extended(disposition["filename*"]) ?? undefined;
  if (filename === undefined) return { name, value: decodeUtf8(content) };
  return { name, value: new File([content], fromLatin1(filename), { __proto__: null, type: typeOf(types), lastModified: 0 }) };
}

// Gives the entries, `{ name, value }` each. A part that has no name makes it none. Lines end with CR LF, or with LF as some
// clients write them.
function parseMultipart(body, boundary) {
  if (!boundary) throw new TypeError(
      "No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, e.g. " +
        "'Content-Type: multipart/form-data; boundary=\"abcd\"'. See RFC 7578, section 4.",
    );
  const delimiter = core.encode(`--${boundary}`);
  const entries = [];
  let line = lineAt(body, 0);
  let start = 0;
  let kind = NOT;
  // What is before the first delimiter is nobody's (RFC 2046 5.1.1).
  for (;;) {
    kind = delimiterAt(body, start, line.end, delimiter);
    if (kind !== NOT || line.next === -1) break;
    start = line.next;
    line = lineAt(body, start);
  }
  if (kind === NOT) throw new TypeError("No initial boundary string (or you have a truncated message).");
  while (kind === BETWEEN) {
    if (line.next === -1) throw new TypeError("No subsequent boundary string after multipart message.");
    const { disposition, types, next } = parseHeader(body, line.next);
    // The line break before a delimiter belongs to it.
    let end = next;
    start = next;
    for (;;) {
      line = lineAt(body, start);
      kind = delimiterAt(body, start, line.end, delimiter);
      if (kind !== NOT) break;
      if (line.next === -1) throw new TypeError("No subsequent boundary string after multipart message.");
      end = line.end;
      start = line.next;
    }
    if (disposition === null || disposition.name === undefined) throw failure("a part has no valid Content-Disposition header");
    ArrayPrototypePush(entries, newEntry(disposition, types, TypedArrayPrototypeSubarray(body, next, end)));
  }
  return entries;
}

return { parseMultipart };
})();
