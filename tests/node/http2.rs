//! `node:http2`'s client: streams of its sessions are requests that the policy decides on, and it says what Node's says.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::http::POLICY;
use super::same::says_what_node_says;
use crate::harness::certs::Certs;
use crate::harness::{Project, json as parsed, peers};

const WORKER: &str = "import { run } from './http2.mjs';\nimport http2 from 'node:http2';
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  const base = searchParams.get('base');
  if (pathname === '/run') {
    const lines = [];
    await run(base, (name, value) => lines.push(`${name}: ${value}`));
    return new Response(lines.join('\\n'));
  }
  const session = http2.connect(base);
  const failures = [];
  session.on('error', (error) => failures.push(error.code));
  const ask = (headers) => new Promise((resolve) => {
    let stream;
    try { stream = session.request(headers); } catch (error) { return resolve(error.code); }
    stream.on('response', async (head) => {
      let text = '';
      for await (const piece of stream) text += piece;
      resolve([head[':status'], text]);
    });
    stream.on('error', (error) => resolve(error.code));
    stream.end();
  });
  const answers = [];
  for (const headers of JSON.parse(searchParams.get('requests'))) answers.push(await ask(headers));
  return Response.json([answers, failures]);
} };";

fn config(port: u64, main: &str) -> String {
    format!(
        "main = '{main}'\nlimits = {{ cpu_ms = 20000, startup_cpu_ms = 20000, subrequests = 100 }}\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\n\
         hosts = ['127.0.0.1:{port}', 'localhost:{port}']\nh2c = true\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n"
    )
}

#[test]
fn a_client_says_what_nodes_says() {
    let Some(folder) = peers::npm() else { return };
    let upstream = peers::Service::start(&folder, "http2_server.mjs", &[]);
    let port = upstream.port();
    let node = format!(
        "import {{ run }} from './http2.mjs';\nawait run('http://127.0.0.1:{port}', (name, value) => console.log(`${{name}}: ${{value}}`));\nprocess.exit();"
    );
    let project = Project::new(&[
        ("worker.js", WORKER),
        ("http2.mjs", include_str!("../../fixtures/node/http2.js")),
        ("policy.js", POLICY),
        ("node.mjs", &node),
        ("workerd-lite.toml", &config(port, "worker.js")),
    ]);
    let server = project.serve(&[]);
    let ours = server.get(&format!("/run?base=http://127.0.0.1:{port}"));
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    says_what_node_says(&project, &ours.body, |_| false);
}

#[test]
fn each_stream_is_judged_and_goes_to_its_sessions_origin() {
    let Some(folder) = peers::npm() else { return };
    let upstream = peers::Service::start(&folder, "http2_server.mjs", &[]);
    let port = upstream.port();
    let project = Project::new(&[
        ("worker.js", WORKER),
        ("http2.mjs", include_str!("../../fixtures/node/http2.js")),
        ("policy.js", POLICY),
        ("workerd-lite.toml", &config(port, "worker.js")),
    ]);
    let server = project.serve(&[]);
    let ask = |base: &str, requests: serde_json::Value| {
        let requests = percent_encoding::utf8_percent_encode(&requests.to_string(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
        parsed(&server.ok(&format!("/?base={base}&requests={requests}")))
    };
    let base = format!("http://127.0.0.1:{port}");
    let answers = ask(
        &base,
        json!([
            { ":path": "/denied" },
            { ":path": "/a", ":authority": "elsewhere.test", ":scheme": "https", "x-own": "1" },
            { ":path": "/thrown" },
            { ":path": "@elsewhere.test/" },
            { ":path": "http://elsewhere.test/" },
            { ":path": "//elsewhere.test/" },
            { ":method": "CONNECT", ":authority": "elsewhere.test:80" },
            { ":path": "/", "x-a": "1\r\nx-b: 2" },
        ]),
    );
    assert_eq!(answers[0][0], json!([403, "no"]));
    let echo = parsed(answers[0][1][1].as_str().unwrap());
    assert_eq!(
        echo,
        json!(["GET", "/a", format!("127.0.0.1:{port}"), "1", "seen", null, 0])
    );
    // The policy's failure ends its stream and no other, and says nothing of why.
    assert_eq!(answers[0][2], "ECONNRESET");
    assert_eq!(answers[0][3], "ERR_HTTP2_INVALID_PSEUDOHEADER");
    assert_eq!(answers[0][4], "ERR_HTTP2_INVALID_PSEUDOHEADER");
    assert_eq!(parsed(answers[0][5][1].as_str().unwrap())[1], "//elsewhere.test/");
    assert_eq!(answers[0][6], "ERR_HTTP2_INVALID_PSEUDOHEADER");
    assert_eq!(answers[0][7], "ERR_INVALID_CHAR");
    assert_eq!(answers[1], json!([]));
    // A session that reaches nobody fails, as one whose connection does.
    let answers = ask(&base, json!([{ ":path": "/thrown" }]));
    assert_eq!(answers, json!([["ERR_HTTP2_STREAM_CANCEL"], ["ECONNREFUSED"]]));
    assert!(!server.log().contains("secret\n") || !answers.to_string().contains("secret"));
}

#[test]
fn grpc_js_calls_through_the_policy() {
    let Some(folder) = peers::npm() else { return };
    let upstream = peers::Service::start(&folder, "grpc_server.mjs", &[]);
    let port = upstream.port();
    let project = Project::new(&[("policy.js", POLICY), ("workerd-lite.toml", &config(port, "worker.js"))]);
    bundle(&folder, &project);
    let server = project.serve(&[]);
    // A name that is the machine's own, by its standard.
    let ours = server.ok(&format!("/?address=localhost:{port}"));
    let node = peers::node(&folder, "grpc_under_node.mjs", &[&format!("127.0.0.1:{port}")]);
    let said = String::from_utf8_lossy(&node.stdout).into_owned();
    assert_eq!(parsed(&ours), parsed(&said), "{}", server.log());
    assert_eq!(parsed(&ours)[0], json!([null, "echo hello -", "the body"]));
}

#[test]
fn grpc_js_calls_over_tls_with_a_certificate() {
    let Some(folder) = peers::npm() else { return };
    let project = Project::new(&[
        (
            "policy.js",
            "export default { fetch: (request, env) => env.PARTNER.fetch(request) };",
        ),
        ("plain.js", "export default { fetch: (request) => fetch(request) };"),
    ]);
    Certs::make(project.path());
    bundle(&folder, &project);
    // The server closes each connection while there are calls on it.
    let certs = project.path().to_str().unwrap();
    let upstream = peers::Service::start(&folder, "grpc_server.mjs", &[certs, "400"]);
    let port = upstream.port();
    let config = |policy: &str| {
        format!(
            "main = 'worker.js'\nlimits = {{ cpu_ms = 20000, startup_cpu_ms = 20000, subrequests = 200 }}\n[outbound]\nmain = '{policy}'\n\
             mtls_certificates = [{{ binding = 'PARTNER', certificate_id = 'partner' }}]\n[certificates.partner]\nhosts = ['partner.localhost:{port}']\n\
             cert = 'agent.pem'\nkey = 'agent.key'\nca = ['ca.pem']\n[network]\nallow = ['local']\nca = ['ca.pem']\n"
        )
    };
    project.write("workerd-lite.toml", &config("policy.js"));
    let server = project.serve(&[]);
    let path = format!("/?tls&address=partner.localhost:{port}");
    let ours = server.ok(&path);
    let node = peers::node(&folder, "grpc_under_node.mjs", &[&format!("127.0.0.1:{port}"), certs]);
    let said = String::from_utf8_lossy(&node.stdout).into_owned();
    let (ours, said) = (parsed(&ours), parsed(&said));
    // Node's own connection has an end, which a call that is silent meanwhile does not outlive; here each call is one of the host's.
    let all_but_quiet = |answers: &serde_json::Value| answers.as_array().unwrap()[..11].to_vec();
    assert_eq!(all_but_quiet(&ours), all_but_quiet(&said), "{}", server.log());
    assert_eq!(ours[0], json!([null, "echo hello -", "the body"]));
    assert_eq!((&ours[11], &ours[12]), (&json!(0), &json!(["re:after"])));
    drop(server);
    // Without the certificate there is no call.
    project.write("workerd-lite.toml", &config("plain.js"));
    let server = project.serve(&[]);
    let answers = parsed(&server.ok(&path));
    assert_eq!(answers[0][0][0], 14, "{answers}");
}

/// What an agent that calls by gRPC is made of.
fn bundle(folder: &Path, project: &Project) {
    let bundled = Command::new(folder.join("node_modules/.bin/esbuild"))
        .args([
            "grpc.js",
            "--bundle",
            "--format=esm",
            "--platform=node",
            "--conditions=workerd,worker,browser",
        ])
        .arg(format!("--outfile={}", project.path().join("worker.js").display()))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(bundled.status.success(), "{}", String::from_utf8_lossy(&bundled.stderr));
}

#[test]
fn trailers_of_clients_are_nodes() {
    let Some(folder) = peers::npm() else { return };
    let project = Project::new(&[
        ("trailers.mjs", include_str!("../../fixtures/node/trailers.js")),
        (
            "worker.js",
            "import { run } from './trailers.mjs';\nimport tls from 'node:tls';\nexport default { async fetch(request) {\n\
             const [port, secure] = new URL(request.url).searchParams.getAll('port').map(Number);\nconst lines = [];\n\
             const connect = () => tls.connect({ host: 'partner.localhost', port: secure, ALPNProtocols: ['h2'] });\n\
             await run({ port, origin: `https://partner.localhost:${secure}`, connect }, (name, value) => lines.push(`${name}: ${value}`));\n\
             return new Response(lines.join('\\n'));\n} };",
        ),
        (
            "policy.js",
            "export default { fetch: (request, env) => request.url.startsWith('https:') ? env.PARTNER.fetch(request) : fetch(request) };",
        ),
    ]);
    Certs::make(project.path());
    let upstream = peers::Service::start(&folder, "trailers_server.mjs", &[project.path().to_str().unwrap()]);
    let (port, secure) = (upstream.port(), upstream.said["secure"].as_u64().unwrap());
    project.write(
        "node.mjs",
        &format!(
            "import {{ run }} from './trailers.mjs';\nimport fs from 'node:fs';\nimport tls from 'node:tls';\n\
             const read = (name) => fs.readFileSync(new URL(name, import.meta.url));\nconst connect = () => tls.connect({{ host: '127.0.0.1', port: {secure}, \
             servername: 'partner.localhost', ALPNProtocols: ['h2'], ca: read('ca.pem'), key: read('agent.key'), cert: read('agent.pem') }});\n\
             await run({{ port: {port}, origin: 'https://partner.localhost:{secure}', connect }}, (name, value) => console.log(`${{name}}: ${{value}}`));\nprocess.exit();"
        ),
    );
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'worker.js'\n[limits]\ncpu_ms = 20000\n[outbound]\nmain = 'policy.js'\n\
             mtls_certificates = [{{ binding = 'PARTNER', certificate_id = 'partner' }}]\n[certificates.partner]\nhosts = ['partner.localhost:{secure}']\n\
             cert = 'agent.pem'\nkey = 'agent.key'\nca = ['ca.pem']\n[network]\nallow = ['local']\n"
        ),
    );
    let server = project.serve(&[]);
    let ours = server.get(&format!("/?port={port}&port={secure}"));
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    assert!(
        ours.body.contains("scout agent") && ours.body.contains(r#"{\"x-sum\":\"4\"}"#),
        "{}",
        ours.body
    );
    says_what_node_says(&project, &ours.body, |_| false);
}
