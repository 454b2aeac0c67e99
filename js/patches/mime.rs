//! Changes to the parser of MIME types: <https://mimesniff.spec.whatwg.org/#parse-a-mime-type>.

use super::{Patch, patch};

const MIME: &str = "ext:deno_web/01_mimesniff.js";
const INFRA: &str = "ext:deno_web/00_infra.js";

pub(super) const PATCHES: &[Patch] = &[
    // What is between a quoted value and the next semicolon is nothing; the semicolon itself belongs to the next parameter.
    patch(
        MIME,
        "      // 11.8.2.\n      position++;\n",
        "      while (position < endOfInput && input[position] !== \";\") position++;\n",
    ),
    // An empty value is one, if it is quoted.
    patch(
        INFRA,
        "  `^[${regexMatcher(HTTP_QUOTED_STRING_TOKEN_POINT)}]+$`,\n",
        "  `^[${regexMatcher(HTTP_QUOTED_STRING_TOKEN_POINT)}]*$`,\n",
    ),
    // https://fetch.spec.whatwg.org/#collect-an-http-quoted-string: up to its quote, and not what is behind it.
    patch(
        INFRA,
        "    result: StringPrototypeSubstring(input, positionStart, position + 1),\n",
        "    result: StringPrototypeSubstring(input, positionStart, position),\n",
    ),
];
