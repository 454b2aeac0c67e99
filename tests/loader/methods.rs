//! Methods of loaded workers, and what they are given of their loader's: stubs in `env`, and as their way out.

use serde_json::json;

use super::{CONFIG, case, serve, serve_with};
use crate::harness::json;

const CASES: &str = r#"
async methods({ LOADER }) {
  const stub = LOADER.load(code(`
    import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
    class Counter extends RpcTarget { #n; constructor(n) { super(); this.#n = n; } add(by) { return this.#n += by; } get value() { return this.#n; } }
    export default class extends WorkerEntrypoint {
      sum(...all) { return all.reduce((a, b) => a + b, 0); }
      async twice(fn) { return await fn(await fn(1)); }
      make(n) { return new Counter(n); }
      adder(n) { return (by) => n + by; }
      get who() { return { props: this.ctx.props, agent: this.ctx.agent ?? null, a: this.env.A }; }
      fails() { throw new RangeError("too far"); }
    }
    export class Other extends WorkerEntrypoint { hi() { return "hi of " + this.ctx.props.of; } }
    export const plain = { say(what, env, ctx) { return what + env.A; } };`, { env: { A: "!" } }));
  const entry = stub.getEntrypoint(undefined, { props: { p: 1 } });
  const counter = await entry.make(5);
  const adder = await entry.adder(3);
  return {
    sum: await entry.sum(1, 2, 3), twice: await entry.twice(async (n) => n * 10 + 1), pipelined: await entry.make(7).add(1),
    counter: [await counter.add(2), await counter.value], adder: await adder(4), who: await entry.who,
    fails: await why(entry.fails()), absent: await why(entry.absent()), constructor: await why(async () => entry.constructor()), env: await why(async () => JSON.stringify(await entry.env)),
    other: await stub.getEntrypoint("Other", { props: { of: "other" } }).hi(), plain: await stub.getEntrypoint("plain").say("hey"),
    none: await why(stub.getEntrypoint("None").hi()), fetch: await why(entry.fetch("http://in.example/")), then: entry.then === undefined,
  };
},
async named({ LOADER }) {
  let calls = 0;
  const get = () => LOADER.get("named", async () => { calls++; await scheduler.wait(5);
    return code(`import { WorkerEntrypoint } from "cloudflare:workers"; let n = 0;
      export default class extends WorkerEntrypoint { next() { return ++n; } box() { return { open: () => "opened" } } }`); }).getEntrypoint();
  const early = get();
  const first = await Promise.all([early.next(), get().next(), early.box().open()]);
  const broken = LOADER.get("broken", async () => { throw new RangeError("no code"); }).getEntrypoint();
  const worse = LOADER.get("worse", async () => code("export default {")).getEntrypoint();
  return { first, then: await get().next(), calls, broken: [await why(broken.next()), await why(broken.box().open())], worse: (await why(worse.next())).includes("main.js:1:17") };
},
async given({ LOADER, TOOLS }, ctx) {
  const seen = [];
  const main = `
    import { WorkerEntrypoint } from "cloudflare:workers";
    export default class extends WorkerEntrypoint {
      async run() {
        const { env } = this;
        return { fn: await env.fn(2), target: await env.deep.list[0].add(3), tools: await env.TOOLS.who(), toolsFetch: await (await env.TOOLS.fetch("http://up.example/tools", { method: "POST", body: "x" })).json(), own: await env.own.who(), ownFetch: await (await env.own.fetch("http://up.example/own")).text(), keys: Object.keys(env).sort(), text: env.text,
          out: await fetch("http://up.example/out").then((r) => r.text(), (e) => e.message) };
      }
    }`;
  const given = { fn: (n) => { seen.push(n); return n * 2; }, deep: { list: [new Target()] }, TOOLS, own: ctx.exports.Gateway({ props: { tenant: "blue" } }), text: "t" };
  const none = await LOADER.load(code(main, { env: given, globalOutbound: null })).getEntrypoint().run();
  const gateway = await LOADER.load(code(main, { env: given, globalOutbound: ctx.exports.Gateway({ props: { tenant: "red" } }) })).getEntrypoint().run();
  const named = LOADER.get("given", () => code(main, { env: given }));
  return { none, gateway, seen, named: await why(named.getEntrypoint().run()) };
},
async serviceOut({ LOADER, TOOLS }) {
  const main = `export default { async fetch() { const got = await fetch("http://up.example/out", { method: "PUT", body: "y" }); return Response.json([got.status, await got.json()]); } }`;
  const bounded = code(main, { globalOutbound: TOOLS, limits: { subRequests: 0 } });
  return [JSON.parse(await ask(LOADER.load(code(main, { globalOutbound: TOOLS })))), await why(ask(LOADER.load(bounded)))];
},
async gateway({ LOADER }, ctx) {
  const main = `export default { async fetch(r) { const all = []; for (const path of ["a", "b"]) { const got = await fetch("http://up.example/" + path, { method: "POST", body: "x" + path, headers: { "x-a": path } }); all.push([got.status, await got.text()]); } return Response.json(all); } }`;
  const worker = LOADER.get("gateway", () => code(main, { globalOutbound: ctx.exports.Gateway({ props: { tenant: "green" } }) }));
  return JSON.parse(await ask(worker));
},
async gatewayAgain({ LOADER }, ctx) { return JSON.parse(await ask(LOADER.get("gateway", () => { throw new Error("it is there"); }))); },
async chain({ LOADER }) {
  const first = LOADER.load(code(`import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { hi(n) { return "first " + n; } fetch(r) { return new Response("first got " + r.url); } }`)).getEntrypoint();
  const second = LOADER.load(code(`export default { async fetch(r, env) { return new Response(await env.FIRST.hi(1) + ", " + await (await fetch("http://any.example/")).text()); } }`, { env: { FIRST: first }, globalOutbound: first }));
  return ask(second);
},
async bounds({ LOADER }) {
  const loop = LOADER.load(code(`import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { loop() { for (;;); } wait() { return scheduler.wait(3_600_000); } async many(fn) { let n = 0; try { for (;;) { await fn(); n++; } } catch (e) { return [n, e.message]; } } }`, { limits: { cpuMs: 50, wallMs: 300, subRequests: 7 } })).getEntrypoint();
  return { many: await loop.many(() => 1), wait: await why(loop.wait()), loop: await why(loop.loop()) };
},
async bombs({ LOADER }) {
  const bomb = LOADER.load(code(`import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { heap() { const a = []; for (;;) a.push(new Array(1000).fill(1.5)); } }`, { limits: { memoryMb: 16 } })).getEntrypoint();
  return why(bomb.heap());
},
async recursion({ LOADER }, ctx) {
  const main = `export default { fetch: () => fetch("http://again.example/") }`;
  return why(ask(LOADER.load(code(main, { globalOutbound: ctx.exports.Again() }))));
},
async ended({ LOADER }) {
  const worker = code(`import { WorkerEntrypoint } from "cloudflare:workers"; let kept; export default class extends WorkerEntrypoint { keep(fn) { kept = fn.dup(); } async use() { return await kept(); } }`);
  const entry = LOADER.get("ended", () => worker).getEntrypoint();
  await entry.keep(() => "called");
  return why(entry.use());
},
async endedLater({ LOADER }) { return why(LOADER.get("ended", () => { throw new Error("it is there"); }).getEntrypoint().use()); },
async foreign({ LOADER }) {
  globalThis.foreign ??= LOADER.load(code(`import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { hi() { return "hi"; } }`)).getEntrypoint();
  return why(globalThis.foreign.hi());
},
async refused({ LOADER }, ctx) {
  const all = {};
  const ok = "export default { fetch: () => new Response('ok') }";
  for (const [name, change] of Object.entries({
    text: { globalOutbound: "x" }, object: { globalOutbound: { fetch() {} } }, class: { env: { d: new (class Own {})() } }, symbol: { env: { s: Symbol() } }, promise: { env: { p: Promise.resolve() } },
    loader: { env: { LOADER } }, proxy: { env: new Proxy({}, {}) }, getter: { env: { get bad() { throw new Error("of the getter"); } } },
  })) all[name] = await why(() => ask(LOADER.load({ ...code(ok), ...change })));
  return all;
},
"#;

const OWN: &str = r#"
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
class Target extends RpcTarget { add(n) { return 40 + n; } }
export class Gateway extends WorkerEntrypoint {
  who() { return { props: this.ctx.props, agent: this.ctx.agent ?? null }; }
  async fetch(request) { return new Response([this.ctx.props.tenant, request.method, request.url, request.headers.get("x-a"), await request.text()].join(" "), { status: 202 }); }
}
export class Again extends WorkerEntrypoint {
  fetch() { return this.env.LOADER.load({ compatibilityDate: "2026-08-04", mainModule: "m.js", modules: { "m.js": `export default { fetch: () => fetch("http://again.example/") }` }, globalOutbound: this.ctx.exports.Again() }).getEntrypoint().fetch("http://in.example/"); }
}
"#;

const POLICY: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export class Tools extends WorkerEntrypoint { async fetch(request) { return Response.json([this.ctx.agent.name, this.ctx.props.repo, request.method, request.url, await request.text()], { status: 203 }); } who() { return { name: this.ctx.agent.name, parent: this.ctx.agent.parent, props: this.ctx.props }; } }
export default { fetch(request, env, ctx) { return Response.json({ agent: ctx.agent, url: request.url }); } };
"#;

fn config() -> String {
    format!(
        "{CONFIG}[[agents.services]]\nbinding = \"TOOLS\"\nservice = \"outbound\"\nentrypoint = \"Tools\"\nprops = {{ repo = \"acme/site\" }}\n"
    )
}

#[test]
fn methods_are_called_as_those_of_other_workers() {
    let (_project, server) = serve(CASES);
    let all = case(&server, "methods");
    let missing = |name: &str| format!("TypeError: The RPC receiver does not implement the method \"{name}\".");
    assert_eq!(
        all,
        json!({
            "sum": 6, "twice": 111, "pipelined": 8, "counter": [7, 7], "adder": 7,
            "who": { "props": { "p": 1 }, "agent": null, "a": "!" }, "fails": "RangeError: too far",
            "absent": missing("absent"), "env": missing("env"),
            "constructor": "TypeError: Illegal constructor",
            "other": "hi of other", "plain": "hey!", "then": true,
            "none": "TypeError: the worker can not be called so: its export None, which a service names, is not there",
            "fetch": "TypeError: the worker can not be called so: its default export, a class, has no fetch() method",
        })
    );
    assert_eq!(
        case(&server, "named"),
        json!({ "first": [1, 2, "opened"], "then": 3, "calls": 1, "broken": ["RangeError: no code", "RangeError: no code"], "worse": true })
    );
}

#[test]
fn it_is_given_stubs() {
    let (project, server) = serve_with(&config(), POLICY, OWN, CASES);
    let all = case(&server, "given");
    let none = &all["none"];
    assert_eq!((&none["fn"], &none["target"]), (&json!(4), &json!(43)), "{all}");
    let tools = &none["tools"];
    assert!(tools["name"].as_str().unwrap().starts_with("scout/load-"), "{all}");
    assert_eq!(
        (&tools["parent"], &tools["props"]["repo"]),
        (&json!("scout"), &json!("acme/site"))
    );
    let name = tools["name"].as_str().unwrap();
    let asked = json!([name, "acme/site", "POST", "http://up.example/tools", "x"]);
    assert_eq!(none["toolsFetch"], asked, "{all}");
    assert_eq!(none["own"], json!({ "props": { "tenant": "blue" }, "agent": null }));
    assert_eq!(none["ownFetch"], "blue GET http://up.example/own  ");
    assert_eq!(none["keys"], json!(["TOOLS", "deep", "fn", "own", "text"]));
    assert!(
        none["out"]
            .as_str()
            .unwrap()
            .contains("not permitted to access the internet"),
        "{all}"
    );
    assert_eq!(all["gateway"]["out"], "red GET http://up.example/out  ");
    assert_eq!(all["seen"], json!([2, 2]));
    assert!(all["named"].as_str().unwrap().contains("is its event's"), "{all}");
    let expected = json!([
        [202, "green POST http://up.example/a a xa"],
        [202, "green POST http://up.example/b b xb"]
    ]);
    assert_eq!(case(&server, "gateway"), expected);
    // It outlives the event that has given it, and is charged to the one that calls.
    assert_eq!(case(&server, "gatewayAgain"), expected);
    assert_eq!(case(&server, "chain"), "first 1, first got http://any.example/");
    std::thread::sleep(std::time::Duration::from_millis(200));
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let records: Vec<serde_json::Value> = audit.lines().map(json).collect();
    let calls = records.iter().filter(|record| record["kind"] == "rpc");
    let calls: Vec<_> = calls
        .map(|record| record["agent"].as_str().unwrap_or_default())
        .collect();
    assert!(
        calls.len() == 4 && calls.iter().all(|name| name.starts_with("scout/load-")),
        "{audit}"
    );
}

#[test]
fn a_service_is_its_way_out() {
    let (_project, server) = serve_with(&config(), POLICY, OWN, CASES);
    let all = case(&server, "serviceOut");
    let (status, seen) = (&all[0][0], &all[0][1]);
    assert_eq!(status, 203, "{all}");
    assert!(seen[0].as_str().unwrap().starts_with("scout/load-"), "{all}");
    let rest: Vec<_> = seen.as_array().unwrap()[1..].to_vec();
    assert_eq!(json!(rest), json!(["acme/site", "PUT", "http://up.example/out", "y"]));
    assert!(all[1].as_str().unwrap().contains("subrequests"), "{all}");
}

#[test]
fn calls_are_bounded() {
    let (_project, server) = serve_with(&config(), POLICY, OWN, CASES);
    let all = case(&server, "bounds");
    assert_eq!(all["many"][0], 7, "{all}");
    assert!(
        all["many"][1].as_str().unwrap().contains("too many subrequests"),
        "{all}"
    );
    assert!(
        all["loop"].as_str().unwrap().contains("was stopped") && all["loop"].as_str().unwrap().contains("CPU time"),
        "{all}"
    );
    assert!(all["wait"].as_str().unwrap().contains("limit of time"), "{all}");
    assert!(case(&server, "bombs").as_str().unwrap().contains("limit of memory"));
    let recursion = case(&server, "recursion");
    assert!(recursion.as_str().unwrap().contains("Error: "), "{recursion}");
    // What an event has given ends with it.
    assert!(case(&server, "ended").as_str().unwrap().contains("a different request"));
    let later = case(&server, "endedLater");
    assert!(!later.as_str().unwrap().starts_with("no error"), "{later}");
    assert_eq!(case(&server, "foreign"), "no error: hi");
    assert!(case(&server, "foreign").as_str().unwrap().contains("is gone"));
}

#[test]
fn what_can_not_be_given_is_refused() {
    let (_project, server) = serve_with(&config(), POLICY, OWN, CASES);
    let all = case(&server, "refused");
    for name in ["text", "object"] {
        assert!(
            all[name]
                .as_str()
                .unwrap()
                .contains("globalOutbound: expected null, a stub"),
            "{all}"
        );
    }
    for name in ["class", "symbol", "promise", "loader", "getter"] {
        assert!(
            all[name].as_str().unwrap().contains("env: it can not be cloned"),
            "{name}: {all}"
        );
    }
    assert!(
        all["proxy"].as_str().unwrap().contains("env: expected an object"),
        "{all}"
    );
}
