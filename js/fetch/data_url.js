// data: URLs: https://fetch.spec.whatwg.org/#data-url-processor
(function () {
const { core, primordials } = __bootstrap;
const {
  ReflectApply,
  RegExpPrototypeExec,
  SafeRegExp,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeReplace,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypedArrayPrototypeSubarray,
  TypeError,
  Uint8Array,
} = primordials;
const { forgivingBase64Decode } = core.loadExtScript("ext:deno_web/00_infra.js");
const { parseMimeType, serializeMimeType } = core.loadExtScript("ext:deno_web/01_mimesniff.js");

// How many arguments a call takes safely.
const CHUNK = 8192;
const SCHEME = "data:";
const EDGES = new SafeRegExp(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g);
const BASE64 = new SafeRegExp(/; *base64$/i);
const DEFAULT_TYPE = "text/plain;charset=US-ASCII";

function isDataUrl(url) {
  return StringPrototypeStartsWith(url, SCHEME);
}

function hexDigit(code) {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

// A URL that is serialised is ASCII.
function percentDecode(text) {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = StringPrototypeCharCodeAt(text, i);
    if (byte === 37 && i + 2 < text.length) {
      const high = hexDigit(StringPrototypeCharCodeAt(text, i + 1));
      const low = hexDigit(StringPrototypeCharCodeAt(text, i + 2));
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        i += 2;
      }
    }
    bytes[length++] = byte;
  }
  return TypedArrayPrototypeSubarray(bytes, 0, length);
}

// A character for each byte.
function latin1(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += ReflectApply(StringFromCharCode, null, TypedArrayPrototypeSubarray(bytes, i, i + CHUNK));
  }
  return text;
}

// Gives `{ type, bytes }` of a serialised URL.
function readDataUrl(url) {
  const hash = StringPrototypeIndexOf(url, "#");
  const input = StringPrototypeSlice(url, SCHEME.length, hash === -1 ? url.length : hash);
  const comma = StringPrototypeIndexOf(input, ",");
  if (comma === -1) throw new TypeError("fetch failed: the data: URL has no comma");
  let type = StringPrototypeReplace(StringPrototypeSlice(input, 0, comma), EDGES, "");
  let bytes = percentDecode(StringPrototypeSlice(input, comma + 1));
  const base64 = RegExpPrototypeExec(BASE64, type);
  if (base64 !== null) {
    try {
      bytes = forgivingBase64Decode(latin1(bytes));
    } catch {
      throw new TypeError("fetch failed: the data: URL is not valid base64");
    }
    type = StringPrototypeSlice(type, 0, base64.index);
  }
  if (StringPrototypeStartsWith(type, ";")) type = `text/plain${type}`;
  const parsed = parseMimeType(type);
  return { __proto__: null, type: parsed === null ? DEFAULT_TYPE : serializeMimeType(parsed), bytes };
}

return { isDataUrl, readDataUrl };
})();
