//! Changes to deno's scripts where they differ from the standards, in the text that the crates ship. The crates are pinned; a
//! passage that is not there exactly once ends the build, so that each change is looked at again with a new version.

use std::collections::HashSet;

use deno_core::ExtensionFileSource;

#[path = "console_patches.rs"]
mod console_patches;
#[path = "performance_patches.rs"]
mod performance_patches;

/// One passage of a script, and what takes its place.
struct Patch {
    specifier: &'static str,
    from: &'static str,
    to: &'static str,
}

const fn patch(specifier: &'static str, from: &'static str, to: &'static str) -> Patch {
    Patch { specifier, from, to }
}

const BLOB: &str = "ext:deno_web/09_file.js";
const BODY: &str = "ext:deno_fetch/22_body.js";
const CRYPTO: &str = "ext:deno_crypto/00_crypto.js";
const EVENT: &str = "ext:deno_web/02_event.js";
const FORM_DATA: &str = "ext:deno_fetch/21_formdata.js";
const REQUEST: &str = "ext:deno_fetch/23_request.js";
const RESPONSE: &str = "ext:deno_fetch/23_response.js";
const PORT: &str = "ext:deno_web/13_message_port.js";
const STREAMS: &str = "ext:deno_web/06_streams.js";
const URL: &str = "ext:deno_web/00_url.js";

const PATCHES: &[Patch] = &[
    // Deno's own member of `RequestInit`, which packages have for other things.
    patch(
        REQUEST,
        "    { key: \"client\", converter: webidl.converters.any },\n",
        "",
    ),
    // https://mimesniff.spec.whatwg.org/#parse-a-mime-type, after the File API's own step.
    patch(
        BLOB,
        "  return StringPrototypeToLowerCase(normalizedType);\n",
        "  if (normalizedType === \"\") return \"\";\n  \
           const { parseMimeType, serializeMimeType } = core.loadExtScript(\"ext:deno_web/01_mimesniff.js\");\n  \
           const mimeType = parseMimeType(normalizedType);\n  \
           return mimeType === null ? \"\" : serializeMimeType(mimeType);\n",
    ),
    // The parts of a blob are references to bytes and never blobs, and a slice is one of the bytes themselves: no chain of
    // blobs is as deep as a script can make it.
    patch(
        BLOB,
        "      ArrayPrototypePush(processedParts, element);\n      size += element.size;\n",
        "      const inner = element[_parts];\n      \
               for (let j = 0; j < inner.length; ++j) ArrayPrototypePush(processedParts, inner[j]);\n      \
               size += element[_size];\n",
    ),
    patch(
        BLOB,
        "  constructor(id, size) {\n    this._id = id;\n    this.size = size;\n",
        "  constructor(id, size, root = null, start = 0) {\n    this._id = id;\n    this.size = size;\n    \
             this._root = root;\n    this._start = start;\n",
    ),
    patch(
        BLOB,
        "    const id = op_blob_slice_part(this._id, {\n      start,\n      len: size,\n    });\n    \
             return new BlobReference(id, size);\n",
        "    const root = this._root ?? this;\n    const from = this._start + start;\n    \
             const id = op_blob_slice_part(root._id, { start: from, len: size });\n    \
             return new BlobReference(id, size, root, from);\n",
    ),
    patch(
        BLOB,
        "    ArrayPrototypePush(cloned, op_blob_clone_part(refs[i]._id));\n",
        "    const root = refs[i]._root ?? refs[i];\n    const part = op_blob_clone_part(root._id);\n    \
             part.start = refs[i]._start;\n    part.length = refs[i].size;\n    ArrayPrototypePush(cloned, part);\n",
    ),
    patch(
        BLOB,
        "core.registerCloneableResource(\"Blob\", (data) => {\n  const parts = [];\n  \
           for (let i = 0; i < data.parts.length; ++i) {\n    const { uuid, size } = data.parts[i];\n    \
             ArrayPrototypePush(parts, new BlobReference(uuid, size));\n  }\n",
        "function clonedParts(data) {\n  const parts = [];\n  for (let i = 0; i < data.parts.length; ++i) {\n    \
             const { uuid, size, start, length } = data.parts[i];\n    const part = new BlobReference(uuid, size);\n    \
             ArrayPrototypePush(parts, length === size ? part : part.slice(start, start + length));\n  }\n  \
           return parts;\n}\n\n\
         core.registerCloneableResource(\"Blob\", (data) => {\n  const parts = clonedParts(data);\n",
    ),
    patch(
        BLOB,
        "core.registerCloneableResource(\"File\", (data) => {\n  const parts = [];\n  \
           for (let i = 0; i < data.parts.length; ++i) {\n    const { uuid, size } = data.parts[i];\n    \
             ArrayPrototypePush(parts, new BlobReference(uuid, size));\n  }\n",
        "core.registerCloneableResource(\"File\", (data) => {\n  const parts = clonedParts(data);\n",
    ),
    // Blobs are read without promises of plain objects, which `Object.prototype.then` would be asked for.
    patch(
        BLOB,
        "    const partIterator = toIterator(this[_parts]);\n    const stream = new ReadableStream({\n",
        "    const parts = this[_parts];\n    let next = 0;\n    let offset = 0;\n    const stream = new ReadableStream({\n",
    ),
    patch(
        BLOB,
        "      async pull(controller) {\n        while (true) {\n          \
                   const { value, done } = await AsyncGeneratorPrototypeNext(\n            partIterator,\n          );\n          \
                   if (done) {\n            controller.close();\n            controller.byobRequest?.respond(0);\n            \
                     return;\n          }\n          \
                   if (TypedArrayPrototypeGetByteLength(value) > 0) {\n            return controller.enqueue(value);\n          }\n        }\n      },\n",
        "      pull(controller) {\n        while (next < parts.length && offset >= parts[next].size) {\n          \
                   next++;\n          offset = 0;\n        }\n        \
                 if (next === parts.length) {\n          controller.close();\n          controller.byobRequest?.respond(0);\n          \
                   return;\n        }\n        \
                 const value = op_blob_bytes(parts[next]._id, offset, STREAM_CHUNK);\n        \
                 offset += TypedArrayPrototypeGetByteLength(value);\n        controller.enqueue(value);\n      },\n",
    ),
    patch(
        BLOB,
        "    const partIterator = toIterator(this[_parts]);\n    let offset = 0;\n    while (true) {\n      \
               const { value, done } = await AsyncGeneratorPrototypeNext(\n        partIterator,\n      );\n      \
               if (done) break;\n      const byteLength = TypedArrayPrototypeGetByteLength(value);\n      \
               if (byteLength > 0) {\n        TypedArrayPrototypeSet(bytes, value, offset);\n        offset += byteLength;\n      }\n    }\n",
        "    const parts = this[_parts];\n    let offset = 0;\n    for (let i = 0; i < parts.length; ++i) {\n      \
               const value = op_blob_bytes(parts[i]._id, 0, parts[i].size);\n      \
               TypedArrayPrototypeSet(bytes, value, offset);\n      offset += parts[i].size;\n    }\n",
    ),
    patch(BLOB, "  async #u8Array(size) {\n", "  #u8Array(size) {\n"),
    patch(
        BLOB,
        "    const buffer = await this.#u8Array(this.size);\n",
        "    const buffer = this.#u8Array(this[_size]);\n",
    ),
    patch(
        BLOB,
        "    const buf = await this.#u8Array(this.size);\n",
        "    const buf = this.#u8Array(this[_size]);\n",
    ),
    patch(
        BLOB,
        "    return await this.#u8Array(this.size);\n",
        "    return this.#u8Array(this[_size]);\n",
    ),
    patch(
        BLOB,
        "  op_blob_create_object_url,\n  op_blob_create_part,\n",
        "  op_blob_bytes,\n  op_blob_create_object_url,\n  op_blob_create_part,\n",
    ),
    patch(
        BLOB,
        "const _type = Symbol(\"Type\");\n",
        "const STREAM_CHUNK = 64 * 1024;\n\n\
         // The type of a body's blob is its MIME type, whatever characters that has.\n\
         function blobOfType(parts, type) {\n  const blob = new Blob(parts);\n  blob[_type] = type;\n  return blob;\n}\n\n\
         const _type = Symbol(\"Type\");\n",
    ),
    patch(
        BLOB,
        "return {\n  Blob,\n  blobFromObjectUrl,\n",
        "return {\n  Blob,\n  blobFromObjectUrl,\n  blobOfType,\n",
    ),
    // Fields of their own from the start: an assignment would look for setters, which an author may have put into
    // `Object.prototype`, and which would be given the object.
    patch(
        BLOB,
        "class BlobReference {\n  /**\n",
        "class BlobReference {\n  _id;\n  size;\n  _root;\n  _start;\n\n  /**\n",
    ),
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
        "  SafeWeakMap,\n  StringPrototypeSlice,\n  StringPrototypeToWellFormed,\n  TypedArrayPrototypeGetBuffer,\n",
    ),
    // Promises of bytes are promises of `{ bytes }` without a prototype: `Object.prototype.then` is not asked for.
    patch(
        BODY,
        "    const body = object[bodySymbol] !== null\n      ? await object[bodySymbol].consume()\n      : new Uint8Array();\n",
        "    const consumed = object[bodySymbol] !== null\n      ? object[bodySymbol].consume()\n      : new Uint8Array();\n    \
             const body = core.isPromise(consumed) ? (await consumed).bytes : consumed;\n",
    ),
    patch(
        STREAMS,
        "  if (resourceBacking && !isReadableStreamDisturbed(stream)) {\n    // fast path, read whole body in a single op call\n",
        "  if (false) {\n",
    ),
    patch(STREAMS, "    stream[_original][_controller][_readAll] = true;\n", ""),
    patch(
        STREAMS,
        "    offset += TypedArrayPrototypeGetByteLength(chunk);\n  }\n  return finalBuffer;\n}\n",
        "    offset += TypedArrayPrototypeGetByteLength(chunk);\n  }\n  return { __proto__: null, bytes: finalBuffer };\n}\n",
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
    // https://streams.spec.whatwg.org/#abstract-opdef-readablebytestreamcontrollerprocesspullintodescriptorsusingqueue: what is read is given
    // out once all of it is filled, since who is given it may run code.
    patch(
        STREAMS,
        "function readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(\n  controller,\n) {\n  \
           assert(!controller[_closeRequested]);\n  while (controller[_pendingPullIntos].size !== 0) {\n    \
             if (controller[_queueTotalSize] === 0) {\n      return;\n    }\n",
        "function readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(\n  controller,\n  first = undefined,\n) {\n  \
           assert(!controller[_closeRequested]);\n  const filled = first === undefined ? [] : [first];\n  \
           while (controller[_pendingPullIntos].size !== 0) {\n    \
             if (controller[_queueTotalSize] === 0) {\n      break;\n    }\n",
    ),
    patch(
        STREAMS,
        "      readableByteStreamControllerShiftPendingPullInto(controller);\n      \
               readableByteStreamControllerCommitPullIntoDescriptor(\n        controller[_stream],\n        pullIntoDescriptor,\n      );\n    }\n  }\n}\n",
        "      readableByteStreamControllerShiftPendingPullInto(controller);\n      ArrayPrototypePush(filled, pullIntoDescriptor);\n    }\n  }\n  \
           for (let i = 0; i < filled.length; i++) {\n    \
             readableByteStreamControllerCommitPullIntoDescriptor(controller[_stream], filled[i]);\n  }\n}\n",
    ),
    patch(
        STREAMS,
        "  readableByteStreamControllerCommitPullIntoDescriptor(\n    controller[_stream],\n    pullIntoDescriptor,\n  );\n  \
           readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(\n    controller,\n  );\n",
        "  readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(\n    controller,\n    pullIntoDescriptor,\n  );\n",
    ),
    // https://streams.spec.whatwg.org/#readable-stream-pipe-to: nothing is written while a chunk is being enqueued.
    patch(
        STREAMS,
        "    chunkSteps(chunk) {\n      writeChunk(chunk);\n      if (pumping) {\n        syncAdvance = true;\n      } else {\n        pump();\n      }\n    },\n",
        "    chunkSteps(chunk) {\n      if (pumping) {\n        writeChunk(chunk);\n        syncAdvance = true;\n      } else {\n        \
                 queueMicrotask(() => {\n          writeChunk(chunk);\n          pump();\n        });\n      }\n    },\n",
    ),
    // As Workers have it: a source's or a transformer's `expectedLength` is how many bytes a body of the stream has.
    patch(
        STREAMS,
        "    initializeReadableStream(this);\n    if (underlyingSourceDict.type === \"bytes\") {\n",
        "    initializeReadableStream(this);\n    expectLength(this, underlyingSource);\n    if (underlyingSourceDict.type === \"bytes\") {\n",
    ),
    patch(
        STREAMS,
        "    setUpTransformStreamDefaultControllerFromTransformer(\n      this,\n      transformer,\n      transformerDict,\n    );\n    if",
        "    expectLength(this[_readable], transformer);\n    \
             setUpTransformStreamDefaultControllerFromTransformer(\n      this,\n      transformer,\n      transformerDict,\n    );\n    if",
    ),
    patch(
        STREAMS,
        "class ReadableStream {\n",
        "const expectedLengths = new SafeWeakMap();\n\n\
         function expectLength(stream, given) {\n  const length = given?.expectedLength;\n  if (length === undefined) return;\n  \
           const converted = webidl.converters[\"unsigned long long\"](length, undefined, \"'expectedLength'\", { enforceRange: true });\n  \
           WeakMapPrototypeSet(expectedLengths, stream, converted);\n}\n\n\
         function expectedLengthOf(stream) {\n  return WeakMapPrototypeGet(expectedLengths, stream);\n}\n\n\
         class ReadableStream {\n",
    ),
    // Workers' words.
    patch(
        STREAMS,
        "function readableStreamBYOBReaderRelease(reader) {\n  readableStreamReaderGenericRelease(reader);\n  const e = new TypeError(\"The reader was released.\");\n",
        "function readableStreamBYOBReaderRelease(reader) {\n  readableStreamReaderGenericRelease(reader);\n  \
           const e = new TypeError(\"This ReadableStream reader has been released.\");\n",
    ),
    patch(
        STREAMS,
        "function readableStreamDefaultReaderRelease(reader) {\n  readableStreamReaderGenericRelease(reader);\n  const e = new TypeError(\"The reader was released.\");\n",
        "function readableStreamDefaultReaderRelease(reader) {\n  readableStreamReaderGenericRelease(reader);\n  \
           const e = new TypeError(\"This ReadableStream reader has been released.\");\n",
    ),
    patch(
        STREAMS,
        "    \"The writer has already been released.\",\n",
        "    \"This WritableStream writer has been released.\",\n",
    ),
    // For `worker/streams.js`.
    patch(
        STREAMS,
        "return {\n  _isClosedPromise,\n",
        "return {\n  expectedLengthOf,\n  _controller,\n  _readable,\n  _writable,\n  createWritableStream,\n  \
           readableByteStreamControllerGetBYOBRequest,\n  writableStreamDefaultControllerErrorIfNeeded,\n  _isClosedPromise,\n",
    ),
    patch(
        STREAMS,
        "function errorReadableStream(stream, e) {\n",
        "function errorReadableStream(stream, e) {\n  \
           if (isReadableByteStreamController(stream[_controller])) return readableByteStreamControllerError(stream[_controller], e);\n",
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
        "  createProxy,\n  createReadableByteStream,\n  readableByteStreamControllerClose,\n  readableByteStreamControllerEnqueue,\n  \
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
    // https://html.spec.whatwg.org/#structuredserializewithtransfer, within one isolate: what is transferred is cloned and
    // detached.
    patch(
        PORT,
        "    if (isArrayBuffer(t)) {\n      if (\n        ArrayBufferPrototypeGetByteLength(t) === 0 &&\n        \
                 isDetachedBuffer(t)\n      ) {\n",
        "    if (SetPrototypeHas(seen, t)) {\n      \
               throw new DOMException(\"Transfer list contains an object twice\", \"DataCloneError\");\n    }\n    \
             SetPrototypeAdd(seen, t);\n    \
             if (isArrayBuffer(t)) {\n      if (isDetachedBuffer(t)) {\n",
    ),
    patch(
        PORT,
        "    } else if (t[core.hostObjectBrand]) {\n      ArrayPrototypePush(hostObjects, t);\n    }\n",
        "    } else if (typeof t[core.hostObjectBrand] === \"string\") {\n      ArrayPrototypePush(hostObjects, t);\n    } else {\n      \
               throw new DOMException(\"Value not transferable\", \"DataCloneError\");\n    }\n",
    ),
    patch(
        PORT,
        "  const hostObjects = [];\n  const transferredArrayBuffers = [];\n  for (let i = 0, j = 0;",
        "  const seen = new SafeSet();\n  const hostObjects = [];\n  const transferredArrayBuffers = [];\n  for (let i = 0, j = 0;",
    ),
    patch(
        PORT,
        "  const options = {\n    hostObjects,\n    transferredArrayBuffers,\n  };\n\n  \
           const serializedData = core.serialize(",
        "  const options = { hostObjects };\n\n  const serializedData = core.serialize(",
    ),
    patch(
        PORT,
        "      ArrayPrototypePush(serializedTransferables, {\n        kind: \"arrayBuffer\",\n        \
                 data: transferredArrayBuffers[arrayBufferI],\n      });\n      arrayBufferI++;\n",
        "      detachBuffer(transferable);\n",
    ),
    patch(
        PORT,
        "  let arrayBufferI = 0;\n  for (let i = 0; i < transferables.length; ++i) {\n    const transferable",
        "  for (let i = 0; i < transferables.length; ++i) {\n    const transferable",
    ),
    patch(
        PORT,
        "function serializeJsMessageData(data, transferables) {\n",
        "const { transfer } = ArrayBuffer.prototype;\n\n\
         function detachBuffer(buffer) {\n  const { isDetachedBuffer } = core.loadExtScript(\"ext:deno_web/06_streams.js\");\n  \
           // A getter of the value may have done so.\n  \
           if (isDetachedBuffer(buffer)) throw new DOMException(\"ArrayBuffer is detached\", \"DataCloneError\");\n  \
           ReflectApply(transfer, buffer, [0]);\n}\n\n\
         function serializeJsMessageData(data, transferables) {\n",
    ),
    patch(
        PORT,
        "  SafeSet,\n  SafeWeakMap,\n",
        "  SafeSet,\n  SafeWeakMap,\n  SetPrototypeAdd,\n  SetPrototypeHas,\n",
    ),
    // The prototype has the property already, and no other than its own value.
    patch(
        PORT,
        "  port[core.hostObjectBrand] = \"MessagePort\";\n",
        "  ObjectDefineProperty(port, core.hostObjectBrand, { __proto__: null, value: \"MessagePort\" });\n",
    ),
    // https://andreubotella.github.io/multipart-form-data/#parsing
    patch(
        FORM_DATA,
        "  const parser = new MultipartParser(body, boundary);\n  return parser.parse();\n",
        "  return formDataFromEntries(\n    \
             core.loadExtScript(\"ext:workerd_lite/fetch/multipart.js\").parseMultipart(body, boundary),\n  );\n",
    ),
    // Scripts may have put anything in the place of `globalThis.dispatchEvent`.
    patch(
        EVENT,
        "  if (reportExceptionStackedCalls > 1 || globalThis_.dispatchEvent(event)) {\n",
        "  if (reportExceptionStackedCalls > 1 || FunctionPrototypeCall(dispatchEvent, globalThis_, event)) {\n",
    ),
    patch(
        EVENT,
        "let reportExceptionStackedCalls = 0;\n",
        "const { dispatchEvent } = EventTarget.prototype;\nlet reportExceptionStackedCalls = 0;\n",
    ),
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
    // https://url.spec.whatwg.org/#concept-url-origin
    patch(
        URL,
        "        return new URL(this.pathname).origin;\n",
        "        const inner = new URL(this.pathname);\n        \
                 const scheme = StringPrototypeSlice(inner.#serialization, 0, inner.#schemeEnd);\n        \
                 return scheme === \"http\" || scheme === \"https\" ? inner.origin : \"null\";\n",
    ),
    // These give the key's bytes, of keys that are not extractable too, and make keys of any: not for scripts.
    patch(
        CRYPTO,
        "const CryptoKeyPrototype = CryptoKey.prototype;\n",
        "const { exportNodeMaterial, fromCloneData, importSync } = CryptoKey;\n\
         const { create: createCrypto, registerSymbols } = Crypto;\nconst { create: createSubtle } = SubtleCrypto;\n\
         for (const name of [\"exportNodeMaterial\", \"fromCloneData\", \"importSync\"]) delete CryptoKey[name];\n\
         for (const name of [\"create\", \"registerSymbols\"]) delete Crypto[name];\n\
         delete SubtleCrypto.create;\n\n\
         const CryptoKeyPrototype = CryptoKey.prototype;\n",
    ),
    patch(
        CRYPTO,
        "core.registerCloneableResource(\n  \"CryptoKey\",\n  (data) => CryptoKey.fromCloneData(data),\n);\n",
        "",
    ),
    patch(
        CRYPTO,
        "    Crypto.registerSymbols(webidl.brand, kKeyObject);\n    subtleSingleton = SubtleCrypto.create();\n",
        "    registerSymbols(webidl.brand, kKeyObject);\n    subtleSingleton = createSubtle();\n",
    ),
    patch(
        CRYPTO,
        "cryptoSingleton = Crypto.create(getSubtleSingleton());",
        "cryptoSingleton = createCrypto(getSubtleSingleton());",
    ),
    patch(
        CRYPTO,
        "  return CryptoKey.exportNodeMaterial(cryptoKey);\n",
        "  return exportNodeMaterial(cryptoKey);\n",
    ),
    patch(
        CRYPTO,
        "  return CryptoKey.importSync(format, keyData, algorithm, extractable, usages);\n",
        "  return importSync(format, keyData, algorithm, extractable, usages);\n",
    ),
    patch(
        CRYPTO,
        "  cryptoKeyExportNodeKeyMaterial,\n  importCryptoKeySync,\n",
        "  cryptoKeyExportNodeKeyMaterial,\n  cryptoKeyFromCloneData: fromCloneData,\n  importCryptoKeySync,\n",
    ),
];

fn all() -> impl Iterator<Item = &'static Patch> {
    let others = [console_patches::PATCHES, performance_patches::PATCHES];
    PATCHES.iter().chain(others.into_iter().flatten())
}

/// The changes, and which of them were made.
#[derive(Default)]
pub(crate) struct Patches {
    made: HashSet<usize>,
}

impl Patches {
    /// The scripts with their changes.
    pub(crate) fn apply(&mut self, scripts: &[ExtensionFileSource]) -> Vec<ExtensionFileSource> {
        scripts.iter().map(|script| self.apply_one(script)).collect()
    }

    fn apply_one(&mut self, script: &ExtensionFileSource) -> ExtensionFileSource {
        let mut patches = all()
            .enumerate()
            .filter(|(_, patch)| patch.specifier == script.specifier)
            .peekable();
        if patches.peek().is_none() {
            return script.clone();
        }
        let mut source = script
            .load()
            .expect("an extension's script can be read")
            .as_str()
            .to_owned();
        for (number, patch) in patches {
            let found = source.matches(patch.from).count();
            assert!(found == 1, "{}: {found} times:\n{}", patch.specifier, patch.from);
            source = source.replacen(patch.from, patch.to, 1);
            self.made.insert(number);
        }
        ExtensionFileSource::new_computed(script.specifier, source.into())
    }

    /// Every change has found its script.
    pub(crate) fn finish(self) {
        for (number, patch) in all().enumerate() {
            assert!(self.made.contains(&number), "{} is not there", patch.specifier);
        }
    }
}
