//! Changes to URLs.

use super::{Patch, each, patch};

const URL: &str = "ext:deno_web/00_url.js";
const PATTERN: &str = "ext:deno_web/01_urlpattern.js";

pub(super) const PATCHES: &[Patch] = &[
    // https://url.spec.whatwg.org/ as it is today, by our own ops; deno's are of the standard of some years ago.
    patch(
        URL,
        "  op_url_get_serialization,\n  op_url_parse,\n  op_url_parse_search_params,\n  op_url_parse_with_base,\n  op_url_reparse,\n",
        "  op_url_parse_search_params,\n  op_whatwg_url_parse: op_url_parse,\n  \
           op_whatwg_url_parse_with_base: op_url_parse_with_base,\n  op_whatwg_url_reparse: op_url_reparse,\n  \
           op_whatwg_url_serialization: op_url_get_serialization,\n",
    ),
    // A path that begins with two slashes has `/.` before it where there is no host.
    patch(
        URL,
        "    return StringPrototypeSlice(\n      this.#serialization,\n      this.#hostStart,\n      this.#pathStart,\n    );\n",
        "    if (!this.#hasAuthority()) return \"\";\n    \
             return StringPrototypeSlice(this.#serialization, this.#hostStart, this.#pathStart);\n",
    ),
    patch(
        URL,
        "    if (this.#port === NO_PORT) {\n",
        "    if (!this.#hasAuthority()) return \"\";\n    if (this.#port === NO_PORT) {\n",
    ),
    // What `searchParams` changed is written when the URL is next looked at: of n changes each would write them all.
    patch(
        URL,
        "  [_updateUrlSearch](value) {\n    this.#serialization = opUrlReparse(\n      this.#serialization,\n      SET_SEARCH,\n      value,\n    );\n    this.#updateComponents();\n  }\n",
        "  #isStale = false;\n\n  [_updateUrlSearch]() {\n    this.#isStale = true;\n  }\n\n  \
           #settle() {\n    this.#isStale = false;\n    \
             this.#serialization = opUrlReparse(this.#serialization, SET_SEARCH, op_url_stringify_search_params(this.#queryObject[_list]));\n    \
             this.#updateComponents();\n  }\n",
    ),
    patch(
        URL,
        "    // deno-lint-ignore deno-internal/prefer-primordials\n    url[_updateUrlSearch](this.toString());\n",
        "    url[_updateUrlSearch]();\n",
    ),
    each(
        23,
        URL,
        "    webidl.assertBranded(this, URLPrototype);\n",
        "    webidl.assertBranded(this, URLPrototype);\n    if (this.#isStale) this.#settle();\n",
    ),
    // https://url.spec.whatwg.org/#concept-url-origin
    patch(
        URL,
        "        return new URL(this.pathname).origin;\n",
        "        const inner = new URL(this.pathname);\n        \
                 const scheme = StringPrototypeSlice(inner.#serialization, 0, inner.#schemeEnd);\n        \
                 return scheme === \"http\" || scheme === \"https\" ? inner.origin : \"null\";\n",
    ),
    // https://urlpattern.spec.whatwg.org/: expressions have the flag `v`, and what is tested is by default an empty URLPatternInit. What the
    // parser makes has a slash in a class of characters as it stands, which `v` does not take. Authors' expressions that `v` does not take and
    // `u` does are as they were.
    patch(
        PATTERN,
        "        c.regexp = new SafeRegExp(c.regexpString, flags);\n",
        "        c.regexp = expression(c.regexpString, options.ignoreCase ? \"i\" : \"\");\n",
    ),
    patch(PATTERN, "    const flags = options.ignoreCase ? \"ui\" : \"u\";\n", ""),
    patch(
        PATTERN,
        "const matchInputCache = new SampledLRUCache(4096);\n",
        "function expression(source, flags) {\n  try {\n    \
             return new SafeRegExp(StringPrototypeReplaceAll(source, \"[^/]\", \"[^\\\\/]\"), `v${flags}`);\n  } catch {\n    \
             return new SafeRegExp(source, `u${flags}`);\n  }\n}\n\n\
         const matchInputCache = new SampledLRUCache(4096);\n",
    ),
    patch(
        PATTERN,
        "  StringPrototypeSlice,\n",
        "  StringPrototypeReplaceAll,\n  StringPrototypeSlice,\n",
    ),
    patch(
        PATTERN,
        "    const prefix = \"Failed to execute 'test' on 'URLPattern'\";\n    \
             webidl.requiredArguments(arguments.length, 1, prefix);\n",
        "    const prefix = \"Failed to execute 'test' on 'URLPattern'\";\n    \
             if (input === undefined) input = { __proto__: null };\n",
    ),
    patch(
        PATTERN,
        "    const prefix = \"Failed to execute 'exec' on 'URLPattern'\";\n    \
             webidl.requiredArguments(arguments.length, 1, prefix);\n",
        "    const prefix = \"Failed to execute 'exec' on 'URLPattern'\";\n    \
             if (input === undefined) input = { __proto__: null };\n",
    ),
    patch(
        PATTERN,
        "  test(input, baseURL = undefined) {\n",
        "  test(input = undefined, baseURL = undefined) {\n",
    ),
    patch(
        PATTERN,
        "  exec(input, baseURL = undefined) {\n",
        "  exec(input = undefined, baseURL = undefined) {\n",
    ),
    patch(
        PATTERN,
        "  constructor(\n    input,\n    baseURLOrOptions = undefined,\n",
        "  constructor(\n    input = undefined,\n    baseURLOrOptions = undefined,\n",
    ),
    // Workers' words.
    each(
        4,
        URL,
        "\"Each query pair must be an iterable [name, value] tuple\"",
        "\"Invalid URL search params sequence.\"",
    ),
];
