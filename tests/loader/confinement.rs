//! What a loaded worker can not do: leave another way than its loader's, be another, or go on after the event that it works for.

use std::time::Duration;

use super::{case, serve};
use crate::harness::json;

const CASES: &str = r#"
async seen({ LOADER }) {
  const worker = code("export default { async fetch(r) { return fetch('http://up.example/x', { headers: { 'x-agent': 'admin' } }) } }", { env: { agent: { name: "admin" } } });
  const one = JSON.parse(await ask(LOADER.get("one", () => worker), null, { props: { agent: { name: "admin" }, name: "admin" } }));
  const odd = JSON.parse(await ask(LOADER.get("../other", () => worker)));
  const other = JSON.parse(await ask(LOADER.get("two", () => ({ ...worker, modules: { ...worker.modules, "b.js": "" } }))));
  const own = await (await fetch("http://up.example/own")).json();
  const denied = await ask(LOADER.load(code("export default { async fetch() { return new Response((await fetch('http://elsewhere.test/')).status) } }")));
  return { one, odd, other, own, denied };
},
async none({ LOADER }) {
  const all = {};
  for (const [name, body] of Object.entries({
    fetch: `await fetch("http://up.example/")`, request: `await fetch(new Request("http://up.example/", { method: "POST", body: "x" }))`,
    connect: `const { connect } = await import("cloudflare:sockets"); const s = connect("up.example:80"); await s.opened`,
    http: `const http = await import("node:http"); await new Promise((ok, no) => http.get("http://up.example/", ok).on("error", no))`,
    net: `const net = await import("node:net"); await new Promise((ok, no) => { const s = net.connect(80, "up.example"); s.on("error", no); s.on("data", ok); s.on("close", () => no(new Error("closed"))); s.write("GET / HTTP/1.1\\r\\nhost: up.example\\r\\n\\r\\n"); })`,
    import: `await import("http://up.example/x.js")`, source: `await new Promise((ok, no) => { const s = new EventSource("http://up.example/"); s.onopen = ok; s.onerror = () => no(new Error("closed")); })`,
    dns: `const dns = await import("node:dns/promises"); await dns.lookup("up.example")`, socket: `await new Promise((ok, no) => { const s = new WebSocket("ws://up.example/"); s.onopen = ok; s.onerror = ({ message }) => no(new Error(message)); })`,
    upgrade: `await fetch("http://up.example/", { headers: { upgrade: "websocket" } })`,
    loopback: `await (await import("cloudflare:workers")).exports.default.fetch("http://up.example/").then(() => { throw new Error("own") })`,
    loader: `await env.LOADER.load({})`, cache: `await caches.default.add("http://up.example/")`,
  })) {
    const stub = LOADER.load(code(`let depth = 0; export default { async fetch(r, env) { if (depth++) return new Response("inner"); ${body}; return new Response("out") } }`, { globalOutbound: null }));
    all[name] = await why(ask(stub));
  }
  return all;
},
async strings({ LOADER }) {
  const all = [];
  for (const body of [`eval("1")`, `new Function("return 1")()`, `(async () => {}).constructor("return 1")()`, `setTimeout("1")`, `new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))`,
    `Deno.core.ops`, `__bootstrap.core`, `process.binding("fs")`, `process.mainModule.require("child_process")`, `new SharedArrayBuffer(1)`]) {
    all.push(await why(ask(LOADER.load(code(`export default { fetch() { const x = ${body}; return new Response("ran " + x) } }`)))));
  }
  return all;
},
async apart({ LOADER }) {
  globalThis.secret = "loader's"; Object.prototype.left = "by loader";
  const stub = LOADER.load(code(`Object.prototype.then2 = 1; globalThis.mine = 1; export default { fetch() { return Response.json([globalThis.secret ?? null, ({}).left ?? null]) } }`));
  const inner = JSON.parse(await ask(stub));
  delete Object.prototype.left;
  return [inner, globalThis.mine ?? null, ({}).then2 ?? null];
},
async outlives({ LOADER }, ctx) {
  const stub = LOADER.get("outlives", () => code(`export default { fetch(r, env, ctx) { ctx.waitUntil((async () => { for (let i = 0; i < 100; i++) { await scheduler.wait(20); await fetch("http://late.example/" + i); } })()); return new Response("started") } }`));
  return ask(stub);
},
async forever({ LOADER }) {
  const stub = LOADER.get("forever", () => code(`export default { async fetch(r) { for (let i = 0; ; i++) { await scheduler.wait(20); await fetch("http://forever.example/" + i); } } }`));
  return ask(stub);
},
async poisoned({ LOADER }) {
  const { fetch: kept } = globalThis;
  for (const key of ["get", "set", "has"]) Map.prototype[key] = () => { throw new Error("poisoned"); };
  Object.prototype.toJSON = () => "poisoned"; Object.prototype.kind = "wasm"; Array.prototype[Symbol.iterator] = function* () { yield 1; };
  try { return await why(ask(LOADER.load(code("export default { fetch: () => new Response('plain') }")))); } finally { delete Object.prototype.toJSON; delete Object.prototype.kind; }
},
"#;

#[test]
fn the_policy_sees_who_it_is() {
    let (project, server) = serve(CASES);
    let all = case(&server, "seen");
    let agent = |name: &str| &all[name]["agent"];
    assert_eq!(
        (&agent("one")["name"], &agent("one")["parent"]),
        (&"scout/one".into(), &"scout".into())
    );
    assert_eq!(agent("one")["tenant"], "acme");
    let odd = agent("odd")["name"].as_str().unwrap();
    assert!(odd.starts_with("scout/sha256-"), "{odd}");
    // Its own modules, and no others, make its hash.
    assert_eq!(agent("one")["codeSha256"], agent("odd")["codeSha256"]);
    assert_ne!(agent("one")["codeSha256"], agent("other")["codeSha256"]);
    let own = &all["own"]["agent"];
    assert_eq!(
        (&own["name"], &own["parent"]),
        (&"scout".into(), &serde_json::Value::Null)
    );
    assert_ne!(agent("one")["codeSha256"], own["codeSha256"]);
    // The agent's own rules hold for what it loads.
    assert_eq!(all["denied"], "403");
    std::thread::sleep(Duration::from_millis(200));
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let records: Vec<serde_json::Value> = audit.lines().map(json).collect();
    let of = |name: &str| records.iter().filter(|record| record["agent"] == name).count();
    assert_eq!((of("scout/one"), of("scout/two"), of("scout")), (1, 1, 1), "{audit}");
    assert!(records.iter().any(|record| record["verdict"] == "deny"), "{audit}");
}

#[test]
fn without_a_way_out_nothing_leaves() {
    let (project, server) = serve(CASES);
    let all = case(&server, "none");
    for (name, told) in all.as_object().unwrap() {
        let told = told.as_str().unwrap();
        assert!(!told.starts_with("no error"), "{name}: {told}");
    }
    assert!(
        all["fetch"]
            .as_str()
            .unwrap()
            .contains("not permitted to access the internet"),
        "{all}"
    );
    std::thread::sleep(Duration::from_millis(100));
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap_or_default();
    assert!(!audit.contains("up.example"), "{audit}");
}

#[test]
fn it_is_confined_as_its_loader_is() {
    let (_project, server) = serve(CASES);
    for told in case(&server, "strings").as_array().unwrap() {
        assert!(!told.as_str().unwrap().starts_with("no error"), "{told}");
    }
    assert_eq!(case(&server, "apart"), serde_json::json!([[null, null], null, null]));
    let poisoned = case(&server, "poisoned");
    assert!(!poisoned.as_str().unwrap_or_default().is_empty(), "{poisoned}");
}

#[test]
fn it_ends_with_the_event_that_it_works_for() {
    let (project, server) = serve(CASES);
    assert_eq!(case(&server, "outlives"), "started");
    // A client that goes takes its event along, and what that has called.
    server.curl("/forever", &["--max-time", "1.5"]);
    std::thread::sleep(Duration::from_millis(300));
    let audit = || std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap_or_default();
    let before = audit();
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(before, audit());
    assert!(before.contains("forever.example"), "{before}");
    let late = before.matches("late.example").count();
    assert!(late <= 3, "{late}: {before}");
}
