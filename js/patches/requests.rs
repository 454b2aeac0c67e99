//! Changes to requests: what Workers take of `RequestInit`, and refuse.
//! <https://developers.cloudflare.com/workers/runtime-apis/request/>

use super::{Patch, patch};

const REQUEST: &str = "ext:deno_fetch/23_request.js";

pub(super) const PATCHES: &[Patch] = &[
    patch(
        REQUEST,
        "webidl.converters[\"RequestRedirect\"] = webidl.createEnumConverter(\n  \"RequestRedirect\",\n  [\n    \"follow\",\n    \"error\",\n    \
             \"manual\",\n  ],\n);\n",
        "webidl.converters[\"RequestRedirect\"] = (V, prefix, context, opts) => {\n  \
           const mode = webidl.converters[\"DOMString\"](V, prefix, context, opts);\n  \
           if (mode === \"follow\" || mode === \"error\" || mode === \"manual\") return mode;\n  \
           throw new TypeError(`Invalid redirect value, must be one of \"follow\", \"manual\" or \"error\", and not \"${mode}\".`);\n};\n",
    ),
    patch(
        REQUEST,
        "webidl.converters[\"RequestCache\"] = webidl.createEnumConverter(\n  \"RequestCache\",\n  [\n    \"default\",\n    \"no-store\",\n    \
             \"reload\",\n    \"no-cache\",\n    \"force-cache\",\n    \"only-if-cached\",\n  ],\n);\n",
        "webidl.converters[\"RequestCache\"] = (V, prefix, context, opts) => {\n  \
           const mode = webidl.converters[\"DOMString\"](V, prefix, context, opts);\n  \
           const { cacheModes } = compatibility;\n  if (cacheModes === null) {\n    \
             throw new primordials.Error(\"The 'cache' field on 'RequestInitializerDict' is not implemented.\");\n  }\n  \
           if (cacheModes[mode] === true) return mode;\n  \
           throw new TypeError(`Unsupported cache mode: ${mode}`);\n};\n",
    ),
    patch(
        REQUEST,
        "    return this[_request].cacheMode ?? \"default\";\n",
        "    return this[_request].cacheMode;\n",
    ),
    // Workers' requests may go elsewhere than `fetch()` does: none of these does.
    patch(
        REQUEST,
        "  get cache() {\n    webidl.assertBranded(this, RequestPrototype);\n",
        "  get fetcher() {\n    webidl.assertBranded(this, RequestPrototype);\n    return null;\n  }\n\n  \
           get cache() {\n    webidl.assertBranded(this, RequestPrototype);\n",
    ),
];
