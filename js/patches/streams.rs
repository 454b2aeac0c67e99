//! Changes to streams.

use super::{Patch, each, patch};

const STREAMS: &str = "ext:deno_web/06_streams.js";

pub(super) const PATCHES: &[Patch] = &[
    // A write to Workers' streams of bytes ends when somebody reads: whoever aborts a pipe does not wait for that.
    patch(
        STREAMS,
        "        () => SafePromiseAll(ArrayPrototypeMap(actions, (action) => action())),\n        true,\n        error,\n      );\n",
        "        () => SafePromiseAll(ArrayPrototypeMap(actions, (action) => action())),\n        true,\n        error,\n        expectsBytes(dest),\n      );\n",
    ),
    patch(
        STREAMS,
        "  function shutdownWithAction(action, originalIsError, originalError) {\n",
        "  function shutdownWithAction(action, originalIsError, originalError, atOnce = false) {\n",
    ),
    patch(
        STREAMS,
        "      uponFulfillment(waitForWritesToFinish(), doTheRest);\n",
        "      uponFulfillment(atOnce ? PromiseResolve(undefined) : waitForWritesToFinish(), doTheRest);\n",
    ),
    // Promises of bytes are promises of `{ bytes }` without a prototype, as in `bodies.rs`.
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
    // A read has a place of its own to be filled, always: once it is answered from the queue, that place is gone with it.
    patch(
        STREAMS,
        "    const readRequest = reader[_readRequests].dequeue();\n    readableByteStreamControllerFillReadRequestFromQueue(\n",
        "    const readRequest = reader[_readRequests].dequeue();\n    \
           if (controller[_pendingPullIntos].size !== 0 && controller[_pendingPullIntos].peek().readerType === \"default\") {\n      \
             readableByteStreamControllerShiftPendingPullInto(controller);\n    }\n    \
           readableByteStreamControllerFillReadRequestFromQueue(\n",
    ),
    // A pool of `Buffer`s is many chunks' memory, and none is given away with it: what is enqueued of one, or read into it, has memory of its own, as on Workers.
    patch(
        STREAMS,
        "  const transferredBuffer = ArrayBufferPrototypeTransferToFixedLength(buffer);\n  if (controller[_pendingPullIntos].size !== 0) {\n",
        "  const isShared = WeakMapPrototypeHas(sharedBuffers, buffer);\n  const transferredBuffer = isShared\n    \
             ? copyOfPart(buffer, byteOffset, byteLength)\n    : ArrayBufferPrototypeTransferToFixedLength(buffer);\n  \
           if (isShared) byteOffset = 0;\n  if (controller[_pendingPullIntos].size !== 0) {\n",
    ),
    patch(
        STREAMS,
        "  try {\n    buffer = ArrayBufferPrototypeTransferToFixedLength(buffer);\n",
        "  try {\n    if (WeakMapPrototypeHas(sharedBuffers, buffer)) {\n      \
               buffer = copyOfPart(buffer, byteOffset, byteLength);\n      byteOffset = 0;\n    } else {\n      \
               buffer = ArrayBufferPrototypeTransferToFixedLength(buffer);\n    }\n",
    ),
    patch(
        STREAMS,
        "function isDetachedBuffer(O) {\n",
        "const sharedBuffers = new SafeWeakMap();\n\n// Memory that is never given away.\nfunction shareBuffer(buffer) {\n  \
           WeakMapPrototypeSet(sharedBuffers, buffer, true);\n}\n\n\
         function copyOfPart(buffer, byteOffset, byteLength) {\n  \
           return TypedArrayPrototypeGetBuffer(new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength)));\n}\n\nfunction isDetachedBuffer(O) {\n",
    ),
    patch(
        STREAMS,
        "  isDetachedBuffer,\n",
        "  isDetachedBuffer,\n  shareBuffer,\n",
    ),
    // https://streams.spec.whatwg.org/#readable-stream-pipe-to: nothing is written while a chunk is being enqueued.
    patch(
        STREAMS,
        "    chunkSteps(chunk) {\n      writeChunk(chunk);\n      if (pumping) {\n        syncAdvance = true;\n      } else {\n        pump();\n      }\n    },\n",
        "    chunkSteps(chunk) {\n      if (pumping) {\n        writeChunk(chunk);\n        syncAdvance = true;\n      } else {\n        \
                 queueMicrotask(() => {\n          writeChunk(chunk);\n          pump();\n        });\n      }\n    },\n",
    ),
    // A body that nobody can write any longer is not one that has ended. Whoever waits for its reader to be gone does not keep what writes it, and is
    // nothing that an isolate has to do.
    patch(
        STREAMS,
        "  (external) => {\n    op_readable_stream_resource_close(external);\n  },\n);\n\nclass ResourceStreamResourceSink {\n  external;\n  \
           constructor(external) {\n    this.external = external;\n    \
             READABLE_STREAM_SOURCE_REGISTRY.register(this, external, this);\n",
        "  ({ external, event }) => {\n    op_readable_stream_resource_write_error(external, UNWRITTEN);\n    \
             op_readable_stream_resource_close(external);\n    unwritten(UNWRITTEN, event);\n  },\n);\n\n\
         const UNWRITTEN = \"the body is never finished: nothing is left that could write to its stream or close it\";\n\
         let unwritten = () => {};\n\nfunction setUnwritten(tell) {\n  unwritten = tell;\n}\n\n\
         class ResourceStreamResourceSink {\n  external;\n  constructor(external) {\n    this.external = external;\n    \
           const event = core.getAsyncContext()?.event?.id ?? 0;\n    \
           READABLE_STREAM_SOURCE_REGISTRY.register(this, { __proto__: null, external, event }, this);\n",
    ),
    patch(
        STREAMS,
        "  PromisePrototypeCatch(\n    PromisePrototypeThen(\n      op_readable_stream_resource_await_close(rid),\n      () => {\n        \
             PromisePrototypeCatch(reader.cancel(\"resource closed\"), () => {});\n      },\n    ),\n    () => {},\n  );\n",
        "  cancelOnceClosed(rid, new primordials.SafeWeakRef(reader));\n",
    ),
    // What it calls then keeps nothing of what is around it: a scope is kept whole.
    patch(
        STREAMS,
        "function resourceForReadableStream(stream, length, onError) {\n",
        "function cancelOnceClosed(rid, weakReader) {\n  const closed = op_readable_stream_resource_await_close(rid);\n  \
           core.unrefOpPromise(closed);\n  PromisePrototypeThen(closed, () => {\n    const reader = weakReader.deref();\n    \
           if (reader !== undefined) PromisePrototypeCatch(reader.cancel(\"resource closed\"), () => {});\n  }, () => {});\n}\n\n\
         function resourceForReadableStream(stream, length, onError) {\n",
    ),
    patch(
        STREAMS,
        "  resourceForReadableStream,\n",
        "  resourceForReadableStream,\n  setUnwritten,\n",
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
    // As Workers have it: a source of bytes is asked to fill a buffer, also where nobody has brought one.
    patch(
        STREAMS,
        "  const autoAllocateChunkSize = underlyingSourceDict[\"autoAllocateChunkSize\"];\n",
        "  const autoAllocateChunkSize = underlyingSourceDict[\"autoAllocateChunkSize\"] ??\n    \
             (compatibility.allocatesNoChunks ? undefined : 4096);\n",
    ),
    patch(
        STREAMS,
        "class ReadableStreamBYOBRequest {\n",
        "const { compatibility } = core.loadExtScript(\"ext:workerd_lite/worker/compatibility.js\");\n\
         const { expectsBytes } = core.loadExtScript(\"ext:workerd_lite/worker/stream_kinds.js\");\n\
         const { isBufferSource, view } = core.loadExtScript(\"ext:workerd_lite/worker/buffer_source.js\");\n\n\
         class ReadableStreamBYOBRequest {\n  /** @returns {number | null} how many bytes the read still wants at least */\n  \
           get atLeast() {\n    webidl.assertBranded(this, ReadableStreamBYOBRequestPrototype);\n    \
             if (this[_controller] === undefined) return null;\n    \
             const { bytesFilled, minimumFill } = this[_controller][_pendingPullIntos].peek();\n    \
             return bytesFilled < minimumFill ? minimumFill - bytesFilled : 1;\n  }\n\n",
    ),
    // Who reads a body has gone: an error, as Workers have it.
    each(
        4,
        STREAMS,
        "reader.cancel(\"resource closed\")",
        "reader.cancel(new primordials.Error(\"Network connection lost.\"))",
    ),
    // A body's chunks may be text, which is its UTF-8.
    patch(
        STREAMS,
        "async function readableStreamWriteChunkFn(reader, sink, chunk) {\n",
        "function bytesOfChunk(chunk) {\n  if (typeof chunk === \"string\") return core.encode(chunk);\n  \
           if (isBufferSource(chunk)) return view(chunk);\n  \
           throw new TypeError(\n    \"This TransformStream is being used as a byte stream, but received an object of \" +\n      \
                 \"non-ArrayBuffer/ArrayBufferView type on its writable side.\",\n  );\n}\n\n\
         async function readableStreamWriteChunkFn(reader, sink, chunk) {\n  chunk = bytesOfChunk(chunk);\n",
    ),
    // As Workers have it: a body's chunks are bytes in whatever buffer or view.
    patch(
        STREAMS,
        "    chunkSteps(chunk) {\n      if (TypedArrayPrototypeGetSymbolToStringTag(chunk) !== \"Uint8Array\") {\n        donePromise.reject(\n",
        "    chunkSteps(chunk) {\n      if (isBufferSource(chunk)) chunk = view(chunk);\n      \
               if (TypedArrayPrototypeGetSymbolToStringTag(chunk) !== \"Uint8Array\") {\n        donePromise.reject(\n",
    ),
    // As Workers have it: a read into a buffer ends with the stream, also where the source never looks at that buffer. By the
    // standard it waits for a `respond(0)` that such a source does not know of.
    patch(
        STREAMS,
        "    readableByteStreamControllerClose(this);\n  }\n",
        "    readableByteStreamControllerClose(this);\n    \
             if (this[_pendingPullIntos].size !== 0 && this[_byobRequest] === null) {\n      \
               queueMicrotask(() => readableByteStreamControllerEndReads(this));\n    }\n  }\n",
    ),
    patch(
        STREAMS,
        "class ReadableByteStreamController {\n",
        "function readableByteStreamControllerEndReads(controller) {\n  \
           if (controller[_stream][_state] !== \"closed\" || controller[_byobRequest] !== null) return;\n  \
           if (controller[_pendingPullIntos].size !== 0) readableByteStreamControllerRespond(controller, 0);\n}\n\n\
         class ReadableByteStreamController {\n",
    ),
    // For `worker/streams.js`.
    patch(
        STREAMS,
        "return {\n  _isClosedPromise,\n",
        "return {\n  expectedLengthOf,\n  _closeRequested,\n  _controller,\n  _queueTotalSize,\n  _readable,\n  _stream,\n  _writable,\n  createWritableStream,\n  \
           readableByteStreamControllerGetBYOBRequest,\n  writableStreamDefaultControllerErrorIfNeeded,\n  \
           isWritableStreamLocked,\n  writableStreamCloseQueuedOrInFlight,\n  _isClosedPromise,\n",
    ),
    patch(
        STREAMS,
        "function errorReadableStream(stream, e) {\n",
        "function errorReadableStream(stream, e) {\n  \
           if (isReadableByteStreamController(stream[_controller])) return readableByteStreamControllerError(stream[_controller], e);\n",
    ),
];
