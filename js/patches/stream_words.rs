//! Workers' words for what streams refuse: suites compare them.

use super::{Patch, each, patch};

const STREAMS: &str = "ext:deno_web/06_streams.js";

const RELEASED: &str = "\"This ReadableStream reader has been released.\"";
const WRITER_RELEASED: &str = "\"This WritableStream writer has been released.\"";
const INVALIDATED: &str = "\"This ReadableStreamBYOBRequest has been invalidated.\"";

pub(super) const PATCHES: &[Patch] = &[
    each(4, STREAMS, "\"Reader has no associated stream.\"", RELEASED),
    patch(
        STREAMS,
        "\"Reader was released and can no longer be used to monitor the stream's closedness.\"",
        RELEASED,
    ),
    each(
        2,
        STREAMS,
        "\"A writable stream is not associated with the writer.\"",
        WRITER_RELEASED,
    ),
    patch(
        STREAMS,
        "\"A writable stream is not associated with the writer\"",
        WRITER_RELEASED,
    ),
    patch(
        STREAMS,
        "\"A writable stream is not associate with the writer.\"",
        WRITER_RELEASED,
    ),
    each(2, STREAMS, "\"This BYOB request has been invalidated\"", INVALIDATED),
    patch(
        STREAMS,
        "      throw webidl.makeException(\n        TypeError,\n        \"Length must be non-zero\",\n        prefix,\n        arg1,\n      );\n",
        "      throw new TypeError(\"Cannot enqueue a zero-length ArrayBuffer.\");\n",
    ),
    patch(
        STREAMS,
        "'\"bytesWritten\" must be greater than 0 when calling respond() on a readable stream'",
        "\"The bytesWritten must be more than zero while the stream is open.\"",
    ),
    patch(
        STREAMS,
        "'\"bytesWritten\" out of range'",
        "`Too many bytes [${bytesWritten}] in response to a BYOB read request.`",
    ),
    patch(
        STREAMS,
        "\"The view's length must be greater than 0 when calling respondWithNewView() on a readable stream\"",
        "\"The view byte length must be more than zero while the stream is open.\"",
    ),
    patch(
        STREAMS,
        "\"The buffer of view has different capacity than byobRequest\"",
        "\"The underlying ArrayBuffer is not the correct length.\"",
    ),
    patch(
        STREAMS,
        "\"The region specified by view does not match byobRequest\"",
        "\"The given view has an invalid byte offset.\"",
    ),
    patch(
        STREAMS,
        "'\"autoAllocateChunkSize\" must be greater than 0'",
        "\"The autoAllocateChunkSize option cannot be zero.\"",
    ),
    patch(
        STREAMS,
        "\"Cannot use a BYOB reader with a non-byte stream\"",
        "\"This ReadableStream does not support BYOB reads.\"",
    ),
    patch(
        STREAMS,
        "  close() {\n    webidl.assertBranded(this, ReadableStreamDefaultControllerPrototype);\n    \
             if (readableStreamDefaultControllerCanCloseOrEnqueue(this) === false) {\n      \
             throw new TypeError(\"The stream controller cannot close or enqueue\");\n",
        "  close() {\n    webidl.assertBranded(this, ReadableStreamDefaultControllerPrototype);\n    \
             if (readableStreamDefaultControllerCanCloseOrEnqueue(this) === false) {\n      \
             throw new TypeError(\"This ReadableStream is closed.\");\n",
    ),
    patch(
        STREAMS,
        "throw new TypeError(\"The stream controller cannot close or enqueue\");",
        "throw new TypeError(\"Unable to enqueue\");",
    ),
    patch(
        STREAMS,
        "\"ReadableByteStreamController's stream is not in a readable state\"",
        "\"This ReadableStream is closed.\"",
    ),
    patch(
        STREAMS,
        "\"Cannot enqueue chunk when underlying stream is not readable\"",
        "\"This ReadableByteStreamController is closed.\"",
    ),
    patch(
        STREAMS,
        "\"The associated stream is already closing.\"",
        "\"This WritableStream has been closed.\"",
    ),
    patch(
        STREAMS,
        "\"The stream has been terminated.\"",
        "\"The transform stream has been terminated\"",
    ),
    patch(
        STREAMS,
        "\"view must have non-zero byteLength\"",
        "'You must call read() on a \"byob\" reader with a positive-sized TypedArray object.'",
    ),
    patch(
        STREAMS,
        "\"options.min must be non-zero\"",
        "\"Requested invalid minimum number of bytes to read (0).\"",
    ),
    patch(
        STREAMS,
        "\"Cannot convert value to Uint8Array while consuming the stream\"",
        "\"This ReadableStream did not return bytes.\"",
    ),
];
