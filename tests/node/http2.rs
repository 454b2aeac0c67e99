//! `node:http2`'s client: streams of its sessions are requests that the policy decides on, and it says what Node's says.

use std::process::Command;

use serde_json::json;

use super::http::POLICY;
use super::same::says_what_node_says;
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
    let bundled = Command::new(folder.join("node_modules/.bin/esbuild"))
        .args([
            "grpc.js",
            "--bundle",
            "--format=esm",
            "--platform=node",
            "--conditions=workerd,worker,browser",
        ])
        .arg(format!("--outfile={}", project.path().join("worker.js").display()))
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(bundled.status.success(), "{}", String::from_utf8_lossy(&bundled.stderr));
    let server = project.serve(&[]);
    // A name that is the machine's own, by its standard.
    let ours = server.ok(&format!("/?address=localhost:{port}"));
    let node = peers::node(&folder, "grpc_under_node.mjs", &[&format!("127.0.0.1:{port}")]);
    let said = String::from_utf8_lossy(&node.stdout).into_owned();
    assert_eq!(parsed(&ours), parsed(&said), "{}", server.log());
    assert_eq!(parsed(&ours)[0], json!([null, "echo hello -", "the body"]));
}
