//! Changes to requests: what Workers take of `RequestInit`, and refuse.
//! <https://developers.cloudflare.com/workers/runtime-apis/request/>

use super::{Patch, patch, span};

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
    // The insides of requests: `fetch/inner_request.js`.
    span(
        REQUEST,
        "function newInnerRequest(",
        "// method => normalized method\n",
        3684,
        "const { cloneInnerRequest, InnerRequest } = core.loadExtScript(\"ext:workerd_lite/fetch/inner_request.js\");\n\n",
    ),
    patch(
        REQUEST,
        "      request = newInnerRequest(\n        \"GET\",\n        parsedURL.href,\n        () => [],\n        null,\n        true,\n      );\n",
        "      request = new InnerRequest(\"GET\", parsedURL.href, []);\n",
    ),
    patch(REQUEST, "  newInnerRequest,\n", ""),
    // A request's signal is made at the first look, also of one that follows another signal: most requests are only handed on, and what
    // follows a signal costs two weak references.
    patch(
        REQUEST,
        "  [_signalCache];\n",
        "  [_signalCache];\n  // The signal, or the request, whose signal this request's follows.\n  [_signalSource];\n",
    ),
    patch(
        REQUEST,
        "const _signalCache = Symbol(\"signalCache\");\n",
        "const _signalCache = Symbol(\"signalCache\");\nconst _signalSource = Symbol(\"signalSource\");\n\n\
           function signalSourceOf(request) {\n  return request[_signalCache] || (request[_signalSource] ?? request);\n}\n\n\
           function followSignal(source) {\n  \
             const signal = ObjectPrototypeIsPrototypeOf(RequestPrototype, source) ? source[_signal] : source;\n  \
             return createDependentAbortSignal([signal], \"Failed to construct 'Request'\");\n}\n",
    ),
    patch(
        REQUEST,
        "    // This signal not been created yet, and the request is still in progress\n    if (signal === undefined) {\n",
        "    const source = this[_signalSource];\n    if (signal === undefined && source !== undefined) {\n      \
             this[_signalSource] = undefined;\n      return this[_signalCache] = followSignal(source);\n    }\n\n    \
           // This signal not been created yet, and the request is still in progress\n    if (signal === undefined) {\n",
    ),
    patch(
        REQUEST,
        "      signal = input[_signal];\n",
        "      signal = signalSourceOf(input);\n",
    ),
    patch(
        REQUEST,
        "      this[_signalCache] = createDependentAbortSignal([signal], prefix);\n",
        "      this[_signalSource] = signal;\n",
    ),
    patch(
        REQUEST,
        "    const materializedSignal = this[_signal];\n    const clonedSignal = createDependentAbortSignal(\n      [materializedSignal],\n      \
               prefix,\n    );\n\n",
        "",
    ),
    patch(
        REQUEST,
        "    request[_signalCache] = clonedSignal;\n",
        "    request[_signalSource] = signalSourceOf(this);\n",
    ),
    // Where nobody has looked at the signal that it follows, nothing but the event's end aborts it.
    patch(
        REQUEST,
        "function getCachedAbortSignal(request) {\n  return request[_signalCache];\n",
        "function getCachedAbortSignal(request) {\n  const source = request[_signalSource];\n  \
           if (source === undefined) return request[_signalCache];\n  \
           if (ObjectPrototypeIsPrototypeOf(RequestPrototype, source) && source[_signalCache] === undefined) return undefined;\n  \
           return request[_signal];\n",
    ),
    patch(
        REQUEST,
        "    if (init.headers || ObjectKeys(init).length > 0) {\n",
        "    if (init.headers || (hasInit && ObjectKeys(init).length > 0)) {\n",
    ),
    patch(
        REQUEST,
        "    init = webidl.converters[\"RequestInit\"](init, prefix, \"Argument 2\");\n",
        "    const hasInit = init !== undefined && init !== null;\n    \
           const fromRequest = hasInit && ObjectPrototypeIsPrototypeOf(RequestPrototype, init);\n    init = webidl.converters[\"RequestInit\"](init, prefix, \"Argument 2\");\n",
    ),
    // A client's GET may have a body, and goes on with it, as on Workers: no script gives it one.
    patch(
        REQUEST,
        "      ((init.body !== undefined && init.body !== null) ||\n        inputBody !== null)\n    ) {\n",
        "      (init.body !== undefined && init.body !== null\n        \
               ? !fromRequest\n        : inputBody !== null && request.method !== input[_request].method)\n    ) {\n",
    ),
    // A worker has no page that a referrer could be relative to: such a one says nothing, as on Workers.
    patch(
        REQUEST,
        "        } catch (err) {\n          throw new TypeError(`Referrer \"${referrer}\" is not a valid URL.`, {\n            \
                   cause: err,\n          });\n        }\n",
        "        } catch (err) {\n          try {\n            new URL(referrer, \"http://page.invalid/\");\n          } catch {\n            \
                   throw new TypeError(`Referrer \"${referrer}\" is not a valid URL.`, { cause: err });\n          }\n          \
                 parsedReferrer = new URL(\"about:client\");\n        }\n",
    ),
];
