//! Workers' words for what the standards leave without any: suites compare them.

use super::{Patch, patch};

const ABORT: &str = "ext:deno_web/03_abort_signal.js";
const BASE64: &str = "ext:deno_web/05_base64.js";
const BODY: &str = "ext:deno_fetch/22_body.js";
const REQUEST: &str = "ext:deno_fetch/23_request.js";
const RESPONSE: &str = "ext:deno_fetch/23_response.js";
const STREAMS: &str = "ext:deno_web/06_streams.js";
const URL: &str = "ext:deno_web/00_url.js";
const WEBIDL: &str = "ext:deno_webidl/00_webidl.js";

/// The comma is workerd's.
const CLONED: &str = "\"This ReadableStream is currently locked to a reader,\"";

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
        "new TypeError(\"Body already consumed\")",
        "new TypeError(\n      ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, this.streamOrStatic) &&\n        \
             !isReadableStreamDisturbed(this.streamOrStatic)\n        \
           ? \"This ReadableStream is currently locked to a reader.\"\n        \
           : \"Body has already been used. It can only be used once. Use tee() first if you need to read it twice.\",\n    )",
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
                 : \"This ReadableStream is locked to a reader, and cannot be used as a body.\",\n      );\n",
    ),
    patch(
        REQUEST,
        "\"Input request's body is unusable\"",
        "\"Cannot reconstruct a Request with a used body.\"",
    ),
    patch(REQUEST, "\"Body is unusable\"", CLONED),
    patch(RESPONSE, "\"Body is unusable\"", CLONED),
    patch(REQUEST, "\"Method is not valid\"", "`Invalid HTTP method string: ${m}`"),
    patch(REQUEST, "\"Method is forbidden\"", "`Invalid HTTP method string: ${m}`"),
    patch(
        REQUEST,
        "      const parsedURL = new URL(input, baseURL);\n",
        "      let parsedURL;\n      try {\n        parsedURL = new URL(input, baseURL);\n      } catch {\n        \
                 throw new TypeError(`Invalid URL: ${input}`);\n      }\n",
    ),
    patch(
        REQUEST,
        "\"Request with GET/HEAD method cannot have body\"",
        "\"Request with a GET or HEAD method cannot have a body.\"",
    ),
    patch(
        RESPONSE,
        "      `Invalid status text: \"${init.statusText}\"`,\n",
        "      \"Invalid statusText\",\n",
    ),
    patch(
        RESPONSE,
        "    const parsedURL = new URL(url, baseURL);\n    if (!redirectStatus(status)) {\n      \
             throw new RangeError(`Invalid redirect status code: ${status}`);\n",
        "    let parsedURL;\n    try {\n      parsedURL = new URL(url, baseURL);\n    } catch {\n      \
             throw new TypeError(`Unable to parse URL: ${url}`);\n    }\n    if (!redirectStatus(status)) {\n      \
             throw new RangeError(`${status} is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`);\n",
    ),
    patch(
        BODY,
        "\"Body can not be decoded as form data\"",
        "\"Unrecognized Content-Type header value. FormData can only parse the following MIME types: \" +\n            \
             \"multipart/form-data, application/x-www-form-urlencoded\"",
    ),
    patch(
        BODY,
        "\"Missing content type\"",
        "\"Parsing a Body as FormData requires a Content-Type header.\"",
    ),
    patch(
        BODY,
        "\"Cannot turn into form data: missing boundary parameter in mime type of multipart form data\"",
        "\"No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, e.g. \" +\n                \
             \"'Content-Type: multipart/form-data; boundary=\\\"abcd\\\"'. See RFC 7578, section 4.\"",
    ),
    patch(
        URL,
        "      `Invalid URL: '${href}'` +\n        (maybeBase ? ` with base '${maybeBase}'` : \"\"),\n",
        "      \"Invalid URL string.\",\n",
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
    patch(
        BASE64,
        "    return op_base64_atob(data);\n  } catch (e) {\n    if (ObjectPrototypeIsPrototypeOf(TypeErrorPrototype, e)) {\n",
        "    return op_base64_atob(data);\n  } catch (e) {\n    \
             if (ObjectPrototypeIsPrototypeOf(TypeErrorPrototype, e) || e.name === \"InvalidCharacterError\") {\n",
    ),
    patch(
        BASE64,
        "\"Failed to decode base64: invalid character\"",
        "\"atob() called with invalid base64-encoded data. (Only whitespace, '+', '/', alphanumeric ASCII, and up to two terminal '=' \" +\n          \
             \"signs when the input data length is divisible by 4 are allowed.)\"",
    ),
    patch(
        BASE64,
        "\"Cannot encode string: string contains characters outside of the Latin1 range\"",
        "\"btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.\"",
    ),
    patch(
        WEBIDL,
        "      ? \"Illegal invocation\"\n",
        "      ? \"Illegal invocation: function called with incorrect `this` reference. See \" +\n        \
             \"https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.\"\n",
    ),
];
