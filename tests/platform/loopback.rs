//! `ctx.exports`: `fetch()` of the module's own entrypoints is a request like any other, and stubs belong to whoever has them.

use super::check;

#[test]
fn fetch_of_an_own_entrypoint_is_a_request() {
    check(
        r#"
import { exports, WorkerEntrypoint } from "cloudflare:workers";
export class Own extends WorkerEntrypoint {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/lengths") return new Response(["content-length", "transfer-encoding"].map((name) => request.headers.get(name)).map(String).join());
    if (pathname === "/none") return new Response(null, { status: Number(new URL(request.url).search.slice(1)) });
    if (pathname === "/moved") return new Response(null, { status: 302, headers: { location: "/end" } });
    if (pathname === "/elsewhere") return Response.redirect("http://b.test/end", 307);
    if (pathname === "/error") return Response.error();
    if (pathname === "/used") { const response = new Response("x"); await response.text(); return response; }
    if (pathname === "/slow") { request.signal.onabort = () => { aborted = true; }; await scheduler.wait(3000); return new Response("late"); }
    if (pathname === "/endless") return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(5); c.enqueue(utf8("z")); } }));
    if (pathname === "/broken") return new Response(new ReadableStream({ pull(c) { c.error(new RangeError("broken")); } }));
    if (pathname === "/socket") { const [mine, yours] = Object.values(new WebSocketPair()); mine.accept(); mine.onmessage = (e) => mine.send(`${e.data}!`); return new Response(null, { status: 101, webSocket: yours }); }
    if (pathname === "/kept") return kept = new Response("kept");
    if (pathname === "/thrown") throw new RangeError("thrown");
    return Response.json([request.method, request.url, request.redirect, [...request.headers].map(String).join(), await request.text()]);
  }
}
let kept, aborted = false;
const get = (path, init) => exports.Own.fetch("http://a.test" + path, init);
const text = async (path, init) => (await get(path, init)).text();
const lengths = (body) => text("/lengths", { method: "POST", body, headers: { "content-length": "99" } });
const fixed = (n) => { const { readable, writable } = new FixedLengthStream(n); const w = writable.getWriter(); w.write(new Uint8Array(n)); w.close(); return readable; };
"#,
        r#"
['["GET","http://a.test/end?q","manual","",""]', () => text("/end?q#fragment")],
['["GET","http://a.test/end","manual","",""]', () => exports.Own.fetch("http://user:secret@a.test/end").then((r) => r.text())],
['["POST","http://a.test/end","manual","content-length,1,content-type,text/plain;charset=UTF-8,x,1","b"]', () => text("/end", { method: "POST", body: "b", headers: { x: 1 } })],
// Redirects are followed as the request says, and what is another host's business stays behind.
['[200,"OK","http://a.test/end",true]', async () => { const r = await get("/moved"); return [r.status, r.statusText, r.url, r.redirected]; }],
['["POST","http://b.test/end","manual","content-length,1,x,1","b"]', () => text("/elsewhere", { method: "POST", body: utf8("b"), headers: { authorization: "s", cookie: "c", x: 1 } })],
['["GET","http://a.test/end","manual","",""]', () => text("/moved", { method: "POST", body: "b" })],
['[302,"/end"]', async () => { const r = await get("/moved", { redirect: "manual" }); return [r.status, r.headers.get("location")]; }],
["TypeError TypeError", () => get("/moved", { redirect: "error" })],
// A length is the body's, whatever was written of it.
...[[utf8("four"), "4"], [new Blob(["\u00e9"]), "2"], [() => fixed(3), "3"], ["", "0"]].map(([body, length]) => [`${length},null`, () => lengths(typeof body === "function" ? body() : body)]),
["null,null", () => lengths(null)],
["null,chunked", () => lengths(new Response("x").body.pipeThrough(new IdentityTransformStream()))],
// An answer without a body has an empty one, where there can be one.
['["true",0,true]', async () => { const r = await get("/none?404"); return [`${r.body instanceof ReadableStream}`, (await r.bytes()).length, r.bodyUsed]; }],
["null", async () => `${(await get("/none?204")).body}`],
// Its answer is one of its own.
['["default","http://a.test/kept",false]', async () => { const r = await get("/kept"); return [r.type, r.url, r === kept]; }],
["TypeError TypeError", async () => (await get("/kept")).headers.set("a", "b")],
["true", async () => (await get("/end", { method: "HEAD" })).body === null],
["TypeError TypeError", () => get("/error")],
["TypeError TypeError", () => get("/used")],
["RangeError RangeError", () => get("/thrown")],
["RangeError RangeError", () => text("/broken")],
['[true,"TypeError"]', async () => { const r = new Request("http://a.test/end", { method: "POST", body: "b" }); await exports.Own.fetch(r); return [r.bodyUsed, await exports.Own.fetch(r).catch((e) => e.name)]; }],
// Signals end it, whoever waits for what.
["why", () => get("/end", { signal: AbortSignal.abort("why") }).catch((e) => e)],
['["TimeoutError",true]', async () => [await get("/slow", { signal: AbortSignal.timeout(20) }).catch((e) => e.name), aborted]],
["stop", async () => { const c = new AbortController(); const reader = (await get("/endless", { signal: c.signal })).body.getReader(); await reader.read(); c.abort("stop"); return reader.read().catch((e) => e); }],
["hi!", async () => { const { webSocket } = await get("/socket", { headers: { upgrade: "websocket" } }); const said = new Promise((done) => webSocket.onmessage = (e) => done(e.data)); webSocket.accept(); webSocket.send("hi"); return said; }],
"#,
    );
}

#[test]
fn what_is_passed_is_a_duplicate_and_what_is_returned_is_given_away() {
    check(
        r#"
import { exports, RpcStub, RpcTarget, ServiceStub, WorkerEntrypoint } from "cloudflare:workers";
class Counter extends RpcTarget { n = 0; disposed = 0; add(by) { return this.n += by; } [Symbol.dispose]() { this.disposed++; } }
class Shared extends Counter { made = []; dup() { const other = new Shared(); other.add = (by) => this.add(by); this.made.push(other); return other; } }
class Adds extends Shared { add(by) { return this.n += by; } dup() { const self = this; class Other extends Counter { add(by) { return self.add(by); } } const other = new Other(); this.made.push(other); return other; } }
export class Own extends WorkerEntrypoint {
  async add(counter, by) { return await counter.add(by); }
  async call(fn) { return await fn(); }
  back(stub) { return { stub: stub.dup() }; }
  same(value) { return `${value.constructor.name} ${value.byteLength} ${value.resizable ?? value.buffer.resizable}`; }
}
"#,
        r#"
["true true", () => `${exports.Own instanceof ServiceStub} ${exports.Own({ props: {} }) instanceof ServiceStub}`],
['[5,2]', async () => { const c = new Counter(); await exports.Own.add(c, 2); await exports.Own.add(c, 3); await scheduler.wait(5); return [c.n, c.disposed]; }],
['[5,0,[1,1]]', async () => { const c = new Adds(); await exports.Own.add(c, 2); await exports.Own.add(c, 3); await scheduler.wait(5); return [c.n, c.disposed, c.made.map((one) => one.disposed)]; }],
['[1,1,1]', async () => { let called = 0, made = 0, disposed = 0; const fn = () => ++called; fn.dup = () => (made++, fn); fn[Symbol.dispose] = () => disposed++; await exports.Own.call(fn); await scheduler.wait(5); return [called, made, disposed]; }],
["TypeError TypeError", () => { const c = new Counter(); c.dup = () => 5; return exports.Own.add(c, 1); }],
['[0,1]', async () => { const c = new Counter(), seen = []; { using stub = new RpcStub(c); using other = (await exports.Own.back(stub)).stub; await other.add(1); await scheduler.wait(5); seen.push(c.disposed); } await scheduler.wait(5); seen.push(c.disposed); return seen; }],
// Of what can grow its bytes cross.
["ArrayBuffer 2 false", () => exports.Own.same(new ArrayBuffer(2, { maxByteLength: 8 }))],
["Uint8Array 3 false", () => exports.Own.same(new Uint8Array(new ArrayBuffer(3, { maxByteLength: 8 })))],
["Float16Array 4 false", () => exports.Own.same(new Float16Array(2))],
["DOMException DataCloneError 25", () => { const b = new ArrayBuffer(2); structuredClone(b, { transfer: [b] }); return exports.Own.same(b); }],
"#,
    );
}
