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
