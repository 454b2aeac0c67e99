//! Ways round the outbound worker. Each must fail, and the canary must stay untouched.

use std::sync::atomic::Ordering;

use crate::harness::{Project, plain};

const ATTEMPTS: &str = r#"
import * as workers from "cloudflare:workers";
const attempts = {
  own_entrypoint: (ctx) => ctx.exports.default({ props: { caller: 1 } }).fetch("http://127.0.0.1:PORT/inner"),
  own_entrypoint_bare: () => workers.exports.default.fetch("http://127.0.0.1:PORT/inner"),
  stub_constructor: (ctx) => new (ctx.exports.default().constructor)("x", () => {}, {}).fetch("http://127.0.0.1:PORT/"),
  rpc_stub: () => new workers.RpcStub({}).fetch("http://127.0.0.1:PORT/"),
  service_stub: () => new workers.ServiceStub().fetch("http://127.0.0.1:PORT/"),
  entrypoint_class: (ctx) => new workers.WorkerEntrypoint(ctx, {}).fetch("http://127.0.0.1:PORT/"),
  identity: (ctx) => ctx.identity.token({ audience: "http://127.0.0.1:PORT" }),
  import_policy: () => import("workerd-lite:" + "policy"),
  file: () => fetch("file:///etc/passwd"),
  data: () => fetch("data:text/plain,x"),
  ext: () => fetch("ext:core/ops"),
  userinfo: () => fetch("http://a:b@127.0.0.1:PORT/"),
  upgrade: () => fetch("http://127.0.0.1:PORT/", { headers: { Upgrade: "websocket" } }),
  connect: () => fetch("http://127.0.0.1:PORT/", { method: "CONNECT" }),
  trace: () => fetch("http://127.0.0.1:PORT/", { method: "TRACE" }),
  crlf: () => fetch("http://127.0.0.1:PORT/", { headers: { "x-a": "1\r\nhost: evil" } }),
  import_url: () => import("http://127.0.0.1:" + PORT + "/x.js"),
  import_data: () => import("data:text/javascript,export default 1"),
  import_file: () => import("/etc/" + "passwd"),
  import_node: () => import("node:" + "fs"),
  import_ext: () => import("ext:" + "core/mod.js"),
  websocket: () => new WebSocket("ws://127.0.0.1:PORT/"),
  worker: () => new Worker("http://127.0.0.1:PORT/x.js"),
  xhr: () => new XMLHttpRequest(),
  eval: () => eval("1"),
  function: () => new Function("return 1")(),
  async_function: () => new (async () => {}).constructor("return 1")(),
  deno: () => { if (typeof Deno === "undefined") throw new Error("absent"); },
  bootstrap: () => { if (typeof __bootstrap === "undefined" && typeof __workerdLite === "undefined") throw new Error("absent"); },
  import_scripts: () => importScripts("http://127.0.0.1:PORT/x.js"),
  fetcher: () => new Fetcher({}, 0).fetch("http://127.0.0.1:PORT/"),
  tampered: () => {
    const request = new Request("http://a.example/");
    for (const key of Object.getOwnPropertySymbols(request)) {
      const inner = request[key];
      if (inner && typeof inner === "object" && "urlList" in inner) {
        inner.headerList = [["x\nhost", "evil"], ["bad name", "x"]];
      }
    }
    return fetch(request);
  },
  event_source: () => new Promise((resolve, reject) => {
    const source = new EventSource("http://127.0.0.1:PORT/");
    source.onopen = resolve;
    source.onerror = () => { source.close(); reject(new Error("no stream")); };
  }),
};
export default { async fetch(request, env, ctx) {
  if (new URL(request.url).pathname === "/inner") return fetch("http://127.0.0.1:PORT/from-inside");
  const report = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try { const result = await attempt(ctx); report[name] = result?.status === 403 ? "denied by the policy" : "PASSED"; } catch (error) { report[name] = `${error.name}: ${error.message}`; }
  }
  return Response.json(report);
} };
"#;

#[test]
fn no_way_round_the_outbound_worker() {
    let canary = plain();
    let project = Project::new(&[
        (
            "agent.js",
            &ATTEMPTS.replace("PORT", &canary.address.port().to_string()),
        ),
        // It allows nothing, so that whatever reaches the canary went round it.
        (
            "outbound.js",
            "export default { fetch: () => new Response('denied', { status: 403 }) };",
        ),
        (
            "workerd-lite.toml",
            "[outbound]\nmain = 'outbound.js'\n[network]\nallow = ['local', 'public']\n",
        ),
    ]);
    let server = project.serve(&["agent.js"]);
    let answer = server.get("/");
    let report: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&answer.body).unwrap();
    for (name, outcome) in &report {
        assert_ne!(outcome, "PASSED", "{name}");
    }
    assert!(report.len() >= 33, "{report:?}");
    assert_eq!(canary.requests.load(Ordering::SeqCst), 0, "{report:#?}");
    assert!(
        report["import_url"]
            .as_str()
            .unwrap()
            .contains("no code from the network"),
        "{report:#?}"
    );
    assert!(
        report["websocket"].as_str().unwrap().contains("not supported"),
        "{report:#?}"
    );
}
