//! The global scope is Workers', and works.

use crate::harness::Project;

const CHECKS: &str = r#"
import { deep } from "./deep.js";
const checks = {
  userAgent: () => navigator.userAgent === "Cloudflare-Workers",
  self: () => self === globalThis,
  url: () => new URL("../b", "http://a/x/y").href === "http://a/b",
  pattern: () => new URLPattern({ pathname: "/:id" }).exec("http://a/7").pathname.groups.id === "7",
  base64: () => btoa(atob("aGk=")) === "aGk=",
  encoding: () => new TextDecoder().decode(new TextEncoder().encode("\u00e9")) === "\u00e9",
  clone: () => structuredClone(new Map([[1, { a: [2] }]])).get(1).a[0] === 2,
  async digest() { return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array())).length === 32; },
  uuid: () => crypto.randomUUID().length === 36,
  async hmac() {
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    const data = new Uint8Array([1]);
    return crypto.subtle.verify("HMAC", key, await crypto.subtle.sign("HMAC", key, data), data);
  },
  async compression() {
    const squeezed = new Response("x".repeat(999)).body.pipeThrough(new CompressionStream("gzip"));
    return (await new Response(squeezed.pipeThrough(new DecompressionStream("gzip"))).text()).length === 999;
  },
  async form() {
    const form = new FormData();
    form.append("f", new File(["text"], "f.txt", { type: "text/plain" }));
    const back = await new Response(form).formData();
    return (await back.get("f").text()) === "text" && back.get("f").name === "f.txt";
  },
  async blob() { return (await new Blob(["a", "b"]).text()) === "ab"; },
  abort: () => AbortSignal.abort().aborted && AbortSignal.any([AbortSignal.abort()]).aborted,
  async timeout() {
    try { await fetch("http://hang/", { signal: AbortSignal.timeout(50) }); } catch (error) { return error.name === "TimeoutError"; }
  },
  async aborted() {
    const controller = new AbortController();
    const pending = fetch("http://hang/", { signal: controller.signal });
    controller.abort(new Error("mine"));
    try { await pending; } catch (error) { return error.message === "mine"; }
  },
  async events() {
    const target = new EventTarget();
    let seen = 0;
    target.addEventListener("x", () => seen++, { once: true });
    target.dispatchEvent(new Event("x")); target.dispatchEvent(new CustomEvent("x"));
    return seen === 1;
  },
  now: () => performance.now() >= 0 && Date.now() > 1e12,
  async microtask() { let ran = false; queueMicrotask(() => { ran = true; }); await null; await null; return ran; },
  async interval() {
    let ticks = 0;
    await new Promise((resolve) => { const id = setInterval(() => { if (++ticks === 3) { clearInterval(id); resolve(); } }, 1); });
    return ticks === 3;
  },
  async fixed() {
    const { readable, writable } = new FixedLengthStream(2);
    const writer = writable.getWriter(); writer.write(new Uint8Array(2)); writer.close();
    return (await new Response(readable).bytes()).length === 2;
  },
  async tee() {
    const [a, b] = (await fetch("http://echo/", { method: "POST", body: "tee" })).body.tee();
    return (await new Response(a).text()) === "tee" && (await new Response(b).text()) === "tee";
  },
  async cloned() {
    const response = await fetch("http://echo/", { method: "POST", body: "twice" });
    const copy = response.clone();
    return (await response.text()) === "twice" && (await copy.text()) === "twice" && response.bodyUsed;
  },
  async headers() {
    const response = await fetch("http://echo/", { method: "POST", body: "x", headers: { "x-a": "1" } });
    try { response.headers.set("a", "b"); } catch (error) { return error instanceof TypeError && response.headers.get("x-a") === "1"; }
  },
  async reader() {
    const response = await fetch("http://echo/", { method: "POST", body: new Blob(["abc"]).stream() });
    const reader = response.body.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(2));
    return value.length === 2;
  },
  deep: () => deep === "deep",
};
export default { async fetch(request, env, ctx) {
  const wrong = [];
  for (const [name, check] of Object.entries(checks)) {
    try { if (!(await check())) wrong.push(name); } catch (error) { wrong.push(`${name}: ${error?.stack ?? error}`); }
  }
  return new Response(wrong.join("\n") || "all");
} };
"#;

#[test]
fn what_workers_have_works() {
    let project = Project::new(&[
        ("agent.js", CHECKS),
        ("deep.js", "export const deep = 'deep';"),
        (
            "outbound.js",
            "export default { async fetch(request) { if (request.url.startsWith('http://hang')) await scheduler.wait(60_000); \
             return new Response(request.body, { headers: request.headers }); } };",
        ),
    ]);
    let server = project.serve(&["agent.js", "--outbound", "outbound.js"]);
    assert_eq!(server.get("/").body, "all");
}

#[test]
fn nothing_but_workers_globals_is_there() {
    let project = Project::new(&[(
        "agent.js",
        "const names = Object.getOwnPropertyNames(globalThis).sort().join('\\n'); export default { fetch: () => new Response(names) };",
    )]);
    let server = project.serve(&["agent.js"]);
    let names = server.get("/").body;
    let committed = include_str!("../fixtures/globals.txt");
    assert_eq!(names.trim(), committed.trim());
}
