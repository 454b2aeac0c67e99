//! Tests in workerd's form, which are a part of the worker: its services, its flags, and what nobody caught.

use crate::harness::Project;

const WRANGLER: &str = r#"{ "name": "own", "main": "own-test.js", "compatibility_date": "2025-06-01", "compatibility_flags": ["cache_option_disabled"], "vars": { "TWELVE": 12 },
  "worker_loaders": [{ "binding": "LOADER" }],
  "services": [{ "binding": "SELF", "service": "own" }, { "binding": "NAMED", "service": "own", "entrypoint": "Named", "props": { "n": 5 } }] }"#;

const OWN: &str = r##"
import assert from "node:assert";
import { WorkerEntrypoint } from "cloudflare:workers";
let asked = 0, last;
export default {
  async fetch(request, env) { asked++; return new Response(`${request.method} ${env.TWELVE} ${await request.text()}`); },
  double: (n) => 2 * n,
  scheduled(controller, env, ctx) { last = [controller.cron, controller.scheduledTime, env.TWELVE]; if (controller.cron === "1 * * * *") controller.noRetry(); },
};
let batched;
export class Named extends WorkerEntrypoint {
  add(n) { return n + this.ctx.props.n + this.env.TWELVE; }
  fetch(request) { return new Response(`out by ${this.ctx.props.n} ${request.url}`); }
  queue({ queue, messages: [first, second, third] }) {
    batched = [queue, first.id, first.body.get(1), first.attempts, first.timestamp, this.env.TWELVE];
    first.ack();
    second.retry({ delaySeconds: 2 });
    first.retry();
  }
}

export const services = { async test(ctrl, env) {
  const response = await env.SELF.fetch("http://own.test/", { method: "POST", body: "b" });
  assert.strictEqual(await response.text(), "POST 12 b");
  // As in workerd it is this isolate that answers.
  assert.strictEqual(asked, 1);
  assert.strictEqual(await env.SELF.double(4), 8);
  assert.strictEqual(await env.NAMED.add(1), 18);
} };

export const triggers = { async test(ctrl, env) {
  assert.deepStrictEqual(await env.SELF.scheduled({ scheduledTime: new Date(1000), cron: "1 * * * *" }), { outcome: "ok", noRetry: true });
  assert.deepStrictEqual(last, ["1 * * * *", 1000, 12]);
  assert.strictEqual((await env.SELF.scheduled()).noRetry, false);
  assert.ok(last[0] === "" && Math.abs(last[1] - Date.now()) < 3000);
  await assert.rejects(env.NAMED.scheduled(), { name: "TypeError" });
} };

export const queues = { async test(ctrl, env) {
  const timestamp = new Date();
  const said = await env.NAMED.queue("q", [{ id: "#0", timestamp, body: new Map([[1, "one"]]), attempts: 3 }, { id: "#1", timestamp, body: "b" }, { id: "#2", timestamp, body: 3 }]);
  assert.deepStrictEqual(said, { outcome: "ok", ackAll: false, retryBatch: { retry: false }, explicitAcks: ["#0"], retryMessages: [{ msgId: "#1", delaySeconds: 2 }] });
  assert.deepStrictEqual(batched, ["q", "#0", "one", 3, timestamp, 12]);
  await assert.rejects(env.NAMED.queue("q", [{ id: "#0", timestamp }]), { name: "TypeError", message: /body or serializedBody/ });
  await assert.rejects(env.SELF.queue("q", []), { name: "TypeError", message: /does not export a queue/ });
} };

export const loads = { async test(ctrl, { LOADER }, ctx) {
  const code = (main, more) => ({ compatibilityDate: "2025-06-01", mainModule: "main.js", modules: { "main.js": main }, ...more });
  const out = code("export default { fetch: (request) => fetch(request) };", { globalOutbound: ctx.exports.Named({ props: { n: 7 } }) });
  assert.strictEqual(await (await LOADER.load(out).getEntrypoint().fetch("http://out.test/")).text(), "out by 7 http://out.test/");
  const adds = code("export default { add: (a, env) => [a, env.c] };", { env: { c: 3 } });
  assert.deepStrictEqual(await LOADER.get("adds", () => adds).getEntrypoint().add(1), [1, 3]);
  await assert.rejects(LOADER.load(code("export default { fetch: () => fetch('http://out.test/') };")).fetch("http://in.test/"), /goes nowhere/);
  await assert.rejects(LOADER.get("throws", () => { throw new Error("no code"); }).getEntrypoint().any(), { message: "no code" });
} };

// A flag of the worker's.
export const flags = { test() { assert.throws(() => new Request("http://a.test/", { cache: "no-store" })); } };

export const collects = { async test() {
  const weak = (() => new WeakRef({}))();
  await scheduler.wait(1);
  gc();
  assert.strictEqual(weak.deref(), undefined);
} };

export const rejected = { async test() {
  const heard = new Promise((resolve) => addEventListener("unhandledrejection", (event) => resolve(event.reason), { once: true }));
  Promise.reject("mine");
  assert.strictEqual(await heard, "mine");
} };

export const thrown = { async test() {
  const heard = new Promise((resolve) => addEventListener("error", (event) => resolve(event.error), { once: true }));
  queueMicrotask(() => { throw "mine"; });
  assert.strictEqual(await heard, "mine");
} };
"##;

#[test]
fn a_test_is_a_part_of_its_worker() {
    let project = Project::new(&[("wrangler.jsonc", WRANGLER), ("own-test.js", OWN)]);
    let (code, out, err) = project.run(&["test", "own-test.js"]);
    assert!(code == Some(0) && out.ends_with("\n8 passed, 0 failed\n"), "{out}{err}");
}

/// A listener hears of one event, and not of what comes after it was taken away; other agents answer to `fetch()`.
#[test]
fn what_nobody_hears_fails_and_other_agents_are_called() {
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "[[agents]]\nname = 'a'\ntenant = 't'\nmain = 'a.js'\nmatch = ['/a']\nservices = [{ binding = 'B', service = 'b' }]\n[[agents]]\nname = 'b'\ntenant = 't'\nmain = 'b.js'\nmatch = ['/b']\n",
        ),
        ("a.js", "export default { fetch: () => new Response('a') };"),
        (
            "b.js",
            "export default { fetch: (request) => new Response(`b ${new URL(request.url).pathname}`) };",
        ),
        (
            "any-test.js",
            "export const unheard = { async test() { Promise.reject(new Error('unheard')); await scheduler.wait(5); } };\n\
             export const other = { async test(ctrl, env) { const said = await (await env.B.fetch('http://b.test/x')).text(); if (said !== 'b /x') throw new Error(said); } };\n\
             export const method = { async test(ctrl, env) { await env.B.add(1); } };\n",
        ),
    ]);
    let (code, out, err) = project.run(&["test", "any-test.js"]);
    assert!(code == Some(1) && out.ends_with("\n1 passed, 2 failed\n"), "{out}{err}");
    assert!(
        out.contains("unheard") && out.contains("a test calls fetch() of other agents, and no methods"),
        "{out}"
    );
}

/// A worker of an old date has no `WeakRef`, and what compares for its tests needs none.
#[test]
fn values_are_compared_by_any_date() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "own", "main": "own-test.js", "compatibility_date": "2024-01-01" }"#,
        ),
        (
            "own-test.js",
            "import assert from 'node:assert';\nexport default { fetch: () => new Response() };\n\
             export const old = { test() { assert.strictEqual(typeof WeakRef, 'undefined'); assert.deepStrictEqual({ a: [1] }, { a: [1] }); } };\n",
        ),
    ]);
    let (code, out, err) = project.run(&["test", "own-test.js"]);
    assert!(code == Some(0) && out.ends_with("\n1 passed, 0 failed\n"), "{out}{err}");
}
