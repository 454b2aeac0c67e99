//! Bodies at the edges: without bytes, of a GET, of a HEAD, and read twice.

use std::io::Read as _;

use crate::harness::raw::{Next, Raw};
use crate::harness::{Project, Server, json};

const AGENT: &str = r#"
const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);
const told = { "content-length": "5" };
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  const upstream = `http://127.0.0.1:${env.PORT}`;
  switch (pathname) {
    case "/none": {
      const answer = await fetch(`${upstream}/none`);
      const reader = answer.body?.getReader();
      const head = await fetch(`${upstream}/none`, { method: "HEAD" });
      const none = await fetch(`${upstream}/204`);
      return Response.json([answer.status, (await reader?.read())?.done, head.body, none.body]);
    }
    case "/pass": return fetch(`${upstream}/pass`, request);
    case "/copy": return fetch(new Request(`${upstream}/copy`, request));
    case "/parts": return fetch(`${upstream}/parts`, { method: request.method, headers: request.headers, body: request.body });
    case "/given": {
      const tries = [
        () => new Request(request, { body: "given" }),
        () => new Request(new Request(upstream, { method: "POST", body: "x" }), { method: "GET" }),
        () => new Request(new Request(upstream, { method: "POST", body: "x" }), new Request(upstream)),
      ];
      return Response.json(tries.map((run) => { try { run(); return "taken"; } catch (error) { return error.name; } }));
    }
    case "/body": return Response.json([request.body !== null, await request.text()]);
    case "/stream": return new Response(new ReadableStream({ pull(c) { c.enqueue(encode("hello")); c.close(); } }), { headers: told });
    case "/coded": return new Response(new Blob(["hello"]).stream(), { headers: { ...told, "content-encoding": "gzip" } });
    case "/blob": return new Response(new Blob(["hel", "lo"]).stream());
    case "/text": return new Response("hello");
    case "/throws": throw new Error("thrown");
    case "/204": return new Response(null, { status: 204, headers: told });
    case "/twice": {
      const seen = [];
      for (const make of [(body) => new Response(body), (body) => new Request(upstream, { method: "POST", body })]) {
        for (const read of ["arrayBuffer", "bytes"]) {
          const first = make(encode("hello")), second = first.clone(), third = second.clone();
          new Uint8Array(await first[read]()).fill(0);
          const given = decode(await second[read]());
          seen.push(given + decode(await third[read]()));
        }
      }
      return Response.json(seen);
    }
  }
} };
"#;

fn serve() -> (Project, Raw, Server) {
    let upstream = Raw::start(None, |seen| {
        let says = match seen.path() {
            "/204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            "/none" => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
            _ => {
                // The first chunk, where it comes in chunks.
                let body = seen.body.lines().nth(1).unwrap_or(&seen.body);
                let text = format!("{} {body}", seen.method());
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len())
            }
        };
        (says.into_bytes(), Next::Keep)
    });
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", "export default { fetch: (request) => fetch(request) };"),
    ]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[[agents]]\nname = 'agent'\nmain = 'agent.js'\nvars = {{ PORT = {} }}\n\
             [outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n",
            upstream.address.port()
        ),
    );
    let server = project.serve(&[]);
    (project, upstream, server)
}

/// The whole answer, after which the connection is closed.
fn ask(server: &Server, head: &str, body: &str) -> String {
    let mut answer = String::new();
    let asked = format!("{head}\r\nhost: a\r\nconnection: close\r\n\r\n{body}");
    server.raw(asked.as_bytes()).read_to_string(&mut answer).unwrap();
    answer
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or(answer, |(_, body)| body)
}

#[test]
fn an_answer_without_bytes_has_a_body() {
    let (_project, _upstream, server) = serve();
    let none = serde_json::json!([200, true, null, null]);
    assert_eq!(json(&server.get("/none").body), none, "{}", server.log());
}

#[test]
fn a_request_that_says_that_it_has_no_bytes_has_a_body() {
    let (_project, _upstream, server) = serve();
    for (head, has) in [
        ("POST /body HTTP/1.1\r\ncontent-length: 0", true),
        ("PUT /body HTTP/1.1\r\ncontent-length: 0", true),
        ("POST /body HTTP/1.1", false),
        ("GET /body HTTP/1.1\r\ncontent-length: 0", false),
        ("GET /body HTTP/1.1", false),
    ] {
        let answer = ask(&server, head, "");
        assert_eq!(json(body_of(&answer)), serde_json::json!([has, ""]), "{head}: {answer}");
    }
    for (head, passed) in [
        ("POST /pass HTTP/1.1\r\ncontent-length: 0", "POST "),
        ("GET /parts HTTP/1.1\r\ncontent-length: 0", "GET "),
    ] {
        assert_eq!(body_of(&ask(&server, head, "")), passed, "{}", server.log());
    }
}

#[test]
fn a_get_of_a_client_goes_on_with_its_body() {
    let (_project, upstream, server) = serve();
    for path in ["pass", "copy"] {
        let head = format!("GET /{path} HTTP/1.1\r\ncontent-length: 3");
        assert_eq!(body_of(&ask(&server, &head, "abc")), "GET abc", "{}", server.log());
        let head = format!("GET /{path} HTTP/1.1\r\ntransfer-encoding: chunked");
        assert_eq!(body_of(&ask(&server, &head, "3\r\nabc\r\n0\r\n\r\n")), "GET abc");
    }
    assert_eq!(upstream.seen().len(), 4);
    // No script gives one to a GET.
    let answer = ask(&server, "GET /given HTTP/1.1\r\ncontent-length: 3", "abc");
    let refused = serde_json::json!(["TypeError", "TypeError", "TypeError"]);
    assert_eq!(json(body_of(&answer)), refused);
    let answer = ask(&server, "GET /parts HTTP/1.1\r\ncontent-length: 3", "abc");
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[test]
fn what_is_said_of_a_length_is_true_or_of_a_head() {
    let (_project, _upstream, server) = serve();
    for (head, length) in [
        ("HEAD /stream", Some("5")),
        ("HEAD /coded", None),
        ("GET /stream", None),
        ("GET /blob", Some("5")),
        ("GET /204", None),
        ("HEAD /204", None),
    ] {
        let answer = ask(&server, &format!("{head} HTTP/1.1"), "");
        let (lines, body) = answer.split_once("\r\n\r\n").unwrap();
        let said = lines
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(said, length, "{head}: {answer}");
        assert_eq!(
            body.is_empty(),
            head.contains("HEAD") || head.contains("204"),
            "{answer}"
        );
    }
}

#[test]
fn who_reads_a_copy_has_bytes_of_its_own() {
    let (_project, _upstream, server) = serve();
    let seen = serde_json::json!(["hellohello", "hellohello", "hellohello", "hellohello"]);
    assert_eq!(json(&server.get("/twice").body), seen, "{}", server.log());
}

/// Over HTTP/2 a body behind the head of a HEAD breaks the protocol.
#[test]
fn a_head_has_no_body() {
    let (_project, _upstream, server) = serve();
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for (path, length) in [
            ("/stream", Some("5")),
            ("/coded", None),
            ("/blob", Some("5")),
            ("/text", Some("5")),
            ("/none", Some("20")),
            ("/throws", Some("22")),
        ] {
            let url = format!("http://{}{path}", server.address);
            let output = std::process::Command::new("curl")
                .args(["-sS", "--max-time", "10", "--head", version, &url])
                .output()
                .unwrap();
            assert!(output.status.success(), "{version} {path}: {output:?}");
            let head = String::from_utf8(output.stdout).unwrap().to_lowercase();
            let said = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map(str::trim);
            assert_eq!(said, length, "{version} {path}: {head}");
            // The connection goes on.
            assert_eq!(server.curl("/text", &[version]).body, "hello");
        }
    }
}
