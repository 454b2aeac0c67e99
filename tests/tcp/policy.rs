//! What the policy allows, hands on and stands in between, and what is told of it.

use crate::tcp::servers::{Does, listen};
use crate::tcp::{DIALS, HANDS_ON, LOCAL, PIPES, ask, records, rule, serve};

#[test]
fn a_connection_passes_both_ways_and_is_recorded_at_its_end() {
    let server_of_echo = listen(Does::Echo);
    let port = server_of_echo.port;
    for policy in [HANDS_ON, PIPES] {
        let (project, server) = serve(DIALS, policy, &format!("{}{LOCAL}", rule(port)));
        let said = ask(&server, &format!("/echo?to=localhost:{port}"));
        assert_eq!(said["said"], "hello there", "{said}");
        assert_eq!(said["info"]["remoteAddress"], format!("localhost:{port}"));
        assert_eq!((&said["closed"], &said["upgraded"]), (&true.into(), &false.into()));
        assert_eq!(said["secure"], "off");
        let record = &records(&project, 1)[0];
        assert_eq!(record["kind"], "tcp", "{record}");
        assert_eq!(record["method"], "CONNECT");
        assert_eq!(record["url"], format!("tcp://localhost:{port}"));
        assert_eq!((&record["verdict"], &record["by"]), (&"allow".into(), &"policy".into()));
        assert_eq!(record["rule"], "outbound.egress[0]");
        assert_eq!(
            (&record["bytes_sent"], &record["bytes_received"]),
            (&11.into(), &11.into())
        );
        assert_eq!(record["closed"], "both");
        assert!(record["ms"]["connect"].is_number(), "{record}");
        server_of_echo.comes_to(0);
    }
}

#[test]
fn a_server_that_speaks_first_and_ends_is_read_to_its_end() {
    let listening = listen(Does::Says(b"220 ready"));
    let port = listening.port;
    let (_project, server) = serve(DIALS, HANDS_ON, &format!("{}{LOCAL}", rule(port)));
    assert_eq!(
        ask(&server, &format!("/reads?to=localhost:{port}")),
        serde_json::json!({ "said": "220 ready", "closed": true })
    );
    assert_eq!(server.ok(&format!("/pass?to=localhost:{port}")), "220 ready");
    listening.comes_to(0);
}

#[test]
fn much_passes_whole() {
    let bytes = 32 << 20;
    let listening = listen(Does::Sends(bytes));
    let port = listening.port;
    for policy in [HANDS_ON, PIPES] {
        let limits = "[limits]\ncpu_ms = 5000\n";
        let (_project, server) = serve(
            DIALS,
            policy,
            &format!("{}{LOCAL}{limits}[outbound.limits]\ncpu_ms = 5000\n", rule(port)),
        );
        assert_eq!(ask(&server, &format!("/large?to=localhost:{port}"))["bytes"], bytes);
    }
}

#[test]
fn without_a_handler_or_a_rule_there_is_none_and_the_agent_learns_nothing_of_either() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    let no_handler = "export default { fetch: (request) => fetch(request) };";
    let throws = "export default { fetch: (request) => fetch(request), connect() { throw new Error('the secret'); } };";
    let refuses = "export default { fetch: (request) => fetch(request), connect() {} };";
    let closes = "export default { fetch: (request) => fetch(request), connect(socket) { socket.close(); } };";
    let http = format!("[[outbound.egress]]\nhosts = ['localhost']\nprotocols = ['http', 'https']\n{LOCAL}");
    let other_port = format!("{}{LOCAL}", rule(1));
    let good = format!("{}{LOCAL}", rule(port));
    for (policy, more, by) in [
        (no_handler, good.as_str(), "policy"),
        (throws, &good, "policy"),
        (refuses, &good, "policy"),
        (closes, &good, "policy"),
        (HANDS_ON, LOCAL, "rule"),
        (HANDS_ON, &http, "rule"),
        (HANDS_ON, &other_port, "rule"),
        (HANDS_ON, &rule(port), "address"),
    ] {
        let (project, server) = serve(DIALS, policy, more);
        let said = ask(&server, &format!("/echo?to=localhost:{port}"));
        assert_eq!(
            said["error"], "Error: proxy request failed, cannot connect to the specified address",
            "{policy} {more}"
        );
        let record = &records(&project, 1)[0];
        assert_eq!(
            (&record["verdict"], &record["by"]),
            (&"deny".into(), &by.into()),
            "{record}"
        );
        assert_eq!(record["kind"], "tcp");
    }
    assert_eq!(listening.accepted.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn an_agents_own_rules_come_first() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    let rules = |protocols: &str| {
        format!(
            "{}{LOCAL}[[agents]]\nname = 'a'\nmain = 'agent.js'\nmatch = ['127.0.0.1']\n[[agents.egress]]\nhosts = ['localhost']\n{protocols}\n",
            rule(port)
        )
    };
    for (protocols, may) in [
        ("", false),
        ("protocols = ['https']", false),
        ("protocols = ['tcp', 'https']", true),
    ] {
        let project = crate::harness::Project::new(&[("agent.js", DIALS), ("policy.js", HANDS_ON)]);
        project.write(
            "workerd-lite.toml",
            &format!("threads = 1\n[outbound]\nmain = 'policy.js'\n{}", rules(protocols)),
        );
        let server = project.serve(&[]);
        let said = ask(&server, &format!("/echo?to=localhost:{port}"));
        assert_eq!(said["said"] == "hello there", may, "{protocols} {said}");
    }
}

#[test]
fn a_policy_reads_why_a_connection_fails() {
    let policy = r#"
import { connect } from "cloudflare:sockets";
export default {
  async fetch(request) {
    const to = new URL(request.url).searchParams.get("to");
    try { await connect(to).opened; return new Response("open"); } catch (error) { return new Response(`${error.name} ${error.code} ${error.message}`); }
  },
};"#;
    let agent =
        "export default { fetch: (request) => fetch('http://policy.test/?' + new URL(request.url).searchParams) };";
    let (_project, server) = serve(
        agent,
        policy,
        &format!(
            "[[outbound.egress]]\nhosts = ['localhost', 'nowhere.invalid']\nprotocols = ['tcp']\nports = [1]\n{LOCAL}"
        ),
    );
    for (to, words) in [
        ("localhost:1", "localhost:1: Connection refused"),
        ("localhost:2", "localhost:2: no rule of [[outbound.egress]] allows it"),
        ("nowhere.invalid:1", "nowhere.invalid:1: "),
        ("evil.test:80", "consider using fetch instead"),
    ] {
        let said = server.ok(&format!("/?to={to}"));
        assert!(
            said.starts_with("Error ECONNREFUSED proxy request failed, cannot connect to the specified address: ")
                && said.contains(words),
            "{said}"
        );
    }
}

#[test]
fn addresses_and_options_are_read_as_workerd_reads_them() {
    let agent = r#"
import { connect } from "cloudflare:sockets";
const tries = [
  () => connect("localhost"), () => connect(""), () => connect("localhost:0"), () => connect("localhost:99999"), () => connect({ hostname: "localhost" }),
  () => connect("localhost:1", { secureTransport: "maybe" }), () => connect("localhost:1", { highWaterMark: -1 }), () => connect(),
  () => connect("localhost:1").startTls(), () => connect("localhost:1", { secureTransport: "on" }).startTls(),
];
export default { fetch() {
  return Response.json(tries.map((attempt) => { try { return `${attempt()}`; } catch (error) { return `${error.name}: ${error.message}`; } }));
} };"#;
    let (_project, server) = serve(agent, HANDS_ON, LOCAL);
    let said = server.ok("/");
    let said: Vec<String> = serde_json::from_str(&said).unwrap();
    assert!(said.iter().all(|one| one.starts_with("TypeError: ")), "{said:#?}");
    assert!(said[5].contains("Unsupported value in secureTransport socket option: maybe"));
    assert!(said[8].contains("must be set to 'starttls'") && said[9].contains("Cannot startTls on a TLS socket."));
    let top = crate::harness::Project::new(&[(
        "agent.js",
        "import { connect } from 'cloudflare:sockets'; connect('a:1'); export default { fetch() {} };",
    )]);
    assert!(
        top.refused(&["agent.js"])
            .contains("Disallowed operation called within global scope")
    );
}

#[test]
fn loaded_workers_go_the_same_way_or_none() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    let script = serde_json::to_string(DIALS).unwrap();
    let agent = format!(
        "const script = {script};
export default {{ async fetch(request, env) {{
  const to = new URL(request.url).searchParams.get('to');
  const ask = async (more) => {{
    const worker = env.LOADER.load({{ compatibilityDate: '2026-08-04', mainModule: 'm.js', modules: {{ 'm.js': script }}, ...more }});
    return await (await worker.getEntrypoint().fetch('http://in.test/echo?to=' + to)).json();
  }};
  return Response.json([await ask({{}}), await ask({{ globalOutbound: null }})]);
}} }};"
    );
    let project = crate::harness::Project::new(&[("agent.js", &agent), ("policy.js", HANDS_ON)]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[[agents]]\nname = 'scout'\nmain = 'agent.js'\nmatch = ['127.0.0.1']\nloaders = ['LOADER']\n\
             [limits]\ncpu_ms = 2000\n[outbound]\nmain = 'policy.js'\n{}{LOCAL}",
            rule(port)
        ),
    );
    let server = project.serve(&[]);
    let said = ask(&server, &format!("/?to=localhost:{port}"));
    assert_eq!(said[0]["said"], "hello there", "{said}");
    assert!(
        said[1]["error"]
            .as_str()
            .unwrap()
            .contains("not permitted to access the internet"),
        "{said}"
    );
    listening.comes_to(0);
}

#[test]
fn a_service_is_no_way_out() {
    let agent = r#"
export default { async fetch(request, env) {
  try { await env.STORE.connect("localhost:1"); return new Response("called"); } catch (error) { return new Response(error.message); }
} };"#;
    let policy = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export default { fetch: () => new Response("no") };
export class Store extends WorkerEntrypoint { connect() { return "called"; } }
"#;
    let project = crate::harness::Project::new(&[("agent.js", agent), ("policy.js", policy)]);
    project.write(
        "workerd-lite.toml",
        "threads = 1\n[[agents]]\nname = 'a'\nmain = 'agent.js'\nmatch = ['127.0.0.1']\n\
         services = [{ binding = 'STORE', service = 'outbound', entrypoint = 'Store' }]\n[outbound]\nmain = 'policy.js'\n",
    );
    let server = project.serve(&[]);
    assert_eq!(
        server.ok("/"),
        "'connect' is a reserved method and cannot be called over RPC."
    );
}

/// A policy whose connections are those of a server of `node:net`: `cloudflare:node`.
#[test]
fn a_server_of_nodes_takes_connections_that_are_asked_for() {
    let policy = r#"
import net from "node:net";
import { connectHandler, handleAsNodeConnection } from "cloudflare:node";
net.createServer((socket) => {
  let said = "";
  socket.setEncoding("utf8");
  socket.on("data", (text) => (said += text));
  socket.on("end", () => socket.end(said.toUpperCase()));
}).listen(7001);
net.createServer((socket) => {
  for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(65536, i));
  socket.end();
}).listen(7002);
net.createServer((socket) => socket.destroy()).listen(7003);
export default connectHandler({ fetch: async () => new Response(await handleAsNodeConnection({}).catch((error) => error.code)) });
"#;
    let agent = DIALS.replace(
        "const asks = {",
        "const asks = {\n  async policy() { return await (await fetch('http://policy.test/')).text(); },",
    );
    let (_project, server) = serve(
        &agent,
        policy,
        "[limits]\ncpu_ms = 5000\n[outbound.limits]\ncpu_ms = 5000\n",
    );
    assert_eq!(ask(&server, "/echo?to=any.test:7001")["said"], "HELLO THERE");
    assert_eq!(ask(&server, "/large?to=any.test:7002")["bytes"], 64 * 65536);
    assert_eq!(ask(&server, "/reads?to=any.test:7003")["said"], "");
    assert_eq!(ask(&server, "/policy"), "ERR_INVALID_ARG_TYPE");
    let refused = ask(&server, "/reads?to=any.test:7004");
    assert!(refused["error"].is_string(), "{refused}");
    server.logged("No net.Server is listening on port 7004.");
}
