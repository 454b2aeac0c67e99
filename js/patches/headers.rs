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
    // Workers' are serializable: `worker/cloning.js`.
    patch(HEADERS, "markNotSerializable(HeadersPrototype);\n", ""),
    patch(
        "ext:deno_fetch/23_response.js",
        "const REASON_PHRASE_RE = new SafeRegExp(`^[${REASON_PHRASE_MATCHER}]*$`);",
        "const REASON_PHRASE_RE = new SafeRegExp(/^[\\t\\x20-\\x7e\\x80-\\uffff]*$/);",
    ),
];
