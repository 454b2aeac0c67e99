//! What a loaded worker is called with, and what of it comes back.

use super::{case, serve};

const CASES: &str = r#"
async request({ LOADER }) {
  const stub = LOADER.load(code(`export default { async fetch(r, env, ctx) {
    return new Response(JSON.stringify({ method: r.method, url: r.url, h: r.headers.get("x-a"), body: await r.text(), env: { ...env, when: env.when.getTime(), map: [...env.map] }, props: ctx.props, agent: ctx.agent, vars: process.env.A }), { status: 201, headers: { "x-b": "2" } });
  } }`, { env: { A: "a", when: new Date(5), map: new Map([[1, new Uint8Array([2])]]) } }));
  const response = await stub.getEntrypoint(null, { props: { p: [1] } }).fetch("http://in.example/x?y", { method: "PUT", headers: { "x-a": "1" }, body: "hi" });
  return { status: response.status, b: response.headers.get("x-b"), ...await response.json() };
},
async entrypoints({ LOADER }) {
  const stub = LOADER.load(code(`
    import { WorkerEntrypoint } from "cloudflare:workers";
    export class Named extends WorkerEntrypoint { fetch() { return new Response("named " + this.ctx.props.who + this.env.A); } }
    export const plain = { fetch: () => new Response("plain") };
    export const nothing = 1;`, { env: { A: "!" } }));
  return [await ask(stub, "Named", { props: { who: "me" } }), await ask(stub, "Named", { props: { who: "you" } }), await ask(stub, "plain"),
    await why(ask(stub, "nothing")), await why(ask(stub, "absent")), await why(ask(stub)), await why(() => stub.getEntrypoint("Named").openIssue({}))];
},
async streams({ LOADER }) {
  const stub = LOADER.load(code(`export default { fetch: (r) => new Response(r.body.pipeThrough(new TransformStream({ transform(c, k) { k.enqueue(c); k.enqueue(c); } }))) }`));
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const answer = stub.getEntrypoint().fetch("http://in.example/", { method: "POST", body: readable });
  for (const part of ["a", "b"]) await writer.write(new TextEncoder().encode(part));
  await writer.close();
  return (await answer).text();
},
async redirects({ LOADER }) {
  const stub = LOADER.load(code(`export default { fetch: (r) => r.url.endsWith("/to") ? new Response("there " + r.url) : Response.redirect("http://other.example/to") }`));
  return ask(stub);
},
async once({ LOADER }) {
  let calls = 0;
  const callback = async () => { calls++; await scheduler.wait(5); return code("let n = 0; export default { fetch: () => new Response(String(++n)) }"); };
  const first = await Promise.all([1, 2, 3].map(() => ask(LOADER.get("once", callback))));
  const second = await ask(LOADER.get("once", callback));
  return { first, second, calls };
},
async later({ LOADER }) {
  return ask(LOADER.get("once", () => { throw new Error("it is there already"); }));
},
async failing({ LOADER }) {
  let calls = 0;
  const fails = () => { if (++calls < 3) throw new RangeError("not yet"); return code("export default { fetch: () => new Response('now') }"); };
  const all = [];
  for (let i = 0; i < 3; i++) all.push(await why(ask(LOADER.get("failing", fails))));
  const broken = () => { calls++; return code("export default {"); };
  for (let i = 0; i < 2; i++) all.push((await why(ask(LOADER.get("broken", broken)))).includes("main.js:1:17"));
  return { all, calls };
},
async anonymous({ LOADER }) {
  const worker = code("let n = 0; export default { fetch: () => new Response(String(++n)) }");
  return [await ask(LOADER.get(null, () => worker)), await ask(LOADER.get(null, async () => worker)), await ask(LOADER.load(worker))];
},
async thrown({ LOADER }) {
  const stub = LOADER.load(code(`export default { fetch(r) { switch (new URL(r.url).pathname) {
    case "/range": throw new RangeError("too far"); case "/own": throw Object.assign(new Error("own"), { name: "Mine" }); case "/value": throw 7; case "/none": return 5; } } }`));
  const all = [];
  for (const path of ["range", "own", "value", "none"]) all.push(await why(stub.fetch("http://in.example/" + path)));
  return all;
},
async stale({ LOADER }) {
  globalThis.kept ??= LOADER.load(code("export default { fetch: () => new Response('alive') }"));
  return why(ask(globalThis.kept));
},
async fields({ LOADER }) {
  const ok = "export default { fetch: () => new Response('ok') }";
  const all = {};
  for (const [name, change] of Object.entries({
    nothing: undefined, main: { mainModule: 5 }, absent: { mainModule: "b.js" }, date: { compatibilityDate: "soon" }, flags: { compatibilityFlags: "nodejs_compat" },
    modules: { modules: 5 }, extension: { modules: { "main.js": ok, "a.exe": "x" } }, python: { modules: { "main.js": ok, "a.py": "x" } }, py: { modules: { "main.js": ok, a: { py: "x" } } },
    kind: { modules: { "main.js": { exe: "" } } }, two: { modules: { "main.js": { js: ok, text: "" } } }, js: { modules: { "main.js": { js: 5 } } }, data: { modules: { "main.js": ok, d: { data: "x" } } },
    escape: { modules: { "main.js": ok, "../x.js": "" } }, env: { env: { f: new (class Own {})() } }, list: { env: [] }, blob: { env: { b: new Blob(["x"]) } }, key: { env: { l: LOADER } }, outbound: { globalOutbound: "x" }, cpu: { limits: { cpuMs: 0 } }, limit: { limits: { cpu: 1 } },
    tails: { tails: [5] }, unknown: { moduls: {} }, wasm: { modules: { "main.js": ok, "a.wasm": { wasm: new Uint8Array(3) } } },
  })) all[name] = await why(() => ask(LOADER.load(change && { ...code(ok), ...change })));
  return all;
},
"#;

#[test]
fn calls_and_answers() {
    let (_project, server) = serve(CASES);
    let all = case(&server, "request");
    assert_eq!(
        all,
        serde_json::json!({
            "status": 201, "b": "2", "method": "PUT", "url": "http://in.example/x?y", "h": "1", "body": "hi", "vars": "a",
            "env": { "A": "a", "when": 5, "map": [[1, { "0": 2 }]] }, "props": { "p": [1] },
        })
    );
    let entrypoints = case(&server, "entrypoints").to_string();
    for text in [
        "named me!",
        "named you!",
        "\"plain\"",
        "no fetch() handler",
        "exports no absent",
        "no default export",
        "does not implement the method",
    ] {
        assert!(entrypoints.contains(text), "{text}: {entrypoints}");
    }
    assert_eq!(case(&server, "streams"), "abab");
    assert_eq!(case(&server, "redirects"), "there http://other.example/to");
    let once = case(&server, "once");
    assert_eq!(
        once,
        serde_json::json!({ "first": ["1", "2", "3"], "second": "4", "calls": 1 })
    );
    assert_eq!(case(&server, "later"), "5");
    assert_eq!(
        case(&server, "failing"),
        serde_json::json!({ "all": ["RangeError: not yet", "RangeError: not yet", "no error: now", true, true], "calls": 5 })
    );
    assert_eq!(case(&server, "anonymous"), serde_json::json!(["1", "1", "1"]));
    let thrown = case(&server, "thrown");
    assert_eq!(thrown[0], "RangeError: too far");
    assert_eq!(thrown[1], "Error: Mine: own");
    assert_eq!(thrown[2], "Error: 7");
    assert!(
        thrown[3].as_str().unwrap().contains("did not return a Response"),
        "{thrown}"
    );
    assert_eq!(case(&server, "stale"), "no error: alive");
    // What load() gives is its event's.
    assert!(case(&server, "stale").as_str().unwrap().contains("is gone"));
}

#[test]
fn what_is_wrong_with_an_order_is_told_by_its_field() {
    let (_project, server) = serve(CASES);
    let all = case(&server, "fields");
    for (name, text) in [
        ("nothing", "expected a WorkerCode"),
        ("main", "mainModule: expected text"),
        ("absent", "mainModule: there is no module \"b.js\""),
        ("date", "compatibilityDate: expected a date"),
        ("flags", "compatibilityFlags: expected a list"),
        ("modules", "modules: expected an object"),
        ("extension", "modules[\"a.exe\"]"),
        ("python", "modules[\"a.py\"]: Python"),
        ("py", "modules[\"a\"]: Python"),
        ("kind", "modules[\"main.js\"].exe"),
        ("two", "modules[\"main.js\"]: expected one of"),
        ("js", "modules[\"main.js\"].js: expected text"),
        ("data", "modules[\"d\"].data: expected an ArrayBuffer"),
        ("escape", "modules: \"../x.js\" is no name"),
        ("env", "env: it can not be cloned"),
        ("list", "env: expected an object"),
        ("key", "env: it can not be cloned"),
        ("outbound", "globalOutbound: expected null"),
        ("cpu", "limits.cpuMs: expected a whole number, at least 1"),
        ("limit", "limits.cpu: expected one of"),
        ("tails", "tails[0]: expected a stub"),
        ("unknown", "moduls: a WorkerCode has no such field"),
    ] {
        let told = all[name].as_str().unwrap();
        assert!(
            told.starts_with("TypeError: load(): ") || told.starts_with("Error: "),
            "{name}: {told}"
        );
        assert!(told.contains(text), "{name}: {told}");
    }
    // Nothing imports it: that it is broken is told where something does.
    assert_eq!(all["wasm"], "no error: ok");
    assert_eq!(all["blob"], "no error: ok");
}
