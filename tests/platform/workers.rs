//! What workerd's own tests look for beside the standards: its words, and what it makes of bodies, timers and strings.

use super::{check, serve};
use crate::harness::{Project, json};

#[test]
fn a_body_without_bytes_is_none_where_a_status_has_none() {
    check(
        "const made = (body, status) => { const { body: stream, headers } = new Response(body, { status }); return `${stream} ${headers.get('content-type')}`; };",
        r#"
...[204, 205, 304].flatMap((status) => ["", new ArrayBuffer(0), new Uint8Array(0), new Blob([]), new URLSearchParams()].map((body) => ["null null", () => made(body, status)])),
...["x", bytes(1), new Blob(["x"]), new ReadableStream()].map((body) => ["TypeError TypeError", () => made(body, 204)]),
["[object ReadableStream] text/plain;charset=UTF-8", () => made("", 200)],
["text/plain", () => new Response("", { status: 204, headers: { "content-type": "text/plain" } }).headers.get("content-type")],
["TypeError TypeError", () => Response.json("", { status: 204 })],
"#,
    );
}

#[test]
fn errors_say_what_workers_say() {
    check(
        r#"
const said = async (run) => { try { await run(); } catch (error) { return error.message; } return "nothing"; };
const USED = "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.";
const READER = "This ReadableStream is currently locked to a reader.";
const WRITER = "This WritableStream is currently locked to a writer.";
const IMMUTABLE = "Can't modify immutable headers.";
const used = async () => { const response = new Response("a"); await response.text(); return response; };
const locked = (stream) => { stream.getReader?.() ?? stream.getWriter(); return stream; };
const closed = async () => { const writer = new WritableStream().getWriter(); await writer.close(); return writer; };
const written = async (stream, chunk) => { const read = new Response(stream.readable).arrayBuffer().catch(() => {}); const writer = stream.writable.getWriter(); await writer.write(chunk); await writer.close(); await read; };
const importEc = (jwk) => crypto.subtle.importKey("jwk", { kty: "EC", crv: "P-256", ...jwk }, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
const generate = (publicExponent, name = "RSASSA-PKCS1-v1_5") => crypto.subtle.generateKey({ name, modulusLength: 1024, publicExponent, hash: "SHA-256" }, true, ["sign", "verify"]);
"#,
        r#"
["Cannot enqueue a zero-length ArrayBuffer.", () => said(() => new ReadableStream({ type: "bytes", start(c) { c.enqueue(bytes()); } }))],
...[["digest", "SHA-1", 5], ["encrypt", "AES-GCM", {}, bytes(1)], ["exportKey", "raw", {}], ["wrapKey", "raw", null, null, "AES-KW"], ["deriveBits", "HKDF", 1, 8]].map(([name, ...args]) =>
  [`Failed to execute '${name}' on 'SubtleCrypto': parameter 2 is not of type '${name === "digest" ? "BufferSource" : "CryptoKey"}'.`, () => said(() => crypto.subtle[name](...args))]),
["Unsupported import attribute: \"a\", the only one is \"type\"", () => { const options = { with: { a: "b" } }; return said(() => import("./agent.js", options)); }],
["nothing", () => said(() => new Request("http://a.test/", { cf: { cacheControl: "no-store", cacheTtl: undefined } }))],
["true", () => said(() => new Request("http://a.test/", { cf: { cacheControl: "no-store", cacheTtl: 5 } })).then((words) => words.includes("mutually exclusive"))],
["true", () => said(() => new Request("http://a.test/", { cache: "no-store", cf: { cacheControl: "no-store" } })).then((words) => words.includes("cannot be used together with the 'cache' request option"))],
...["text", "json", "bytes", "blob", "arrayBuffer", "formData"].map((name) => [USED, () => said(async () => (await used())[name]())]),
["This ReadableStream is currently locked to a reader,", () => said(async () => (await used()).clone())],
["Cannot reconstruct a Request with a used body.", () => said(async () => { const request = new Request("http://a.test/", { method: "POST", body: "a" }); await request.text(); await fetch(request); })],
["Cannot reconstruct a Request with a used body.", () => said(async () => { const request = new Request("http://a.test/", { method: "POST", body: "a" }); await request.text(); new Request(request); })],
["This ReadableStream is disturbed (has already been read from), and cannot be used as a body.", () => said(async () => new Response((await used()).body))],
["This ReadableStream is locked to a reader, and cannot be used as a body.", () => said(() => new Response(locked(new ReadableStream())))],
...["append", "set", "delete"].map((name) => [IMMUTABLE, () => said(() => Response.redirect("http://a.test/").headers[name]("a", "b"))]),
...[["getReader"], ["getReader", { mode: "byob" }], ["tee"], ["cancel"], ["pipeTo", new WritableStream()], ["pipeThrough", new TransformStream()]].map(([name, ...args]) =>
  [READER, () => said(() => locked(new ReadableStream({ type: "bytes" }))[name](...args))]),
...["getWriter", "abort", "close"].map((name) => [WRITER, () => said(() => locked(new WritableStream())[name]())]),
[WRITER, () => said(() => new ReadableStream().pipeTo(locked(new WritableStream())))],
["This WritableStream has been closed.", () => said(async () => (await closed()).write("a"))],
["Decompression failed.", () => said(() => written(new DecompressionStream("gzip"), new Uint8Array(30).fill(1)))],
["Called close() on a decompression stream with incomplete data", () => said(() => written(new DecompressionStream("gzip"), bytes(31, 139)))],
["Responses may only be constructed with status codes in the range 200 to 599, inclusive.", () => said(() => new Response(null, { status: 0 }))],
["Response with null body status (101, 204, 205, or 304) cannot have a body.", () => said(() => new Response("a", { status: 204 }))],
["Failed to execute 'queueMicrotask' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.", () => said(() => queueMicrotask(1))],
["ran", () => new Promise((resolve) => queueMicrotask(() => resolve("ran")))],
['The "publicExponent" must be either 3 or 65537, but got 1.', () => said(() => generate(bytes(1)))],
['The "publicExponent" must be either 3 or 65537, but got 65539.', () => said(() => generate(bytes(0, 1, 0, 3), "RSA-PSS"))],
['Invalid EC key in JSON Web Key: missing "x".', () => said(() => importEc({ y: "AA" }))],
['Invalid EC key in JSON Web Key: missing "y".', () => said(() => importEc({ x: "AA" }))],
["The operation was aborted AbortError", () => { const { reason } = AbortSignal.abort(); return `${reason.message} ${reason.name}`; }],
["Parser error: Unknown character encoding has been provided.", () => said(() => new HTMLRewriter().transform(new Response("a", { headers: { "content-type": "text/html; charset=none" } })))],
"#,
    );
}

#[test]
fn text_is_written_to_streams_of_bytes() {
    check(
        r#"
const through = async (stream, ...chunks) => {
  const read = new Response(stream.readable).text();
  read.catch(() => {});
  const writer = stream.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  return await read;
};
const ofStrings = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(chunk); c.close(); } });
const said = async (run) => { try { return await run(); } catch (error) { return error.message; } };
const BYTES = "This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.";
const pieces = async (stream, ...chunks) => {
  const reader = stream.readable.getReader();
  const writer = stream.writable.getWriter();
  const writing = (async () => { for (const chunk of chunks) await writer.write(chunk); await writer.close(); })();
  const lengths = [];
  for (;;) { const { value, done } = await reader.read(); if (done) break; lengths.push(value.length); }
  await writing;
  return lengths;
};
"#,
        r#"
["h\u00e9\u{1f600}!", () => through(new IdentityTransformStream(), "h\u00e9", "\u{1f600}", utf8("!"))],
["h\u00e9!", () => through(new FixedLengthStream(4), "h\u00e9", "!")],
["TypeError TypeError", () => through(new FixedLengthStream(2), "h\u00e9")],
["\ufffd", () => through(new IdentityTransformStream({ highWaterMark: 10 }), "\ud800")],
["ab", () => new Response(ofStrings("a", "b").pipeThrough(new IdentityTransformStream())).text()],
["ab", () => new Response(ofStrings("a", "b").pipeThrough(new CompressionStream("gzip")).pipeThrough(new DecompressionStream("gzip"))).text()],
...[1, null, undefined, {}, [65], true, 1n].flatMap((chunk) => [() => new IdentityTransformStream(), () => new FixedLengthStream(1), () => new CompressionStream("gzip"), () => new DecompressionStream("gzip")]
  .map((make) => [BYTES, () => said(() => through(make(), chunk))])),
// A header comes with the data behind it.
["true", async () => { const lengths = await pieces(new CompressionStream("gzip"), utf8("hello")); return lengths.length === 1 && lengths[0] > 18; }],
["1", async () => (await pieces(new CompressionStream("deflate"), "hello")).length],
["1", async () => (await pieces(new CompressionStream("gzip"))).length],
"#,
    );
}

#[test]
fn delays_that_are_too_long_are_long() {
    check(
        r"
const passes = async (start) => { let ran = false; start(() => { ran = true; }); await scheduler.wait(30); return ran; };
",
        r#"
...[2 ** 31, 2 ** 32, 2 ** 32 + 1, 1e15, Infinity].flatMap((delay) => [
  ["false", () => passes((run) => setTimeout(run, delay))],
  ["false", () => passes((run) => setInterval(run, delay))],
  ["false", () => passes((run) => { scheduler.wait(delay).then(run); })],
]),
...[2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1].map((delay) => ["false", () => passes((run) => { AbortSignal.timeout(delay).onabort = run; })]),
...[0, -1, NaN, undefined, "5", -Infinity].map((delay) => ["true", () => passes((run) => setTimeout(run, delay))]),
"#,
    );
}

#[test]
fn cf_of_ones_own_is_kept() {
    check(
        "const url = 'http://a.test/'; const given = { image: { width: 1 }, list: [1] };",
        r#"
['{"image":{"width":1},"list":[1]}', () => new Request(url, { cf: given }).cf],
['{"image":{"width":1},"list":[1]}', () => new Response("", { cf: given }).cf],
['{"image":{"width":1},"list":[1]}', () => new Request(new Request(url, { cf: given })).cf],
['{"image":{"width":1},"list":[1]}', () => new Request(url, { cf: given }).clone().cf],
['{"image":{"width":1},"list":[1]}', () => new Response("", { cf: given }).clone().cf],
['{"image":{"width":1},"list":[1]}', () => new Response("", new Response("", { cf: given })).cf],
['{"other":2}', () => new Request(new Request(url, { cf: given }), { cf: { other: 2 } }).cf],
["undefined", () => new Request(url).cf],
["undefined", () => new Response("", { cf: null }).cf],
["false true", () => { const request = new Request(url, { cf: given }); return `${request.cf === given} ${request.cf === request.cf}`; }],
["1 2", () => { const request = new Request(url, { cf: given }); const copy = request.clone(); copy.cf.image.width = 2; return `${request.cf.image.width} ${copy.cf.image.width}`; }],
["DOMException DataCloneError 25", () => new Request(url, { cf: { f() {} } })],
["POST a", async () => { const request = new Request(url, { cf: given, method: "POST", body: "a" }); return `${request.method} ${await request.text()}`; }],
"#,
    );
}

#[test]
fn forms_want_names() {
    check(
        r#"
const parse = (header) => new Response(`--b\r\n${header}\r\n\r\nv\r\n--b--\r\n`, { headers: { "content-type": "multipart/form-data; boundary=b" } }).formData();
"#,
        r#"
["v", async () => (await parse('Content-Disposition: form-data; name="a"')).get("a")],
["TypeError TypeError", () => parse("X-A: b")],
["TypeError TypeError", () => parse('Content-Disposition: attachment; name="a"')],
["TypeError TypeError", () => parse("Content-Disposition: form-data")],
["TypeError TypeError", () => parse('Content-Disposition: form-data; filename="a"')],
"#,
    );
}

#[test]
fn documents_are_rewritten_before_they_are_read() {
    check(
        r#"
const write = async (stream, rewriter, pieces) => {
  const response = rewriter.transform(new Response(stream.readable));
  const writer = stream.writable.getWriter();
  for (const piece of pieces) await writer.write(utf8(piece));
  await writer.close();
  return await response.text();
};
const seen = (handlers) => new HTMLRewriter().on("*", handlers);
"#,
        r#"
["<p>foo bar</p>", () => write(new TransformStream(), seen({ element(e) { e.prepend("foo "); } }), ["<p>", "bar", "</p>"])],
["<p>foo bar</p>", () => write(new IdentityTransformStream(), seen({ element(e) { e.prepend("foo "); } }), ["<p>", "bar", "</p>"])],
// What nobody reads is not taken in without end.
["waits", async () => { const { readable, writable } = new IdentityTransformStream(); const response = new HTMLRewriter().transform(new Response(readable)); const writer = writable.getWriter();
  for (let i = 0; i < 100; i++) if (await Promise.race([writer.write(new Uint8Array(16384).fill(97)).then(() => true), scheduler.wait(100)]) !== true) return i < 20 ? "waits" : `after ${i}`; return response ? "takes all" : ""; }],
["boom", async () => { const response = seen({ element() { throw new Error("boom"); } }).transform(new Response("<p>")); await scheduler.wait(10); return response.text().catch((error) => error.message); }],
["This content token is no longer valid. Content tokens are only valid during the execution of the relevant content handler.", async () => {
  let kept; await seen({ element(e) { kept = e.attributes; } }).transform(new Response("<p a=b>")).text(); try { return kept.next(); } catch (error) { return error.message; } }],
['[["a","b"],["c",""]] true', async () => { let told; await seen({ element(e) { const all = e.attributes; told = `${JSON.stringify([...all])} ${all.next().done}`; } }).transform(new Response("<p a=b c>")).text(); return told; }],
"#,
    );
}

const IMPORTS: &str = r#"
import { abortIsolate, cache, env, exports, tracing, withEnv, withEnvAndExports, withExports } from "cloudflare:workers";
const said = async (run) => { try { return await run(); } catch (error) { return error.message; } };
const later = async () => { await scheduler.wait(1); return env.NAME; };
env.NAME = "own";
const top = withEnv({ NAME: "top" }, () => env.NAME);
export default { async fetch(request, own) {
  return Response.json([
    env.NAME, top, withEnv({ NAME: "other" }, () => env.NAME), env.NAME,
    await withEnv({ NAME: "other" }, later), await Promise.all([withEnv({ NAME: "a" }, later), later(), withEnv({ NAME: "b" }, later)]),
    withEnv({ NAME: "outer" }, () => withEnv({ NAME: "inner" }, () => env.NAME) + env.NAME),
    withExports({ A: 1 }, () => [exports.A, env.NAME]), withEnvAndExports({ NAME: 2 }, { A: 3 }, () => [env.NAME, exports.A]),
    own.NAME, await said(() => withEnv(1, () => 0)), withEnv(1, () => env.NAME), withEnv(null, () => `${env.NAME}`), withExports(undefined, () => Object.keys(exports).length), await said(() => withEnv({})), await said(() => withEnv({}, () => { throw new Error("thrown"); })), env.NAME,
    tracing.enterSpan("a", (span, n) => [span.isTraced, n], 1), await said(abortIsolate), await said(() => cache.purge({})),
    await said(() => new ExtendableEvent("a")), ExtendableEvent.prototype instanceof Event,
  ]);
} };
"#;

#[test]
fn functions_run_with_another_env() {
    let project = Project::new(&[("worker.js", IMPORTS)]);
    let server = project.serve(&["worker.js"]);
    assert_eq!(
        json(&server.get("/").body),
        serde_json::json!([
            "own",
            "top",
            "other",
            "own",
            "other",
            ["a", "own", "b"],
            "innerouter",
            [1, "own"],
            [2, 3],
            "own",
            0,
            "own",
            "undefined",
            0,
            "withEnv() takes a function to run",
            "thrown",
            "own",
            [false, 1],
            "abortIsolate() is not supported by workerd-lite",
            "cache.purge() is not supported by workerd-lite",
            "Illegal constructor",
            true
        ]),
        "{}",
        server.log()
    );
}

/// The policy sees how long a body is, whatever the agent says.
#[test]
fn policies_are_told_the_length_of_a_body() {
    let agent = r#"
const bytes = new TextEncoder().encode("four");
const fixed = () => { const { readable, writable } = new FixedLengthStream(4); const writer = writable.getWriter(); writer.write(bytes).catch(() => {}); writer.close().catch(() => {}); return readable; };
const form = new FormData(); form.set("a", "b");
const send = async (body, headers) => { const told = await (await fetch("http://up.test/", { method: "POST", body, headers })).json(); return told; };
export default { async fetch() {
  const formed = await send(form);
  const short = () => { const { readable, writable } = new FixedLengthStream(9); const writer = writable.getWriter(); writer.write(bytes).catch(() => {}); writer.close().catch(() => {}); return readable; };
  return Response.json([
    ...await Promise.all(["four", "\u00e9\u00e9", bytes, bytes.buffer, new Blob([bytes]), new URLSearchParams("a=bc"), fixed()].map((body) => send(body))),
    formed[0] === `${formed[1]}` && formed[1] > 50, await send(new Blob([bytes]).stream().pipeThrough(new TransformStream())), await send(""), await send(null),
    await send("four", { "content-length": "99" }), await send(null, { "content-length": "5" }), await send(new Response("ab").body.pipeThrough(new TransformStream()), { "content-length": "1" }),
    await (await fetch("http://up.test/", { headers: { "content-length": "7" } })).json(),
    await send(short()).catch((error) => error.constructor.name),
  ]);
} };"#;
    let project = Project::new(&[
        ("agent.js", agent),
        (
            "policy.js",
            r#"export default { async fetch(request) { const told = request.headers.get("content-length"); return Response.json([told, (await request.arrayBuffer()).byteLength]); } };"#,
        ),
        (
            "workerd-lite.toml",
            "threads = 1\nmain = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
        ),
    ]);
    let server = project.serve(&[]);
    let told = json(&server.get("/").body);
    let four = serde_json::json!(["4", 4]);
    let unknown = |read: u32| serde_json::json!([null, read]);
    for known in 0..7 {
        assert_eq!(told[known], four, "{known}: {told} {}", server.log());
    }
    assert_eq!(told[7], true, "{told}");
    assert_eq!(told[8], unknown(4), "{told}");
    assert_eq!(told[9], serde_json::json!(["0", 0]), "{told}");
    assert_eq!(told[10], unknown(0), "{told}");
    assert_eq!(told[11], four, "{told}");
    assert_eq!(told[12], unknown(0), "{told}");
    assert_eq!(told[13], unknown(2), "{told}");
    assert_eq!(told[14], unknown(0), "{told}");
    assert!(told[15] == "TypeError" || told[15] == "SyntaxError", "{told}");
}

/// A tail worker is told what the console was called with.
#[test]
fn tails_have_the_consoles_arguments() {
    let agent = r#"
class Own { constructor() { this.n = 1; } toString() { return "an Own"; } }
export default { fetch() {
  const ring = { name: "ring" }; ring.self = ring;
  console.log({ level: "info", n: 1 });
  console.warn("at %s", 5, true, null, undefined, [1, [2, { a: "b" }]], NaN);
  console.error(new Error("failed"), new Own(), new Map([[1, 2]]), Symbol("s"), 10n, new Date(0));
  console.debug({ f() {}, u: undefined, nested: { own: new Own() } });
  console.log(ring);
  console.log({ get thrown() { throw new Error("by a getter"); } });
  console.log("x".repeat(5e4));
  console.log(Array.from({ length: 5000 }, (_, i) => i));
  console.table([1]);
  for (let n = 0; n < 3e7; n++) Math.sqrt(n);
  return new Response("ok");
} };"#;
    let tail = r"
let told;
export default {
  tail([item]) { told = item; },
  async fetch() { for (let i = 0; i < 200 && told === undefined; i++) await scheduler.wait(10); return Response.json({ logs: told.logs.map(({ level, message }) => [level, message]), wallTime: typeof told.wallTime, cpuTime: told.cpuTime, truncated: told.truncated }); },
};";
    let project = Project::new(&[
        ("agent.js", agent),
        ("tail.js", tail),
        ("policy.js", "export default { fetch: () => new Response('') };"),
        (
            "workerd-lite.toml",
            "threads = 1\n[limits]\ncpu_ms = 10000\n[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'one'\ntenant = 'acme'\nmain = 'agent.js'\nmatch = ['/one']\ntails = [{ service = 'tail' }]\n\
             [[agents]]\nname = 'tail'\ntenant = 'acme'\nmain = 'tail.js'\nmatch = ['/tail']\n",
        ),
    ]);
    let server = project.serve(&[]);
    assert_eq!(server.get("/one").body, "ok", "{}", server.log());
    let told = json(&server.get("/tail").body);
    let logs = &told["logs"];
    assert_eq!(told["wallTime"], "number");
    assert!(told["cpuTime"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(
        logs[0],
        serde_json::json!(["log", [{ "level": "info", "n": 1 }]]),
        "{told}"
    );
    assert_eq!(
        logs[1],
        serde_json::json!(["warn", ["at %s", 5, true, null, null, [1, [2, { "a": "b" }]], null]])
    );
    assert_eq!(
        logs[2],
        serde_json::json!([
            "error",
            [
                "Error: failed",
                "an Own",
                "[object Map]",
                "Symbol(s)",
                "10",
                "1970-01-01T00:00:00.000Z"
            ]
        ])
    );
    assert_eq!(
        logs[3],
        serde_json::json!(["debug", [{ "nested": { "own": { "n": 1 } } }]])
    );
    assert_eq!(
        logs[4][1],
        serde_json::json!([{ "name": "ring", "self": "[Circular]" }])
    );
    assert!(logs[5][1][0].is_string(), "{told}");
    let long = logs[6][1][0].as_str().unwrap();
    assert!(long.len() > 1000 && long.len() <= 50_000, "{}", long.len());
    let list = logs[7][1][0].as_array().unwrap();
    assert!(list.len() > 500 && list.len() <= 1000, "{}", list.len());
    assert!(logs[8][1][0].is_string(), "{told}");
}

/// A length that the agent promises and does not keep, and one that it says of its own accord, reach nobody behind the policy.
#[test]
fn headers_of_responses_have_their_own_length() {
    let server = serve(
        r#"export default { async fetch() {
  const answer = await fetch("http://up.test/", { method: "POST", body: "four", headers: { "content-length": "99" } });
  return new Response(`${answer.headers.get("content-length")} ${await answer.text()}`);
} };"#,
    );
    assert_eq!(server.get("/").body, "4 four", "{}", server.log());
}
