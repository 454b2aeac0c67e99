//! Changes to headers: their values are Unicode text, which is UTF-8 on the wire, and their errors have Workers' words.

use super::{Patch, each, patch};

const HEADERS: &str = "ext:deno_fetch/20_headers.js";
const WEBIDL: &str = "ext:deno_webidl/00_webidl.js";

const PAIR: &str = "          \"To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.\",\n";

pub(super) const PATCHES: &[Patch] = &[
    // What the standard has as strings of bytes are header names and values, methods and status texts: Workers take any text for them.
    patch(
        WEBIDL,
        "  const x = converters.DOMString(V, prefix, context, opts);\n  if (!isByteString(x)) {\n    throw makeException(\n      TypeError,\n      \
               \"is not a valid ByteString\",\n      prefix,\n      context,\n    );\n  }\n  return x;\n",
        "  return StringPrototypeToWellFormed(converters.DOMString(V, prefix, context, opts));\n",
    ),
    each(
        6,
        HEADERS,
        "throw new TypeError(`Invalid header name: \"${name}\"`);",
        "throw new TypeError(\"Invalid header name.\");",
    ),
    each(
        3,
        HEADERS,
        "throw new TypeError(`Invalid header value: \"${value}\"`);",
        "throw new TypeError(\"Invalid header value.\");",
    ),
    each(
        2,
        HEADERS,
        "          `Invalid header: length must be 2, but is ${header.length}`,\n",
        PAIR,
    ),
    each(
        1,
        HEADERS,
        "throw new TypeError(\"Cannot change header: headers are immutable\");",
        "throw new TypeError(\"Can't modify immutable headers.\");",
    ),
    each(
        2,
        HEADERS,
        "throw new TypeError(\"Cannot change headers: headers are immutable\");",
        "throw new TypeError(\"Can't modify immutable headers.\");",
    ),
    // V8 looks for a character faster than a loop over all of them.
    patch(
        HEADERS,
        "  StringPrototypeReplaceAll,\n",
        "  StringPrototypeIndexOf,\n  StringPrototypeReplaceAll,\n",
    ),
    patch(
        HEADERS,
        "  for (let i = 0; i < value.length; i++) {\n    const c = StringPrototypeCharCodeAt(value, i);\n\n    \
               if (c === 0x0a || c === 0x0d || c === 0x00) {\n      return false;\n    }\n  }\n\n  return true;\n",
        "  return StringPrototypeIndexOf(value, \"\\n\") === -1 && StringPrototypeIndexOf(value, \"\\r\") === -1 &&\n    \
           StringPrototypeIndexOf(value, \"\\0\") === -1;\n",
    ),
    // An iterator asks for the sorted list at each step: it is made again where headers have changed.
    patch(
        HEADERS,
        "    if (\n      this[_guard] === \"immutable\" &&\n      this[_iterableHeadersCache] !== undefined\n    ) {\n      return this[_iterableHeadersCache];\n    }\n",
        "    const cached = this[_iterableHeadersCache];\n    \
             if (cached !== undefined && (this[_guard] === \"immutable\" || isOf(this[_sorted], list))) return cached;\n",
    ),
    patch(
        HEADERS,
        "    this[_iterableHeadersCache] = entries;\n",
        "    this[_iterableHeadersCache] = entries;\n    if (this[_guard] !== \"immutable\") this[_sorted] = flat(list);\n",
    ),
    patch(
        HEADERS,
        "const _guard = Symbol(\"guard\");\n",
        "const _guard = Symbol(\"guard\");\nconst _sorted = Symbol(\"what was sorted\");\n\n\
         function flat(list) {\n  const all = [];\n  \
           for (let i = 0; i < list.length; i++) ArrayPrototypePush(all, list[i][0], list[i][1]);\n  return all;\n}\n\n\
         function isOf(all, list) {\n  if (all === undefined || all.length !== 2 * list.length) return false;\n  \
           for (let i = 0; i < list.length; i++) {\n    \
             if (all[2 * i] !== list[i][0] || all[2 * i + 1] !== list[i][1]) return false;\n  }\n  return true;\n}\n",
    ),
    // https://fetch.spec.whatwg.org/#concept-header-list-get: an empty value is one, as get() has it.
    patch(
        HEADERS,
        "          entries[seenHeaderIndex][1] = entryValue.length > 0\n            ? entryValue + \"\\x2C\\x20\" + value\n            : value;\n",
        "          entries[seenHeaderIndex][1] = `${entryValue}, ${value}`;\n",
    ),
    // Workers' are serializable: `worker/cloning.js`.
    patch(HEADERS, "markNotSerializable(HeadersPrototype);\n", ""),
    patch(
        "ext:deno_fetch/23_response.js",
        "const REASON_PHRASE_RE = new SafeRegExp(`^[${REASON_PHRASE_MATCHER}]*$`);",
        "const REASON_PHRASE_RE = new SafeRegExp(/^[\\t\\x20-\\x7e\\x80-\\uffff]*$/);",
    ),
];
