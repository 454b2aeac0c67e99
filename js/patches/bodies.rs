//! Changes to requests, responses and their bodies.

use super::{Patch, patch};

const BODY: &str = "ext:deno_fetch/22_body.js";
const FORM_DATA: &str = "ext:deno_fetch/21_formdata.js";
const REQUEST: &str = "ext:deno_fetch/23_request.js";
const RESPONSE: &str = "ext:deno_fetch/23_response.js";

pub(super) const PATCHES: &[Patch] = &[
    // Deno's own member of `RequestInit`, which packages have for other things. Workers' is `cf`.
    patch(
        REQUEST,
        "    { key: \"client\", converter: webidl.converters.any },\n",
        "    { key: \"cf\", converter: webidl.converters.any },\n",
    ),
    // A body that is made of another's stream is that stream: the other is used with it.
    patch(
        BODY,
        "      source = recoveredSource;\n    } else {\n",
        "      const body = new InnerBody(object);\n      body.source = recoveredSource;\n      body.length = knownLength ?? null;\n      \
               return { body, contentType };\n    } else {\n",
    ),
    patch(
        BODY,
        "  consume() {\n    if (this.unusable()) throw",
        "  consume() {\n    const whole = takeStaticBody(this.streamOrStatic);\n    \
             if (whole !== undefined) return typeof whole === \"string\" ? whole : copyOf(whole);\n    if (this.unusable()) throw",
    ),
    // Who reads one of the two has bytes that are not the other's.
    patch(
        BODY,
        "      second = new InnerBody({\n        body: this.streamOrStatic.body,\n        consumed: false,\n      });\n",
        "      const { body } = this.streamOrStatic;\n      const copied = typeof body === \"string\" ? body : copyOf(body);\n      \
               second = new InnerBody({ body: copied, consumed: false });\n      second.source = copied;\n",
    ),
    patch(
        BODY,
        "    second.source = this.source;\n",
        "    second.source ??= this.source;\n",
    ),
    patch(
        BODY,
        "function extractBody(object) {\n",
        "// What a stream that nobody has read was made of, once. The stream counts as used from here on.\n\
         function takeStaticBody(stream) {\n  const body = WeakMapPrototypeGet(staticBodySource, stream);\n  \
           if (body === undefined || isReadableStreamLocked(stream) || isReadableStreamDisturbed(stream)) return undefined;\n  \
           acquireReadableStreamDefaultReader(stream);\n  readableStreamDisturb(stream);\n  readableStreamClose(stream);\n  \
           return body;\n}\n\n\
         // How many bytes such a stream has, or undefined.\n\
         function staticLengthOf(stream) {\n  const body = WeakMapPrototypeGet(staticBodySource, stream);\n  \
           if (body === undefined) return undefined;\n  \
           return TypedArrayPrototypeGetByteLength(typeof body === \"string\" ? core.encode(body) : body);\n}\n\n\
         function extractBody(object) {\n",
    ),
    patch(
        BODY,
        "return { extractBody, InnerBody, mixinBody, packageData };",
        "return { extractBody, InnerBody, mixinBody, packageData, staticLengthOf, takeStaticBody };",
    ),
    // Streams of Node's first kind, as npm's `form-data` is one.
    patch(
        BODY,
        "      );\n    }\n  }\n  // BodyInit conversion is passed",
        "      );\n    }\n    if (typeof V.pipe === \"function\" && typeof V.on === \"function\" && typeof V.resume === \"function\") {\n      \
           legacy ??= core.loadExtScript(\"ext:workerd_lite/fetch/legacy_streams.js\");\n      \
           return legacy.streamOfLegacy(V);\n    }\n  }\n  // BodyInit conversion is passed",
    ),
    patch(
        BODY,
        "      stream = object;\n",
        "      stream = object;\n      contentType = legacy === undefined ? null : legacy.typeOfStream(object);\n",
    ),
    patch(
        BODY,
        "webidl.converters[\"async_sequence<Uint8Array>\"] = webidl\n",
        "let legacy;\n\nwebidl.converters[\"async_sequence<Uint8Array>\"] = webidl\n",
    ),
    // Texts of a sequence are bytes of UTF-8, as for Node.js and on Workers.
    patch(
        BODY,
        "  .createAsyncSequenceConverter(webidl.converters.Uint8Array);\n",
        "  .createAsyncSequenceConverter((V, prefix, context, opts) =>\n    \
             typeof V === \"string\" ? core.encode(V) : webidl.converters.Uint8Array(V, prefix, context, opts)\n  );\n",
    ),
    // As Workers have it since 2024-10-14: https://developers.cloudflare.com/workers/configuration/compatibility-flags/
    patch(
        REQUEST,
        "      throw new TypeError(\"Method is forbidden\");\n  }\n  return m;\n",
        "      throw new TypeError(\"Method is forbidden\");\n  }\n  return compatibility.keepsMethods ? m : upperCase;\n",
    ),
    patch(
        REQUEST,
        "function validateAndNormalizeMethod(m) {\n",
        "const { compatibility } = core.loadExtScript(\"ext:workerd_lite/worker/compatibility.js\");\n\n\
         function validateAndNormalizeMethod(m) {\n",
    ),
    // https://fetch.spec.whatwg.org/#requestinit: what no worker has is refused, and not ignored.
    patch(
        REQUEST,
        "    { key: \"headers\", converter: webidl.converters[\"HeadersInit\"] },\n",
        "    { key: \"headers\", converter: webidl.converters[\"HeadersInit\"] },\n    \
             { key: \"duplex\", converter: webidl.converters[\"RequestDuplex\"] },\n    \
             { key: \"window\", converter: webidl.converters.any },\n",
    ),
    patch(
        REQUEST,
        "webidl.converters[\"RequestInit\"] = webidl.createDictionaryConverter(\n",
        "webidl.converters[\"RequestDuplex\"] = webidl.createEnumConverter(\"RequestDuplex\", [\"half\"]);\n\
         webidl.converters[\"RequestInit\"] = webidl.createDictionaryConverter(\n",
    ),
    patch(
        REQUEST,
        "    // 17. referrer\n",
        "    if (init.window !== undefined && init.window !== null) throw new TypeError(`${prefix}: 'window' can only be null`);\n\n    \
             // 17. referrer\n",
    ),
    // https://fetch.spec.whatwg.org/#concept-bodyinit-extract
    patch(
        REQUEST,
        "      const res = extractBody(init.body);\n      initBody = res.body;\n",
        "      if (request.keepalive && ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, init.body)) {\n        \
                 throw new TypeError(`${prefix}: a request with 'keepalive' has no stream for its body`);\n      }\n      \
               const res = extractBody(init.body);\n      initBody = res.body;\n",
    ),
    patch(
        REQUEST,
        "const { URL } = core.loadExtScript(\"ext:deno_web/00_url.js\");\n",
        "const { URL } = core.loadExtScript(\"ext:deno_web/00_url.js\");\n\
         const { ReadableStreamPrototype } = core.loadExtScript(\"ext:deno_web/06_streams.js\");\n",
    ),
    // https://fetch.spec.whatwg.org/#request-class: attributes that say the same of every request of a worker.
    patch(
        REQUEST,
        "  get signal() {\n    webidl.assertBranded(this, RequestPrototype);\n    return this[_signal];\n  }\n",
        "  get signal() {\n    webidl.assertBranded(this, RequestPrototype);\n    return this[_signal];\n  }\n\n  \
           get destination() {\n    webidl.assertBranded(this, RequestPrototype);\n    return \"\";\n  }\n\n  \
           get duplex() {\n    webidl.assertBranded(this, RequestPrototype);\n    return \"half\";\n  }\n\n  \
           get isHistoryNavigation() {\n    webidl.assertBranded(this, RequestPrototype);\n    return false;\n  }\n\n  \
           get isReloadNavigation() {\n    webidl.assertBranded(this, RequestPrototype);\n    return false;\n  }\n",
    ),
    // https://webidl.spec.whatwg.org/#es-attributes: names of getters.
    patch(
        BODY,
        "  return ObjectDefineProperties(prototype, mixin);\n",
        "  ObjectDefineProperties(mixin.body.get, { name: { __proto__: null, value: \"get body\", configurable: true } });\n  \
           ObjectDefineProperties(mixin.bodyUsed.get, { name: { __proto__: null, value: \"get bodyUsed\", configurable: true } });\n  \
           return ObjectDefineProperties(prototype, mixin);\n",
    ),
    patch(
        RESPONSE,
        "  static json(data = undefined, init = undefined) {\n",
        "  static json(data, init = undefined) {\n",
    ),
    // Fields of their own from the start, as in `blobs.rs`.
    patch(
        BODY,
        "class InnerBody {\n  /**\n",
        "class InnerBody {\n  source = null;\n  length = null;\n\n  /**\n",
    ),
    // https://fetch.spec.whatwg.org/#concept-body-package-data
    patch(
        BODY,
        "const { BlobPrototype } = core.loadExtScript(\"ext:deno_web/09_file.js\");\n",
        "const { blobOfType, BlobPrototype } = core.loadExtScript(\"ext:deno_web/09_file.js\");\n",
    ),
    patch(
        BODY,
        "      return new Blob([bytes], {\n        \
                 type: mimeType !== null ? mimesniff.serializeMimeType(mimeType) : \"\",\n      });\n",
        "      return blobOfType([bytes], mimeType !== null ? mimesniff.serializeMimeType(mimeType) : \"\");\n",
    ),
    // A string is read as its bytes are: https://encoding.spec.whatwg.org/#utf-8-decode
    patch(
        BODY,
        "  return typeof chunk === \"string\" ? chunk : core.decode(chunk);\n",
        "  if (typeof chunk !== \"string\") return core.decode(chunk);\n  \
           const text = StringPrototypeToWellFormed(chunk);\n  \
           return text[0] === \"\\ufeff\" ? StringPrototypeSlice(text, 1) : text;\n",
    ),
    patch(
        BODY,
        "  SafeWeakMap,\n  TypedArrayPrototypeGetBuffer,\n",
        "  SafeWeakMap,\n  StringPrototypeSlice,\n  StringPrototypeToWellFormed,\n  SymbolAsyncIterator,\n  SymbolToPrimitive,\n  \
           TypedArrayPrototypeGetBuffer,\n",
    ),
    // Promises of bytes are promises of `{ bytes }` without a prototype: `Object.prototype.then` is not asked for.
    patch(
        BODY,
        "    const body = object[bodySymbol] !== null\n      ? await object[bodySymbol].consume()\n      : new Uint8Array();\n",
        "    const consumed = object[bodySymbol] !== null\n      ? object[bodySymbol].consume()\n      : new Uint8Array();\n    \
             const body = core.isPromise(consumed) ? (await consumed).bytes : consumed;\n",
    ),
    // As Workers have it (`fetch_iterable_type_support_override_adjustment`): what can be iterated and has a text of its own is that text.
    patch(
        BODY,
        "    if (webidl.isAsyncSequence(V) && !isStringObject(V)) {\n",
        "    if (webidl.isAsyncSequence(V) && !isStringObject(V) && !hasText(V)) {\n",
    ),
    patch(
        BODY,
        "webidl.converters[\"BodyInit_DOMString\"] = (V, prefix, context, opts) => {\n",
        "const { toString: textOfObject } = Object.prototype;\nconst { toString: textOfArray } = Array.prototype;\n\n\
         function hasText(V) {\n  const { toString, [SymbolAsyncIterator]: iterator, [SymbolToPrimitive]: primitive } = V;\n  \
           if (iterator !== undefined && iterator !== null) return false;\n  \
           return typeof primitive === \"function\" || (typeof toString === \"function\" && toString !== textOfObject && toString !== textOfArray);\n}\n\n\
         webidl.converters[\"BodyInit_DOMString\"] = (V, prefix, context, opts) => {\n",
    ),
    // https://developers.cloudflare.com/workers/runtime-apis/response/: the body is in its content coding already.
    patch(
        RESPONSE,
        "      key: \"headers\",\n      converter: webidlConvertersHeadersInit,\n    }],\n",
        "      key: \"headers\",\n      converter: webidlConvertersHeadersInit,\n    }, {\n      key: \"encodeBody\",\n      \
               converter: encodeBody,\n    }, {\n      key: \"webSocket\",\n      converter: webidl.converters.any,\n    }],\n",
    ),
    patch(
        RESPONSE,
        "      return { status, statusText, headers: init.headers };\n",
        "      return { status, statusText, headers: init.headers, encodeBody: encodeBody(init.encodeBody), webSocket: init.webSocket };\n",
    ),
    patch(
        RESPONSE,
        "const webidlConvertersResponseInit = webidl.converters",
        "const { keepsCoding } = core.loadExtScript(\"ext:workerd_lite/fetch/coded.js\");\n\
         const { keepSocket, refuseClone } = core.loadExtScript(\"ext:workerd_lite/fetch/sockets.js\");\n\n\
         function encodeBody(value) {\n  if (value === undefined || value === \"automatic\" || value === \"manual\") return value;\n  \
           throw new TypeError(`encodeBody: unexpected value: ${webidl.converters.DOMString(value)}`);\n}\n\n\
         const webidlConvertersResponseInit = webidl.converters",
    ),
    patch(
        RESPONSE,
        "    initializeResponseBase(this, newInnerResponse(), \"response\");\n",
        "    initializeResponseBase(this, newInnerResponse(), \"response\");\n    \
               if (!defaultInit && init.encodeBody === \"manual\") keepsCoding(this[_response]);\n    \
               if (!defaultInit) keepSocket(this[_response], init, body);\n",
    ),
    patch(
        RESPONSE,
        "    if (this[_body] && this[_body].unusable()) {\n",
        "    refuseClone(this[_response]);\n    if (this[_body] && this[_body].unusable()) {\n",
    ),
    // As Workers have it: a body without bytes is none where a status has none.
    patch(
        RESPONSE,
        "    if (nullBodyStatus(response[_response].status)) {\n      throw new TypeError(\n        \
                 \"Response with null body status cannot have body\",\n      );\n    }\n",
        "    if (nullBodyStatus(response[_response].status)) {\n      if (isEmpty(bodyWithType.body)) return maybeSetServeNativeFromInner(response);\n      \
               throw new TypeError(\"Response with null body status (101, 204, 205, or 304) cannot have a body.\");\n    }\n",
    ),
    patch(
        RESPONSE,
        "function initializeAResponse(\n",
        "function isEmpty(body) {\n  return body.source === \"\" || (body.source !== null && body.length === 0);\n}\n\n\
         function initializeAResponse(\n",
    ),
    // Bodies are byte streams: https://fetch.spec.whatwg.org/#bodyinit-safely-extract. The bytes stay the body's, which clones share.
    patch(
        BODY,
        "        const stream = createReadableStream(\n          noop,\n          (controller) => {\n            \
                 controller.enqueue(chunkToU8(body));\n            controller.close();\n          },\n          \
                 noopAsync,\n          0,\n        );\n",
        "        const stream = createReadableByteStream(noop, (controller) => giveStatic(controller, body), noopAsync);\n",
    ),
    patch(
        BODY,
        "  createProxy,\n  createReadableStream,\n",
        "  acquireReadableStreamDefaultReader,\n  createProxy,\n  createReadableByteStream,\n  isReadableStreamLocked,\n  readableByteStreamControllerClose,\n  readableByteStreamControllerEnqueue,\n  \
           readableByteStreamControllerGetBYOBRequest,\n  readableByteStreamControllerRespond,\n",
    ),
    patch(
        BODY,
        "const mimesniff = core.loadExtScript",
        "const { copyOf } = core.loadExtScript(\"ext:workerd_lite/worker/buffer_source.js\");\nconst mimesniff = core.loadExtScript",
    ),
    patch(
        BODY,
        "class InnerBody {\n  source = null;\n",
        "function giveStatic(controller, body) {\n  const bytes = typeof body === \"string\" ? core.encode(body) : copyOf(body);\n  \
           if (TypedArrayPrototypeGetByteLength(bytes) > 0) readableByteStreamControllerEnqueue(controller, bytes);\n  \
           readableByteStreamControllerClose(controller);\n  \
           if (readableByteStreamControllerGetBYOBRequest(controller) !== null) readableByteStreamControllerRespond(controller, 0);\n}\n\n\
         class InnerBody {\n  source = null;\n",
    ),
    // What closes a form ends its line, as every other delimiter.
    patch(
        FORM_DATA,
        "  ArrayPrototypePush(chunks, `--${boundary}--`);\n",
        "  ArrayPrototypePush(chunks, `--${boundary}--${CRLF}`);\n",
    ),
    // https://andreubotella.github.io/multipart-form-data/#parsing
    patch(
        FORM_DATA,
        "  const parser = new MultipartParser(body, boundary);\n  return parser.parse();\n",
        "  return formDataFromEntries(\n    \
             core.loadExtScript(\"ext:workerd_lite/fetch/multipart.js\").parseMultipart(body, boundary),\n  );\n",
    ),
];
