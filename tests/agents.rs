//! Many agents of many tenants behind one policy: who is served, by whom, and what they cannot have of each other.

use std::fmt::Write as _;

use crate::harness::{Project, plain};

const CONFIG: &str = r#"
[outbound]
main = "policy.js"
[[agents]]
name = "scout"
tenant = "acme"
main = "agents/scout.js"
match = ["scout.localhost", "*.scout.example"]
vars = { OWN = "acme's" }
[agents.outbound]
props = { plan = "free", repos = ["acme/site"] }
parameters = { customer = "acme" }
[[agents]]
name = "scout"
tenant = "globex"
main = "agents/scout.js"
match = ["globex.localhost"]
vars = { OWN = "globex's" }
[agents.outbound]
props = { plan = "paid" }
[[agents]]
name = "writer"
tenant = "globex"
config = "agents/writer/wrangler.jsonc"
match = ["writer.localhost"]
[network]
allow = ["local"]
"#;

const AGENT: &str = r#"
let seen = [];
export default { async fetch(request, env, ctx) {
  const { hostname, search } = new URL(request.url);
  seen.push(hostname);
  globalThis.left = (globalThis.left ?? "") + hostname + ";";
  Object.prototype[`from ${hostname}`] = true;
  const egress = search ? await (await fetch("http://policy.example/")).json() : undefined;
  return Response.json({ env, seen, left: globalThis.left, props: ctx.props, agent: ctx.agent, egress, own: Object.keys(ctx) });
} };
"#;

const POLICY: &str = r"
export default { fetch(request, env, { agent, props }) {
  return Response.json({ agent, props, env, frozen: Object.isFrozen(agent) });
} };
";

fn project() -> Project {
    Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("policy.js", POLICY),
        ("agents/scout.js", AGENT),
        (
            "agents/writer/wrangler.jsonc",
            r#"{ "name": "ignored", "main": "index.js", "vars": { "A": 1 } }"#,
        ),
        (
            "agents/writer/index.js",
            "export default { fetch: (request, env) => Response.json({ writer: env }) };",
        ),
    ])
}

#[test]
fn a_request_finds_its_agent_by_host() {
    let server = project().serve(&["--threads", "1"]);
    let ask = |host: &str, path: &str| server.curl(path, &["-H", &format!("Host: {host}")]);
    let json = |host: &str, path: &str| -> serde_json::Value { serde_json::from_str(&ask(host, path).body).unwrap() };

    let acme = json("a.scout.example", "/?");
    assert_eq!(acme["env"], serde_json::json!({ "OWN": "acme's" }));
    // What the owner says to the policy about an agent is not the agent's.
    assert_eq!(
        (&acme["props"], &acme["agent"]),
        (&serde_json::json!({}), &serde_json::Value::Null)
    );
    let globex = json("GLOBEX.localhost:8787", "/?x");
    assert_eq!(globex["env"], serde_json::json!({ "OWN": "globex's" }));
    assert_eq!(
        globex["seen"],
        serde_json::json!(["globex.localhost"]),
        "state of another tenant's agent"
    );
    assert_eq!(globex["left"], "globex.localhost;");
    let again = json("scout.localhost.", "/?x");
    assert_eq!(
        again["seen"],
        serde_json::json!(["a.scout.example", "scout.localhost."])
    );

    assert_eq!(
        again["egress"]["props"],
        serde_json::json!({ "plan": "free", "repos": ["acme/site"] })
    );
    assert_eq!(again["egress"]["env"], serde_json::json!({ "customer": "acme" }));
    assert_eq!(globex["egress"]["props"], serde_json::json!({ "plan": "paid" }));
    assert_eq!(globex["egress"]["env"], serde_json::json!({}));
    let (one, other) = (&again["egress"]["agent"], &globex["egress"]["agent"]);
    assert_eq!((&one["name"], &one["tenant"]), (&"scout".into(), &"acme".into()));
    assert_eq!((&other["name"], &other["tenant"]), (&"scout".into(), &"globex".into()));
    assert_ne!(one["instance"], other["instance"]);
    assert_eq!(one["codeSha256"], other["codeSha256"], "the same code");
    assert_eq!(
        json("writer.localhost", "/"),
        serde_json::json!({ "writer": { "A": 1 } })
    );

    for stranger in [
        "localhost",
        "scout.example",
        "a.b.scout.example",
        "scout.localhost.evil.test",
        "xscout.localhost",
    ] {
        let answer = ask(stranger, "/");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, "Not Found\n"),
            "{stranger}"
        );
    }
}

#[test]
fn an_agent_cannot_choose_whose_it_is() {
    // The host says who calls; nothing that the agent sends or holds changes it.
    let project = project();
    project.write(
        "agents/scout.js",
        r#"import * as workers from "cloudflare:workers";
        export default { async fetch(request, env, ctx) {
          const tries = {
            exports: () => Object.keys(ctx.exports),
            own_policy: () => import("workerd-lite:" + "policy"),
            identity: () => ctx.identity.token({ audience: "https://a.example" }),
            binding: () => env.PARTNER.fetch("http://a.example"),
            caller: () => { ctx.caller = 1; Reflect.set(ctx, "agent", { name: "writer" }); return fetch("http://a.example/", { headers: { "x-agent": "writer" } }).then((r) => r.json()).then(({ agent }) => agent.tenant); },
            props: () => ctx.exports.default({ props: { admin: true } }).fetch("http://x/inner").then((r) => r.text()),
          };
          if (new URL(request.url).pathname === "/inner") return new Response(JSON.stringify(ctx.props) + Object.keys(env));
          const report = {};
          for (const [name, attempt] of Object.entries(tries)) {
            try { report[name] = await attempt(); } catch (error) { report[name] = error.name; }
          }
          return Response.json(report);
        } };"#,
    );
    let server = project.serve(&[]);
    let answer = server.curl("/", &["-H", "Host: globex.localhost"]);
    let report: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = serde_json::json!({
        "exports": ["default"], "own_policy": "TypeError", "identity": "TypeError", "binding": "TypeError",
        "caller": "globex", "props": "{\"admin\":true}OWN",
    });
    assert_eq!(report, expected);
}

#[test]
fn tenants_share_no_connection() {
    // Each caller has connections of its own: an upstream that binds state to a connection cannot mix them up.
    let upstream = plain();
    let project = project();
    let port = upstream.address.port();
    let agent = format!("export default {{ fetch: () => fetch('http://127.0.0.1:{port}/'), }};");
    project.write("agents/scout.js", &agent);
    project.write("policy.js", "export default { fetch: (request) => fetch(request) };");
    let server = project.serve(&["--threads", "1"]);
    for expected in [1, 2, 2] {
        let host = if expected == 1 {
            "scout.localhost"
        } else {
            "globex.localhost"
        };
        for _ in 0..3 {
            assert_eq!(server.curl("/", &["-H", &format!("Host: {host}")]).status, 200);
        }
        assert_eq!(upstream.open.load(std::sync::atomic::Ordering::SeqCst), expected);
    }
}

#[test]
fn a_cookie_of_one_tenant_is_not_anothers() {
    let upstream = plain();
    let project = project();
    let port = upstream.address.port();
    project.write(
        "agents/scout.js",
        &format!(
            "export default {{ fetch: () => fetch('http://127.0.0.1:{port}/cookie', {{ credentials: 'include' }}) }};"
        ),
    );
    project.write("policy.js", "export default { fetch: (request) => fetch(request) };");
    let server = project.serve(&["--threads", "1"]);
    for host in ["scout.localhost", "globex.localhost", "scout.localhost"] {
        let answer = server.curl("/", &["-H", &format!("Host: {host}")]);
        assert!(answer.headers.contains("set-cookie: session="), "{}", answer.headers);
        assert!(!answer.body.contains("\"cookie\""), "{}", answer.body);
    }
}

#[test]
fn hundreds_of_agents_start_and_answer() {
    let mut config = "threads = 1\n[outbound]\nmain = \"policy.js\"\n".to_owned();
    for agent in 0..150 {
        let _ = writeln!(
            config,
            "[[agents]]\nname = \"a{agent}\"\nmain = \"agent.js\"\nmatch = [\"a{agent}.localhost\"]"
        );
    }
    // One that does much of what tokio's cooperative budget counts, before anybody asks.
    let agent = "const channel = new MessageChannel(); let messages = 0; channel.port2.onmessage = () => messages++; \
                 for (let i = 0; i < 300; i++) channel.port1.postMessage(i); for (let i = 0; i < 300; i++) await null; \
                 export default { fetch: () => fetch('http://policy.example/') };";
    let project = Project::new(&[
        ("workerd-lite.toml", &config),
        ("agent.js", agent),
        (
            "policy.js",
            "export default { fetch: (request, env, ctx) => new Response(ctx.agent.name) };",
        ),
    ]);
    let server = project.serve(&[]);
    for agent in [0, 126, 127, 128, 129, 149] {
        let host = format!("host: a{agent}.localhost");
        assert_eq!(server.curl("/", &["-H", &host]).body, format!("a{agent}"));
    }
    server.signal("HUP");
    server.logged_within("the project was loaded anew", std::time::Duration::from_mins(1));
    assert_eq!(server.curl("/", &["-H", "host: a140.localhost"]).body, "a140");
}
