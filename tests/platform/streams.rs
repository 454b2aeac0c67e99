//! Streams: writers that get on, and reads that ask no prototype.

use super::check;

#[test]
fn a_writer_that_awaits_gets_on() {
    check(
        r#"
const all = async (readable) => {
  const reader = readable.getReader();
  const parts = [];
  for (;;) { const { value, done } = await reader.read(); if (done) return new Uint8Array(await new Blob(parts).arrayBuffer()); parts.push(value); }
};
const write = async (stream, ...chunks) => {
  const writer = stream.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  return await all(stream.readable);
};
const formats = ["gzip", "deflate", "deflate-raw"];
"#,
        r#"
...formats.map((format) => ["true", async () => (await write(new CompressionStream(format), utf8("x".repeat(1000)))).length > 5]),
...formats.map((format) => ["hello world", async () => new TextDecoder().decode(await write(new DecompressionStream(format), await write(new CompressionStream(format), utf8("hello "), utf8("world"))))]),
["3000000", async () => (await write(new DecompressionStream("gzip"), await write(new CompressionStream("gzip"), new Uint8Array(3e6)))).length],
["true", async () => (await write(new CompressionStream("gzip"), ...Array.from({ length: 20 }, () => crypto.getRandomValues(new Uint8Array(10000))))).length > 2e5],
["TypeError TypeError", () => write(new DecompressionStream("gzip"), bytes(1, 2, 3))],
["TypeError TypeError", async () => write(new DecompressionStream("gzip"), (await write(new CompressionStream("gzip"), bytes(1))).slice(0, -1))],
// What nobody reads is not taken in without end.
["waits", async () => { const writer = new CompressionStream("gzip").writable.getWriter(); for (let i = 0; i < 200; i++) {
  const written = await Promise.race([writer.write(crypto.getRandomValues(new Uint8Array(60000))).then(() => true), scheduler.wait(200)]);
  if (written !== true) return i < 50 ? "waits" : `after ${i}`;
} return "takes all"; }],
"#,
    );
}

/// Each stream asks the one before it, and no stack is as deep as the chain is long.
#[test]
fn chains_of_tees_come_to_their_end() {
    check(
        r#"
const LONG = 5000;
const last = (stream) => { for (let i = 0; i < LONG; i++) stream = stream.tee()[0]; return stream; };
const each = (stream) => { const all = []; for (let i = 0; i < LONG; i++) { const [one, other] = stream.tee(); all.push(other); stream = one; } return [...all, stream]; };
const pulled = (type) => { let left = 3; return new ReadableStream({ type, async pull(c) { await 0; if (left-- > 0) c.enqueue(utf8("ab")); else c.close(); } }); };
const failing = (type) => new ReadableStream({ type, async pull() { await 0; throw new Error("down"); } });
const text = (stream) => new Response(stream).text();
const cancelled = async (type) => { let called = 0; await Promise.all(each(new ReadableStream({ type, cancel() { called++; } })).map((one) => one.cancel("enough"))); return called; };
"#,
        r#"
["hello", () => text(last(new Response("hello").body))],
["ababab", () => text(last(pulled()))],
["down", () => text(last(failing())).catch((error) => error.message)],
["down", () => text(last(failing("bytes"))).catch((error) => error.message)],
["1", () => cancelled()],
["1", () => cancelled("bytes")],
["true", async () => (await Promise.all(each(new Response("hello").body).map(text))).every((one) => one === "hello")],
["5 true", async () => { const reader = last(new Response("hello").body).getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(9)); return `${first.value.length} ${(await reader.read(new Uint8Array(9))).done}`; }],
"#,
    );
}

/// As the web platform's tests have it: `fetch/api/response/response-stream-with-broken-then.any.js`.
#[test]
fn a_body_is_read_without_asking_object_prototype() {
    check(
        r#"
const echo = (body) => fetch("http://a/", { method: "POST", body });
const streamOf = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(utf8(chunk)); c.close(); } });
const bodies = {
  string: () => new Response("hello"),
  buffer: () => new Response(utf8("hello")),
  blob: () => new Response(new Blob(["hel", "lo"])),
  stream: () => new Response(streamOf("hello")),
  streams: () => new Response(streamOf("h", "ell", "o")),
  bytes: () => new Response(new ReadableStream({ type: "bytes", start(c) { c.enqueue(utf8("hello")); c.close(); } })),
  late: () => new Response(new ReadableStream({ pull(c) { c.enqueue(utf8("hello")); c.close(); } })),
  echo: () => echo("hello"),
  echoStream: () => echo(streamOf("hel", "lo")),
  touched: async () => { const r = await echo("hello"); r.body; return r; },
  cloned: async () => (await echo("hello")).clone(),
  teed: () => new Response(new Response(streamOf("hello")).body.tee()[1]),
  request: () => new Request("http://a/", { method: "POST", body: streamOf("hello") }),
  data: () => fetch("data:,hello"),
};
const bye = { done: false, value: utf8("bye") };
const broken = async (name, read, then) => {
  const body = await bodies[name]();
  Object.defineProperty(Object.prototype, "then", { configurable: true, ...then });
  const reading = read(body);
  let text, error;
  await reading.then((value) => { text = value; }, (thrown) => { error = thrown; }).finally(() => { delete Object.prototype.then; });
  if (error) throw error;
  return text;
};
const thens = {
  inject: () => ({ value(resolve) { delete Object.prototype.then; resolve(bye); } }),
  bytes: () => ({ value(resolve) { delete Object.prototype.then; resolve(utf8("bye")); } }),
  never: () => ({ value() { delete Object.prototype.then; } }),
  throws: () => ({ get() { throw new Error("asked"); } }),
};
"#,
        r#"
...Object.keys(bodies).flatMap((name) => Object.keys(thens).map((then) => Object.assign(["hello", () => broken(name, (body) => body.text(), thens[then]())], { name }))),
...Object.keys(bodies).map((name) => ["hello", () => broken(name, async (body) => `${await body.text()}`, thens.inject())]),
["hello", async () => { const blob = new Blob(["hel", "lo"]); Object.prototype.then = (resolve) => { delete Object.prototype.then; resolve(bye); }; try { return await blob.text(); } finally { delete Object.prototype.then; } }],
"#,
    );
}

#[test]
fn blobs_of_blobs_are_read_however_deep() {
    check(
        r"
const times = (n, value, next) => { for (let i = 0; i < n; i++) value = next(value); return value; };
",
        r#"
["abc", () => times(5000, new Blob(["abc"]), (b) => b.slice()).text()],
["abc", () => times(5000, new Blob(["abc"]), (b) => new Blob([b])).text()],
["bc", () => times(2000, new Blob(["abc"]), (b) => structuredClone(b).slice(0, 3)).slice(1).text()],
["abc", () => new Response(times(5000, new Blob(["abc"]), (b) => new Blob([b.slice()]))).text()],
["cde", async () => new Blob(["ab", new Blob(["cd"]), utf8("ef")]).slice(2, 5).text()],
["d", async () => new Blob(["ab", new Blob(["cd", "ef"]).slice(1, 3)]).slice(2, 3).text()],
["[\"cde\",3]", async () => { const b = new Blob(["abc", "def"]).slice(2, 5); return [await new Response(b.stream()).text(), b.size]; }],
["200000", async () => { let n = 0; for await (const chunk of new Blob(["x".repeat(200000)]).stream()) n += chunk.length; return n; }],
["0", async () => { let n = 0; for await (const chunk of new Blob(["", ""]).stream()) n++; return n; }],
["[2,1]", async () => { const reader = new Blob(["abc"]).stream().getReader({ mode: "byob" }); const one = await reader.read(new Uint8Array(2)); const two = await reader.read(new Uint8Array(2)); return [one.value.length, two.value.length]; }],
"#,
    );
}

/// An error event of an `EventSource` says what it is.
#[test]
fn error_events_of_event_sources_say_why() {
    check(
        r#"
const failure = (source) => new Promise((done) => { source.onerror = (event) => { source.close(); done(`${event instanceof ErrorEvent} ${event.error?.name} ${event.message}`); }; });
const of = (body, init) => failure(new EventSource("http://up.test/", { fetcher: { fetch: async () => new Response(body, init) } }));
const EVENTS = { "content-type": "text/event-stream" };
"#,
        r#"
["true AbortError The server disconnected.", () => of("data: a\n\n", { headers: EVENTS })],
["true AbortError The content type 'text/plain;charset=UTF-8' is invalid.", () => of("data: a\n\n")],
["true AbortError The response status code was 503.", () => of("", { status: 503, headers: EVENTS })],
["true RangeError mine", () => of(new ReadableStream({ pull() { throw new RangeError("mine"); } }), { headers: EVENTS })],
["true RangeError mine", () => failure(EventSource.from(new ReadableStream({ pull() { throw new RangeError("mine"); } })))],
["true TypeError no way", () => failure(new EventSource("http://up.test/", { fetcher: { fetch: async () => { throw new TypeError("no way"); } } }))],
"#,
    );
}

/// What comes while a pipe is being aborted would be written once somebody reads, and nobody does.
#[test]
fn a_pipe_to_a_stream_of_bytes_ends_when_it_is_aborted() {
    check(
        r#"
const aborted = async (options, { readable, writable }) => {
  let source, cancelled = 0;
  const from = new ReadableStream({ start(c) { source = c; }, cancel() { cancelled++; } });
  const controller = new AbortController();
  const pipe = from.pipeTo(writable, { signal: controller.signal, ...options });
  await scheduler.wait(0);
  controller.abort("why");
  source.enqueue(utf8("late"));
  const ended = await pipe.catch((error) => error);
  const read = options.preventAbort ? "" : await readable.getReader().read().catch((error) => error);
  return [ended, cancelled, from.locked, writable.locked, read];
};
"#,
        r#"
...[() => new IdentityTransformStream(), () => new FixedLengthStream(9)].flatMap((make) => [
  ['["why",1,false,false,"why"]', () => aborted({}, make())],
  ['["why",0,false,false,"why"]', () => aborted({ preventCancel: true }, make())],
]),
"#,
    );
}
