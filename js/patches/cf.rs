//! `cf` of requests and responses, which Workers add to the standard's (`fetch/cf.js`).

use super::{Patch, patch};

const REQUEST: &str = "ext:deno_fetch/23_request.js";
const RESPONSE: &str = "ext:deno_fetch/23_response.js";

pub(super) const PATCHES: &[Patch] = &[
    patch(
        REQUEST,
        "class Request {\n",
        "const { cfOf, checkCf, setCf } = core.loadExtScript(\"ext:workerd_lite/fetch/cf.js\");\n\nclass Request {\n",
    ),
    patch(
        REQUEST,
        "    // 28.\n    this[_request] = request;\n",
        "    checkCf(init.cf, init.cache);\n    setCf(request, init.cf);\n\n    // 28.\n    this[_request] = request;\n",
    ),
    patch(
        REQUEST,
        "  get redirect() {\n    webidl.assertBranded(this, RequestPrototype);\n",
        "  get cf() {\n    webidl.assertBranded(this, RequestPrototype);\n    return cfOf(this[_request]);\n  }\n\n  \
         get redirect() {\n    webidl.assertBranded(this, RequestPrototype);\n",
    ),
    patch(
        RESPONSE,
        "function cloneInnerResponse(response) {\n",
        "const { cfOf, copyCf, setCf } = core.loadExtScript(\"ext:workerd_lite/fetch/cf.js\");\n\nfunction cloneInnerResponse(response) {\n",
    ),
    patch(
        RESPONSE,
        "    const newRes = cloneInnerResponse(this[_response]);\n",
        "    const newRes = copyCf(this[_response], cloneInnerResponse(this[_response]));\n",
    ),
    patch(
        RESPONSE,
        "      key: \"encodeBody\",\n",
        "      key: \"cf\",\n      converter: webidlConvertersAny,\n    }, {\n      key: \"encodeBody\",\n",
    ),
    patch(
        RESPONSE,
        "headers: init.headers, encodeBody: encodeBody(init.encodeBody), webSocket: init.webSocket };\n",
        "headers: init.headers, encodeBody: encodeBody(init.encodeBody), webSocket: init.webSocket, cf: init.cf };\n",
    ),
    patch(
        RESPONSE,
        "    if (!defaultInit && init.encodeBody === \"manual\") keepsCoding(this[_response]);\n",
        "    if (!defaultInit && init.encodeBody === \"manual\") keepsCoding(this[_response]);\n    \
             if (!defaultInit) setCf(this[_response], init.cf);\n",
    ),
    patch(
        RESPONSE,
        "  get redirected() {\n    webidl.assertBranded(this, ResponsePrototype);\n",
        "  get cf() {\n    webidl.assertBranded(this, ResponsePrototype);\n    return cfOf(this[_response]);\n  }\n\n  /**\n   * @returns {boolean}\n   */\n  \
         get redirected() {\n    webidl.assertBranded(this, ResponsePrototype);\n",
    ),
];
