//! Objects of the platform as `util.inspect()` shows them, in workerd's form.

use crate::harness::{Project, json};

const AGENT: &str = r#"
import { inspect } from "node:util";
import { RpcStub } from "cloudflare:workers";
class Own extends Headers {}
const form = new FormData();
form.append("a", "b");
form.append("a", "c");
const made = [
  () => new Headers({ a: "b", c: "d" }), () => new Headers(), () => new Headers([["set-cookie", "a"], ["set-cookie", "b"]]), () => new Own({ a: "1" }), () => Object.assign(new Headers(), { z: 1 }),
  () => ({ deep: { er: { headers: new Headers() } } }), () => [new URLSearchParams("a=b")], () => form,
  () => new Response("x"), () => new Request("http://a/b"), () => new URL("http://u:p@a:8/b?c#d"), () => new Blob(["abc"], { type: "text/plain" }),
  () => new ReadableStream(), () => new FixedLengthStream(3).readable, () => new WritableStream(), () => new AbortController(), () => new Event("x").type, () => new TextDecoder(),
  () => new RpcStub(() => 1), () => Headers,
];
export default { fetch: () => Response.json(made.map((make) => inspect(make()))) };"#;

#[test]
fn objects_of_the_platform_are_shown() {
    let project = Project::new(&[("worker.js", AGENT)]);
    let server = project.serve(&["worker.js"]);
    let stream = |byob, length| {
        format!(
            "ReadableStream {{\n  locked: false,\n  [state]: 'readable',\n  [supportsBYOB]: {byob},\n  [length]: {length}\n}}"
        )
    };
    let shown = json(&server.get("/").body);
    let expected = [
        "Headers(2) { 'a' => 'b', 'c' => 'd', [immutable]: false }",
        "Headers(0) { [immutable]: false }",
        "Headers(2) {\n  'set-cookie' => 'a',\n  'set-cookie' => 'b',\n  [immutable]: false\n}",
        "Own(1) { 'a' => '1', [immutable]: false }",
        "Headers(0) { z: 1, [immutable]: false }",
        "{ deep: { er: { headers: [Headers] } } }",
        "[ URLSearchParams(1) { 'a' => 'b' } ]",
        "FormData(2) { 'a' => 'b', 'a' => 'c' }",
        "Response {\n  status: 200,\n  statusText: '',\n  headers: Headers(1) {\n    'content-type' => 'text/plain;charset=UTF-8',\n    [immutable]: false\n  },\n  \
         ok: true,\n  redirected: false,\n  url: '',\n  webSocket: null,\n  cf: undefined,\n  type: 'default',\n  body: ReadableStream {\n    locked: false,\n    \
         [state]: 'readable',\n    [supportsBYOB]: true,\n    [length]: 1n\n  },\n  bodyUsed: false\n}",
        "Request {\n  method: 'GET',\n  url: 'http://a/b',\n  headers: Headers(0) { [immutable]: false },\n  redirect: 'follow',\n  fetcher: null,\n  \
         signal: AbortSignal { aborted: false, reason: undefined, onabort: null },\n  cf: undefined,\n  integrity: '',\n  keepalive: false,\n  cache: undefined,\n  \
         body: null,\n  bodyUsed: false\n}",
        "URL {\n  origin: 'http://a:8',\n  href: 'http://u:p@a:8/b?c#d',\n  protocol: 'http:',\n  username: 'u',\n  password: 'p',\n  host: 'a:8',\n  hostname: 'a',\n  \
         port: '8',\n  pathname: '/b',\n  search: '?c',\n  hash: '#d',\n  searchParams: URLSearchParams(1) { 'c' => '' }\n}",
        "Blob { size: 3, type: 'text/plain' }",
        &stream(false, "undefined"),
        &stream(true, "3n"),
        "WritableStream {\n  locked: false,\n  [state]: 'writable',\n  [expectsBytes]: false\n}",
        "AbortController {\n  signal: AbortSignal { aborted: false, reason: undefined, onabort: null }\n}",
        "'x'",
        "TextDecoder { encoding: 'utf-8', fatal: false, ignoreBOM: false }",
        "RpcStub {}",
        "[class Headers]",
    ];
    for (place, expected) in expected.iter().enumerate() {
        assert_eq!(shown[place], *expected, "{place}: {}", server.log());
    }
}

/// A line that is to be formatted with what has no text is written all the same.
#[test]
fn nobody_fails_for_what_it_logs() {
    let server = super::serve(
        r#"
const bare = Object.create(null);
const failing = { toString() { throw new RangeError("mine"); }, kept: 1 };
export default { fetch() {
  for (const method of ["log", "debug", "info", "warn", "error"]) {
    console[method](`${method} %s at 100%`, bare);
    console[method](`${method} %d`, Object.create(null));
    console[method](`${method} %s`, failing);
  }
  return new Response("said");
} };
"#,
    );
    assert_eq!(server.get("/").body, "said");
    for line in ["log %s at 100% [Object: null prototype] {}", "error %s", "kept: 1"] {
        server.logged(line);
    }
}
