//! What is written of a failure until somebody says it better: kinds that many have.

/// `(how the name of a run begins, what the failure says or is called, the reason)`; empty texts fit all.
const KINDS: &[(&str, &str, &str)] = &[
    (
        "",
        "Code generation from strings",
        "makes code from strings, which workers may not",
    ),
    (
        "",
        "SharedArrayBuffer",
        "wants SharedArrayBuffer, which workers have not",
    ),
    ("", "sabConstructor", "wants SharedArrayBuffer, which workers have not"),
    ("", "share no memory", "wants SharedArrayBuffer, which workers have not"),
    ("", "document is not defined", "needs a DOM"),
    ("", "window is not defined", "needs a DOM"),
    ("", "Worker is not defined", "starts workers, which workers may not"),
    ("", "XMLHttpRequest", "wants XMLHttpRequest, which Workers have not"),
    ("", "FileReader", "wants FileReader, which Workers have not"),
    ("", "VideoFrame", "wants VideoFrame, which Workers have not"),
    ("", "createObjectURL", "wants blob: URLs, which Workers have not"),
    ("", "no outbound worker", "needs the server of web-platform-tests"),
    (
        "fetch/",
        "no-cors",
        "a worker has no origin: nothing is opaque to it, and modes of CORS change nothing",
    ),
    (
        "fetch/",
        "opaque",
        "a worker has no origin: nothing is opaque to it, and modes of CORS change nothing",
    ),
    (
        "fetch/",
        "same-origin mode",
        "a worker has no origin: nothing is opaque to it, and modes of CORS change nothing",
    ),
    (
        "fetch/api/redirect/redirect-back",
        "",
        "a worker has no origin: nothing is opaque to it, and modes of CORS change nothing",
    ),
    (
        "fetch/api/redirect/",
        "manual",
        "a worker that asks for `redirect: \"manual\"` is given the redirect, as on Workers",
    ),
    (
        "fetch/api/request/request-headers",
        "",
        "as on Workers, no header is forbidden",
    ),
    (
        "fetch/api/basic/request-forbidden-headers",
        "",
        "as on Workers, no header is forbidden",
    ),
    (
        "fetch/api/basic/request-private-network-headers",
        "",
        "as on Workers, no header is forbidden",
    ),
    (
        "fetch/api/headers/header-setcookie",
        "forbidden",
        "as on Workers, no header is forbidden",
    ),
    (
        "fetch/api/basic/request-headers.any",
        "user-agent",
        "nothing is added to a request that neither the worker nor its policy wrote",
    ),
    (
        "fetch/api/basic/request-headers.any",
        "Origin",
        "nothing is added to a request that neither the worker nor its policy wrote",
    ),
    (
        "fetch/api/basic/accept-header",
        "",
        "nothing is added to a request that neither the worker nor its policy wrote",
    ),
    (
        "fetch/range/general",
        "Accept-Encoding",
        "nothing is added to a request that neither the worker nor its policy wrote",
    ),
    (
        "fetch/range/general",
        "Cross Origin",
        "a worker has no origin: nothing is opaque to it, and modes of CORS change nothing",
    ),
    (
        "fetch/api/headers/header-values",
        "invalid header value",
        "HTTP has no control characters in values: RFC 9110, 5.5",
    ),
    (
        "fetch/api/basic/request-headers-case",
        "",
        "names of headers are lower-cased, as in HTTP/2",
    ),
    (
        "fetch/api/basic/header-value-combining",
        "",
        "the server ends heads without the empty line",
    ),
    (
        "fetch/api/basic/response-null-body",
        "",
        "the server sends bodies where there are none, and the connection can not be used again",
    ),
    (
        "fetch/api/basic/error-after-response",
        "",
        "a body is read when somebody reads: how it ended is told to who does",
    ),
    (
        "fetch/api/basic/historical",
        "",
        "Workers have Headers.getAll() for Set-Cookie",
    ),
    (
        "fetch/api/basic/conditional-get",
        "",
        "fetch has no HTTP cache behind it",
    ),
    (
        "fetch/api/basic/request-upload",
        "421",
        "what was answered is not sent again",
    ),
    (
        "fetch/api/basic/request-upload",
        "Http/1.1",
        "as on Workers, bodies are streams with HTTP/1.1 too",
    ),
    (
        "fetch/api/abort/cache",
        "",
        "as on Workers, caches are made at the first use, and there are no keys() and delete() of them",
    ),
    (
        "fetch/api/request/request-init-stream",
        "omit .duplex",
        "as on Workers, a stream needs no `duplex`",
    ),
    (
        "fetch/api/request/request-disturbed",
        "",
        "the test is of an older text of the Fetch standard: a body that another takes the place of is not used",
    ),
    (
        "fetch/api/request/request-error",
        "credentials",
        "as on Workers, a URL may have a name and a password",
    ),
    ("fetch/", "Blob body (set type)", "the type is parsed as a MIME type"),
    (
        "fetch/",
        "empty FormData",
        "the encoding of an empty form has its last delimiter",
    ),
    ("fetch/api/response/response-blob-realm", "", "needs a DOM"),
    ("fetch/content-encoding/zstd", "", "as on Workers, zstd is not decoded"),
    ("fetch/content-length", "", "equal lines of Content-Length are one"),
    (
        "fetch/security/1xx",
        "101",
        "a switch of protocols that nobody asked for is no answer",
    ),
    (
        "urlpattern/urlpattern-compare",
        "",
        "tests a proposal: URLPattern.compareComponent()",
    ),
    (
        "mimesniff/mime-types/parsing",
        "(Blob/File)",
        "the File API has a blob's type in small letters and else as it is given",
    ),
    (
        "mimesniff/mime-types/parsing",
        "Request/Response",
        "the standard parts the value at its comma",
    ),
    (
        "eventsource/request-cache-control",
        "",
        "nothing is added to a request that neither the worker nor its policy wrote: the server wants Origin",
    ),
    ("websockets/mixed-content", "", "a worker has no origin"),
    (
        "websockets/referrer",
        "",
        "nothing is added to a request that neither the worker nor its policy wrote: the server wants Origin",
    ),
    (
        "webmessaging/MessageEvent-trusted",
        "BroadcastChannel",
        "wants BroadcastChannel, which Workers have not",
    ),
    (
        "html/webappapis/scripting/reporterror",
        "",
        "needs to know where its script is, which is a file here",
    ),
    ("html/webappapis/system-state", "", "navigator is as Workers have it"),
    (
        "dom/events/Event-constructors",
        "",
        "the clock of an event begins at 0 and stands still",
    ),
    (
        "",
        "property \"fetch\"",
        "attributes of the global scope are its own, not its prototype's",
    ),
    (
        "FileAPI/blob/Blob-slice",
        "",
        "a type that is no MIME type is none here: tests/platform/fetching.rs",
    ),
    ("FileAPI", "FileList", "wants FileList, which Workers have not"),
    (
        "html/webappapis/timers/evil",
        "",
        "makes code from strings, which workers may not",
    ),
    (
        "",
        "property \"performance\"",
        "attributes of the global scope are its own, not its prototype's",
    ),
    (
        "webidl/ecmascript-binding/global-object-implicit",
        "",
        "attributes of the global scope are its own, not its prototype's",
    ),
    (
        "webidl/ecmascript-binding/global-immutable",
        "",
        "V8's own: the prototype of the global object can be set",
    ),
    ("webmessaging/message-channels/user-activation", "", "needs a user"),
    (
        "webmessaging/message-channels/close-event/garbage",
        "",
        "a port that is collected tells nobody",
    ),
    (
        "html/webappapis/timers/type-long",
        "",
        "as on Workers, a delay beyond 31 bits is long, and no remainder of one",
    ),
    (
        "dom/events/Event-isTrusted",
        "",
        "isTrusted is an accessor of the prototype: one for each event would cost every event",
    ),
    (
        "websockets/basic-auth",
        "",
        "a name and a password of a URL are not sent",
    ),
    (
        "performance-timeline/droppedentriescount",
        "",
        "wants resource timing, which Workers have not",
    ),
    (
        "performance-timeline/po-entries-sort",
        "",
        "clocks stand still while a script computes",
    ),
    (
        "wasm/jsapi",
        "Suspending",
        "wants promises in WebAssembly's interface, whose stacks no limit counts",
    ),
    (
        "wasm/jsapi",
        "promising",
        "wants promises in WebAssembly's interface, whose stacks no limit counts",
    ),
    (
        "url/",
        "N--pok",
        "the test is of an older text of the URL standard: which labels are valid",
    ),
    (
        "fetch/api/headers/headers-",
        "nvalid",
        "as on Workers, values of headers are UTF-8",
    ),
    (
        "fetch/api/headers/headers-errors",
        "bad header value",
        "as on Workers, values of headers are UTF-8",
    ),
    (
        "fetch/api/request/request-error",
        "only-if-cached",
        "as on Workers, `cache` is no-store or no-cache",
    ),
    (
        "fetch/api/request/request-structure",
        "cache attribute",
        "as on Workers, `cache` is no-store or no-cache",
    ),
    (
        "fetch/api/basic/request-upload",
        "ReadableStream containing",
        "as on Workers, streams of bodies take strings and buffers",
    ),
    (
        "webmessaging/broadcastchannel",
        "",
        "wants BroadcastChannel, which Workers have not",
    ),
    (
        "streams/readable-streams/owning-type",
        "",
        "tests a proposal: streams of type \"owning\"",
    ),
    (
        "streams/readable-streams/from",
        "accepts a string",
        "the test is of an older text of Web IDL: a string is no async sequence",
    ),
    (
        "url/",
        "^_",
        "the test is of an older text of the URL standard: what is encoded in paths",
    ),
    (
        "url/",
        "space",
        "the test is of an older text of the URL standard: the last space of an opaque path is encoded",
    ),
    (
        "url/",
        "xn--",
        "the test is of an older text of the URL standard: which labels are valid",
    ),
    (
        "url/url-setters",
        "default encode set",
        "the test is of an older text of the URL standard: what is encoded in paths",
    ),
    (
        "WebCryptoAPI/historical",
        "",
        "a worker is a secure context, like a service worker, which the test leaves out",
    ),
    (
        "WebCryptoAPI/getRandomValues",
        "quotaexceedederror",
        "QuotaExceededError is a DOMException by its name, as in Workers and Node",
    ),
    (
        "performance-timeline/webtiming-resolution",
        "",
        "clocks stand still while a script computes",
    ),
    (
        "performance-timeline/case-sensitivity",
        "",
        "wants resource timing, which Workers have not",
    ),
    (
        "FileAPI/blob/Blob-constructor",
        "Blob with type",
        "the type is parsed as a MIME type",
    ),
    (
        "FileAPI/file/File-constructor",
        "Using type",
        "the type is parsed as a MIME type",
    ),
    (
        "wasm/jsapi",
        "WebAssembly.Function",
        "wants the proposal of types in JavaScript, which V8 has not on",
    ),
    (
        "wasm/jsapi",
        "type.tentative",
        "wants the proposal of types in JavaScript, which V8 has not on",
    ),
    (
        "wasm/jsapi",
        "constructor-types",
        "wants the proposal of types in JavaScript, which V8 has not on",
    ),
    ("wasm/webapi", "indexedDB", "needs a browser's storage"),
    (
        "wasm/webapi",
        "Opaque response",
        "needs the server of web-platform-tests",
    ),
    (
        "WebCryptoAPI",
        "448",
        "wants Ed448 in Web Cryptography, which Workers have not",
    ),
];

/// Reasons that were written by a kind: what the failure says now takes their place.
pub fn is_of_a_kind(reason: &str) -> bool {
    reason.starts_with("differs: ") || KINDS.iter().any(|(_, _, of)| *of == reason)
}

pub fn reason(run: &str, name: &str, said: &str) -> String {
    for (begins, says, reason) in KINDS {
        if run.starts_with(begins) && (said.contains(says) || name.contains(says) || run.contains(says)) {
            return (*reason).to_owned();
        }
    }
    let line = said.lines().next().unwrap_or_default();
    let short: String = line.chars().take(110).collect();
    format!("differs: {}", short.trim())
}
