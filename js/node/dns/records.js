// What records say, out of their text (RFC 1035, section 5.1), in Node's forms.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  Number,
  NumberParseInt,
  NumberPrototypeToString,
  RegExpPrototypeExec,
  StringFromCharCode,
  StringPrototypeSlice,
  StringPrototypeSplit,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeSlice,
  Uint8Array,
} = primordials;
const { isIPv4 } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { number: addressNumber } = core.loadExtScript("ext:workerd_lite/node/net/addresses.js");
const { TYPES, withoutDot } = core.loadExtScript("ext:workerd_lite/node/dns/query.js");

// Words, and texts in quotes with what a backslash stands before.
function words(text) {
  const list = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === " " || text[at] === "\t") {
      at++;
      continue;
    }
    const quoted = text[at] === '"';
    if (quoted) at++;
    let word = "";
    while (at < text.length && (quoted ? text[at] !== '"' : text[at] !== " " && text[at] !== "\t")) {
      if (text[at] !== "\\") {
        word += text[at++];
        continue;
      }
      const number = RegExpPrototypeExec(/^[0-9]{3}/, StringPrototypeSlice(text, at + 1, at + 4));
      word += number === null ? text[at + 1] ?? "" : StringFromCharCode(+number[0]);
      at += number === null ? 2 : 4;
    }
    at++;
    ArrayPrototypePush(list, word);
  }
  return list;
}

function bytesOf(digits) {
  const bytes = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = NumberParseInt(StringPrototypeSlice(digits, 2 * i, 2 * i + 2), 16);
  return bytes;
}

// `\# length hexadecimal digits`: the bytes of a record in the form that any type may have (RFC 3597), or null.
function unknown(text) {
  const found = RegExpPrototypeExec(/^\\# ([0-9]+) ([0-9A-Fa-f \t]+)$/, text);
  if (found === null) return null;
  let digits = "";
  for (let i = 0; i < found[2].length; i++) {
    if (found[2][i] !== " " && found[2][i] !== "\t") digits += found[2][i];
  }
  return bytesOf(digits);
}

function ascii(bytes, start, end) {
  let text = "";
  for (let i = start; i < end && i < bytes.length; i++) text += StringFromCharCode(bytes[i]);
  return text;
}

function caa(data) {
  const bytes = unknown(data);
  if (bytes !== null) {
    const tag = 2 + (bytes[1] ?? 0);
    return { critical: bytes[0] ?? 0, [ascii(bytes, 2, tag)]: ascii(bytes, tag, bytes.length) };
  }
  const list = words(data);
  return { critical: +list[0], [list[1] ?? ""]: list[2] ?? "" };
}

// A name and texts, each behind its length.
function naptr(data) {
  const bytes = unknown(data);
  if (bytes === null) {
    const list = words(data);
    return { flags: list[2], service: list[3], regexp: list[4], replacement: withoutDot(list[5] ?? ""), order: +list[0], preference: +list[1] };
  }
  let at = 4;
  const text = () => {
    const start = at + 1;
    at = start + (bytes[at] ?? 0);
    return ascii(bytes, start, at);
  };
  const { 0: flags, 1: service, 2: regexp } = [text(), text(), text()];
  let replacement = "";
  while (at < bytes.length && bytes[at] !== 0) replacement += `${replacement === "" ? "" : "."}${text()}`;
  return { flags, service, regexp, replacement, order: bytes[0] << 8 | bytes[1], preference: bytes[2] << 8 | bytes[3] };
}

function tlsa(data) {
  const bytes = unknown(data);
  if (bytes !== null) {
    return { certUsage: bytes[0], selector: bytes[1], match: bytes[2], data: TypedArrayPrototypeGetBuffer(TypedArrayPrototypeSlice(bytes, 3)) };
  }
  const list = words(data);
  return { certUsage: +list[0], selector: +list[1], match: +list[2], data: TypedArrayPrototypeGetBuffer(bytesOf(list[3] ?? "")) };
}

const READERS = {
  __proto__: null,
  A: (data) => data,
  AAAA: (data) => data,
  CAA: caa,
  CNAME: withoutDot,
  MX: (data) => {
    const list = words(data);
    return { exchange: withoutDot(list[1] ?? ""), priority: +list[0] };
  },
  NAPTR: naptr,
  NS: withoutDot,
  PTR: withoutDot,
  SOA: (data) => {
    const list = words(data);
    return {
      nsname: withoutDot(list[0] ?? ""),
      hostmaster: withoutDot(list[1] ?? ""),
      serial: +list[2],
      refresh: +list[3],
      retry: +list[4],
      expire: +list[5],
      minttl: +list[6],
    };
  },
  SRV: (data) => {
    const list = words(data);
    return { name: withoutDot(list[3] ?? ""), port: +list[2], priority: +list[0], weight: +list[1] };
  },
  TLSA: tlsa,
  TXT: words,
};

const NAMES = { __proto__: null };
for (const name in TYPES) NAMES[TYPES[name]] = name;

// One record of `resolveAny()`.
function any({ type, ttl, data }) {
  const name = NAMES[type];
  const value = READERS[name]?.(data);
  switch (name) {
    case "A":
    case "AAAA":
      return { address: value, ttl, type: name };
    case "CNAME":
    case "NS":
    case "PTR":
      return { value, type: name };
    case "TXT":
      return { entries: value, type: name };
    default:
      return value === undefined ? undefined : { ...value, type: name };
  }
}

// The name under which an address is looked for (RFC 1035, section 3.5; RFC 3596, section 2.5).
function reversed(address) {
  let name = "";
  if (isIPv4(address)) {
    const parts = StringPrototypeSplit(address, ".");
    for (let i = 3; i >= 0; i--) name += `${parts[i]}.`;
    return `${name}in-addr.arpa`;
  }
  let value = addressNumber(address);
  for (let i = 0; i < 32; i++) {
    name += `${NumberPrototypeToString(Number(value & 15n), 16)}.`;
    value >>= 4n;
  }
  return `${name}ip6.arpa`;
}

return { any, READERS, reversed };
})();
