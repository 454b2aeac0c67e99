//! Node's clients of HTTP: their requests are the worker's own fetch, which the policy decides on, and their answers are what Node gives.

use serde_json::{Value, json};

use crate::harness::raw::{Next, Raw, Seen};
use crate::harness::{self, Project, Server};

/// gzip of "zipped".
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xca\x2c\x28\x48\x4d\x01\x00\x57\x68\xc2\xe2\x06\x00\x00\x00";

/// A request's body without its chunks' sizes.
fn whole(request: &Seen) -> String {
    if !request.head.to_lowercase().contains("transfer-encoding: chunked") {
        return request.body.clone();
    }
    let lines: Vec<&str> = request.body.split("\r\n").collect();
    lines.chunks(2).filter_map(|chunk| chunk.get(1).copied()).collect()
}

fn answer(request: &Seen) -> (Vec<u8>, Next) {
    let path = request.path().split('?').next().unwrap_or_default();
    let text = |text: &str| (text.as_bytes().to_vec(), Next::Keep);
    match path {
        "/204" => text("HTTP/1.1 204 No Content\r\n\r\n"),
        "/304" => text("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
        "/redirect" => text("HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 5\r\n\r\nmoved"),
        "/reason" => text("HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n"),
        "/fields" => text(
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Joined: 1\r\nX-Joined: 2\r\nAge: 1\r\nAge: 2\r\nContent-Length: 0\r\n\r\n",
        ),
        "/gzip" => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                GZIP.len()
            );
            ([head.as_bytes(), GZIP].concat(), Next::Keep)
        }
        "/chunks" => text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        "/hang" => (Vec::new(), Next::Keep),
        "/cut" => (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart".to_vec(),
            Next::Close,
        ),
        "/big" => {
            let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n".to_vec();
            bytes.resize(bytes.len() + (4 << 20), b'x');
            (bytes, Next::Keep)
        }
        _ => {
            let told = json!([request.head, whole(request)]).to_string();
            let length = told.len();
            let told = if request.method() == "HEAD" { "" } else { &told };
            text(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{told}"))
        }
    }
}

/// Denies, throws, and marks what it lets pass.
pub(super) const POLICY: &str = "export default { fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/denied') return new Response('no', { status: 403 });
  if (pathname === '/thrown') throw new Error('secret');
  const headers = new Headers(request.headers);
  headers.set('x-policy', 'seen');
  return fetch(new Request(request, { headers }));
} };";

struct Clients {
    upstream: Raw,
    server: Server,
    _project: Project,
}

impl Clients {
    fn new() -> Self {
        let upstream = Raw::start(None, answer);
        let agent = "import { cases } from './http_agent.js';\nexport default { async fetch(request) {\n  const { pathname, searchParams } = new URL(request.url);\n  \
                     return Response.json(await cases[pathname.slice(1)](searchParams.get('base')));\n} };";
        let project = Project::new(&[
            ("agent/worker.js", agent),
            ("agent/http_agent.js", include_str!("../../fixtures/node/http_agent.js")),
            ("policy.js", POLICY),
            (
                "workerd-lite.toml",
                "main = 'agent/worker.js'\nlimits = { cpu_ms = 20000 }\n[outbound]\nmain = 'policy.js'\nlimits = { cpu_ms = 20000 }\n[network]\nallow = ['local']\n",
            ),
        ]);
        let server = project.serve(&[]);
        Self {
            upstream,
            server,
            _project: project,
        }
    }

    fn case(&self, name: &str) -> Value {
        let answer = self
            .server
            .get(&format!("/{name}?base=http://{}", self.upstream.address));
        assert_eq!(answer.status, 200, "{name}: {} {}", answer.body, self.server.log());
        harness::json(&answer.body)
    }
}

/// The head and the body that the upstream has told.
fn echo(text: &Value) -> (String, String) {
    let told = harness::json(text.as_str().unwrap());
    (
        told[0].as_str().unwrap().to_lowercase(),
        told[1].as_str().unwrap().to_owned(),
    )
}

#[test]
fn requests_are_the_workers_own_fetch() {
    let clients = Clients::new();
    let host = format!("host: {}\r\n", clients.upstream.address);

    let methods = clients.case("methods");
    for (index, body, field) in [
        (0, "", "x-two: "),
        (1, "hello", "content-length: 5\r\n"),
        (2, "abc", "transfer-encoding: chunked\r\n"),
        (3, "", "x-policy: seen\r\n"),
    ] {
        let (head, sent) = echo(&methods[index]);
        assert_eq!(sent, body, "{head}");
        assert!(head.contains(&host) && head.contains("x-policy: seen\r\n"), "{head}");
        assert!(head.contains(field) && !head.contains("elsewhere.test"), "{head}");
    }
    assert_eq!(
        methods.as_array().unwrap()[4..],
        json!([200, "", "1.1", "OK", true]).as_array().unwrap()[..]
    );
    assert_eq!(
        clients.case("statuses"),
        json!([204, "", 304, "\"x\"", 302, "/echo", "moved", "Fine"])
    );
    assert_eq!(clients.case("headers"), json!([["a=1", "b=2"], "1, 2", "1"]));
    assert_eq!(clients.case("coded"), json!(["gzip", 0x1f, 0x8b, true]));
    let expects = clients.case("expects");
    assert_eq!(expects[0], json!(["socket", "continue", "finish"]));
    assert_eq!(echo(&expects[1]).1, "late");
    assert_eq!(clients.case("big"), 4 << 20);
    assert_eq!(
        clients.case("agents"),
        json!([[200, 200, 200], true, true, "I'm a Teapot"])
    );
    assert_eq!(
        clients.case("errors"),
        json!([
            "ECONNREFUSED",
            "ABORT_ERR",
            ["ECONNRESET", "socket hang up"],
            "ERR_HTTP_HEADERS_SENT",
            "ECONNRESET",
            "ERR_INVALID_HTTP_TOKEN",
            "ERR_INVALID_CHAR",
            "ERR_INVALID_HTTP_TOKEN",
            "ERR_UNESCAPED_CHARACTERS",
            "ERR_INVALID_PROTOCOL"
        ])
    );
    assert_eq!(
        clients.case("others"),
        json!([
            [true, true, "http/1.1", "a.test"],
            [true, false, true, true, false, true],
            ["Range: IPv4 1.2.3.4-1.2.3.9", "Address: IPv6 2001:db8::1", "Subnet: IPv4 10.0.0.0/8"],
            "2001:db8::1",
            6,
            false,
            "ECONNREFUSED",
            ":path",
            "ENOTFOUND",
            { "address": "127.0.0.1", "family": 4 },
            "nothing",
            "ERR_OPTION_NOT_IMPLEMENTED"
        ])
    );
}

/// What the policy denies stays denied, and bytes that two readers would read in two ways reach nobody.
#[test]
fn no_client_gets_past_the_policy() {
    let clients = Clients::new();
    assert_eq!(clients.case("denied"), json!([403, "no", "ECONNREFUSED"]));
    assert_eq!(clients.case("smuggling"), json!(["ECONNREFUSED"]));
    assert_eq!(clients.case("hosts"), json!(["ENOTFOUND"]));
    let seen: Vec<String> = clients.upstream.seen().into_iter().map(|seen| seen.head).collect();
    assert!(seen.is_empty(), "{seen:?}");

    let sockets = clients.case("sockets");
    let two = sockets[0].as_str().unwrap();
    assert_eq!(two.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{two}");
    assert!(two.contains("\"abc\"]") && !two.contains("elsewhere.test"), "{two}");
    assert!(two.matches("x-policy: seen").count() == 2, "{two}");
    let old = sockets[1].as_str().unwrap();
    assert!(old.ends_with("\r\n\r\nabc") && !old.contains("chunked"), "{old}");
}

/// A message ends with its event, and a connection that is used in another makes requests of that one.
#[test]
fn what_an_event_leaves_behind_is_of_no_use_to_another() {
    let upstream = Raw::start(None, answer);
    let agent = "
import http from 'node:http';
import net from 'node:net';
const agent = new http.Agent({ keepAlive: true });
let left = {};
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  const base = searchParams.get('base');
  const get = (path) => new Promise((resolve, reject) => http.get(base + path, { agent }, resolve).on('error', reject));
  if (pathname === '/leave') {
    const response = await get('/big');
    const socket = net.connect(+new URL(base).port, '127.0.0.1');
    await new Promise((resolve) => socket.on('connect', resolve));
    left = { response, socket };
    return new Response('left');
  }
  const { response, socket } = left;
  await new Promise((resolve) => setTimeout(resolve, 20));
  const outcome = [response.destroyed, response.aborted, response.complete];
  socket.write('GET /echo HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n');
  const first = await new Promise((resolve) => socket.once('data', (chunk) => resolve(`${chunk}`.slice(0, 15))));
  const again = await get('/echo');
  again.resume();
  return Response.json([outcome, first, again.statusCode, Object.keys(agent.freeSockets).length]);
} };";
    let project = Project::new(&[
        ("agent.js", agent),
        ("policy.js", POLICY),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n",
        ),
    ]);
    let server = project.serve(&[]);
    let base = format!("base=http://{}", upstream.address);
    assert_eq!(server.get(&format!("/leave?{base}")).body, "left");
    let answer = server.get(&format!("/take?{base}"));
    assert_eq!(
        harness::json(&answer.body),
        json!([[true, true, false], "HTTP/1.1 200 OK", 200, 0]),
        "{}",
        server.log()
    );
}
