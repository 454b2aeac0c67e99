//! What Workers have beside the standards, and how bodies and streams are there.

use crate::harness::Project;

const AGENT: &str = r#"
import { cached } from "./caches.js";
import { others } from "./others.js";
import { streams } from "./streams.js";
export default { async fetch(request) {
  const url = new URL(request.url);
  if (url.pathname === "/coded") {
    const coded = new Response("squeezed").body.pipeThrough(new CompressionStream("gzip"));
    return new Response(coded, { encodeBody: "manual", headers: { "content-encoding": "gzip" } });
  }
  if (url.pathname === "/keep") {
    await caches.default.put("http://cache.test/kept", new Response("kept", { headers: { "cache-control": "max-age=60" } }));
    return new Response("put");
  }
  if (url.pathname === "/kept") return (await caches.default.match("http://cache.test/kept")) ?? new Response("none");
  if (url.pathname === "/policy") return fetch("http://policy/");
  const checks = { cached, others, streams }[url.pathname.slice(1)];
  const wrong = [];
  for (const [name, check] of Object.entries(checks)) {
    const late = scheduler.wait(9000).then(() => { throw new Error("it takes too long"); });
    try { if (!(await Promise.race([check(request), late]))) wrong.push(name); } catch (error) { wrong.push(`${name}: ${error?.stack ?? error}`); }
  }
  return new Response(wrong.join("\n") || "all");
} };
"#;

const POLICY: &str = r#"
export default { async fetch(request, env) {
  const { hostname } = new URL(request.url);
  if (hostname === "length") {
    const { headers } = await (await fetch(`http://127.0.0.1:${env.PORT}/`, request)).json();
    return new Response(headers["content-length"] ?? "none");
  }
  if (hostname === "events") {
    const last = request.headers.get("last-event-id");
    const text = last === null ? "retry: 5\nid: 1\ndata: first\n\n" : `data: after ${last}\n\n`;
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  }
  if (hostname === "policy") return (await caches.default.match("http://cache.test/kept")) ?? new Response("none");
  return new Response(request.body, { headers: request.headers });
} };
"#;

fn project(config: &str) -> Project {
    Project::new(&[
        ("agent.js", AGENT),
        ("caches.js", include_str!("../fixtures/web/caches.js")),
        ("others.js", include_str!("../fixtures/web/others.js")),
        ("streams.js", include_str!("../fixtures/web/streams.js")),
        ("policy/outbound.js", POLICY),
        ("workerd-lite.toml", config),
    ])
}

#[test]
fn streams_caches_and_the_rest_are_as_workers_have_them() {
    let upstream = crate::harness::plain();
    let project = project(&format!(
        "main = 'agent.js'\nthreads = 1\n[limits]\ncpu_ms = 10000\nbuffers_mb = 20\n[outbound]\nmain = 'policy/outbound.js'\n\
         vars = {{ PORT = {} }}\n[network]\nallow = ['local']\n",
        upstream.address.port()
    ));
    let server = project.serve(&[]);
    for checks in ["streams", "cached", "others"] {
        let answer = server.get(&format!("/{checks}"));
        assert_eq!(answer.body, "all", "{checks} {}", server.log());
    }
    // What is coded by hand is sent as it is.
    let answer = server.curl("/coded", &["--compressed", "-H", "Accept-Encoding: gzip"]);
    assert_eq!(answer.body, "squeezed");
}

#[test]
fn a_cache_is_one_agents_on_all_its_threads() {
    let project = project(
        "threads = 2\n[[agents]]\nname = 'one'\nmain = 'agent.js'\nmatch = ['one.localhost']\n\
         [[agents]]\nname = 'other'\nmain = 'agent.js'\nmatch = ['other.localhost']\n[outbound]\nmain = 'policy/outbound.js'\n",
    );
    let server = project.serve(&[]);
    let ask = |agent: &str, path: &str| server.curl(path, &["-H", &format!("Host: {agent}.localhost")]).body;
    assert_eq!(ask("other", "/kept"), "none");
    assert_eq!(ask("one", "/keep"), "put");
    // Each is a connection of its own, which any thread takes.
    for _ in 0..12 {
        assert_eq!(ask("one", "/kept"), "kept", "{}", server.log());
    }
    assert_eq!(ask("other", "/kept"), "none");
    assert_eq!(ask("one", "/policy"), "none");
}
