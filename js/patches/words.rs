//! Workers' words for what the standards leave without any: suites compare them.

use super::{Patch, patch};

const ABORT: &str = "ext:deno_web/03_abort_signal.js";
const BODY: &str = "ext:deno_fetch/22_body.js";
const HEADERS: &str = "ext:deno_fetch/20_headers.js";
const REQUEST: &str = "ext:deno_fetch/23_request.js";
const RESPONSE: &str = "ext:deno_fetch/23_response.js";
const STREAMS: &str = "ext:deno_web/06_streams.js";

pub(super) const PATCHES: &[Patch] = &[
    patch(
        ABORT,
        "\"The signal has been aborted\"",
        "\"The operation was aborted\"",
    ),
    // What is too long for a timer is as long as can be, and not a moment.
    patch(
        ABORT,
        "      millis,\n      false, // start unrefed (like Node.js)\n",
        "      millis > 2147483647 ? 2147483647 : millis,\n      false, // start unrefed (like Node.js)\n",
    ),
    patch(
        BODY,
        "\"Body already consumed\"",
        "\"Body has already been used. It can only be used once. Use tee() first if you need to read it twice.\"",
    ),
    patch(
        BODY,
        "\"Body already consumed.\"",
        "\"Body has already been used. It can only be used once. Use tee() first if you need to read it twice.\"",
    ),
    patch(
        BODY,
        "      throw new TypeError(\"ReadableStream is locked or disturbed\");\n",
        "      throw new TypeError(\n        isReadableStreamDisturbed(object)\n          \
                 ? \"This ReadableStream is disturbed (has already been read from), and cannot be used as a body.\"\n          \
                 : \"This ReadableStream is currently locked to a reader.\",\n      );\n",
    ),
    patch(
        HEADERS,
        "    throw new TypeError(\"Cannot change header: headers are immutable\");\n",
        "    throw new TypeError(\"Can't modify immutable headers.\");\n",
    ),
    patch(
        HEADERS,
        "  delete(name) {\n    webidl.assertBranded(this, HeadersPrototype);\n    const prefix = \"Failed to execute 'delete' on 'Headers'\";\n    \
             webidl.requiredArguments(arguments.length, 1, prefix);\n    \
             name = webidl.converters[\"ByteString\"](name, prefix, \"Argument 1\");\n\n    \
             if (!checkHeaderNameForHttpTokenCodePoint(name)) {\n      throw new TypeError(`Invalid header name: \"${name}\"`);\n    }\n    \
             if (this[_guard] == \"immutable\") {\n      throw new TypeError(\"Cannot change headers: headers are immutable\");\n",
        "  delete(name) {\n    webidl.assertBranded(this, HeadersPrototype);\n    const prefix = \"Failed to execute 'delete' on 'Headers'\";\n    \
             webidl.requiredArguments(arguments.length, 1, prefix);\n    \
             name = webidl.converters[\"ByteString\"](name, prefix, \"Argument 1\");\n\n    \
             if (!checkHeaderNameForHttpTokenCodePoint(name)) {\n      throw new TypeError(`Invalid header name: \"${name}\"`);\n    }\n    \
             if (this[_guard] == \"immutable\") {\n      throw new TypeError(\"Can't modify immutable headers.\");\n",
    ),
    patch(
        HEADERS,
        "      throw new TypeError(\"Cannot change headers: headers are immutable\");\n",
        "      throw new TypeError(\"Can't modify immutable headers.\");\n",
    ),
    patch(
        REQUEST,
        "\"Input request's body is unusable\"",
        "\"Cannot reconstruct a Request with a used body.\"",
    ),
    patch(
        REQUEST,
        "\"Body is unusable\"",
        "\"Body has already been used. It can only be used once. Use tee() first if you need to read it twice.\"",
    ),
    patch(
        RESPONSE,
        "\"Body is unusable\"",
        "\"Body has already been used. It can only be used once. Use tee() first if you need to read it twice.\"",
    ),
    patch(
        RESPONSE,
        "      `The status provided (${init.status}) is not equal to 101 and outside the range [200, 599]`,\n",
        "      \"Responses may only be constructed with status codes in the range 200 to 599, inclusive.\",\n",
    ),
    patch(
        STREAMS,
        "function setUpReadableStreamBYOBReader(reader, stream) {\n  if (isReadableStreamLocked(stream)) {\n    \
             throw new TypeError(\"ReadableStream is locked\");\n",
        "function setUpReadableStreamBYOBReader(reader, stream) {\n  if (isReadableStreamLocked(stream)) {\n    \
             throw new TypeError(\"This ReadableStream is currently locked to a reader.\");\n",
    ),
    patch(
        STREAMS,
        "function setUpReadableStreamDefaultReader(reader, stream) {\n  if (isReadableStreamLocked(stream)) {\n    \
             throw new TypeError(\"ReadableStream is locked\");\n",
        "function setUpReadableStreamDefaultReader(reader, stream) {\n  if (isReadableStreamLocked(stream)) {\n    \
             throw new TypeError(\"This ReadableStream is currently locked to a reader.\");\n",
    ),
    patch(
        STREAMS,
        "\"The stream is already locked\"",
        "\"This WritableStream is currently locked to a writer.\"",
    ),
    patch(
        STREAMS,
        "\"Cannot cancel a locked ReadableStream.\"",
        "\"This ReadableStream is currently locked to a reader.\"",
    ),
    patch(
        STREAMS,
        "\"ReadableStream is already locked\"",
        "\"This ReadableStream is currently locked to a reader.\"",
    ),
    patch(
        STREAMS,
        "\"Target WritableStream is already locked\"",
        "\"This WritableStream is currently locked to a writer.\"",
    ),
    patch(
        STREAMS,
        "\"ReadableStream is already locked.\"",
        "\"This ReadableStream is currently locked to a reader.\"",
    ),
    patch(
        STREAMS,
        "\"destination WritableStream is already locked.\"",
        "\"This WritableStream is currently locked to a writer.\"",
    ),
    patch(
        STREAMS,
        "\"The writable stream is locked, therefore cannot be aborted.\"",
        "\"This WritableStream is currently locked to a writer.\"",
    ),
    patch(
        STREAMS,
        "\"The writable stream is locked, therefore cannot be closed.\"",
        "\"This WritableStream is currently locked to a writer.\"",
    ),
    patch(
        STREAMS,
        "\"The stream is closing or is closed.\"",
        "\"This WritableStream has been closed.\"",
    ),
    patch(
        STREAMS,
        "      new TypeError(\"Writable stream is closed or errored.\"),\n",
        "      new TypeError(\n        state === \"closed\" ? \"This WritableStream has been closed.\" : \"This WritableStream has failed.\",\n      ),\n",
    ),
];
