//! Trailer fields: they pass with bodies that are handed on, and nothing passes by them that may not.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;

use crate::harness::{Project, Server};

const AGENT: &str = "export default { async fetch(request) { \
    const { pathname, search } = new URL(request.url); \
    const asked = new Request('http://127.0.0.1:PORT' + pathname + search, request); \
    if (pathname === '/read') return new Response(await (await fetch(asked)).text()); \
    if (pathname === '/wrapped') { const got = await fetch(asked); return new Response(got.body, got); } \
    return fetch(asked); } };";

const POLICY: &str = "export default { async fetch(request, env) { \
    const { pathname } = new URL(request.url); \
    if (pathname === '/policy-reads') return new Response(await (await fetch(request)).text()); \
    return (pathname.startsWith('/keyed') ? env.KEYED : globalThis).fetch(request); } };";

/// What an upstream has seen of one request: its head, its body and what followed it.
type Seen = (HeaderMap, Vec<u8>, HeaderMap);

/// An upstream that speaks HTTP/2 without TLS, and says back what came behind the body, behind its own.
struct Upstream {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let noted = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let noted = Arc::clone(&noted);
                    tokio::task::spawn_local(async move {
                        let Ok(mut connection) = h2::server::handshake(stream).await else {
                            return;
                        };
                        while let Some(Ok((request, respond))) = connection.accept().await {
                            tokio::task::spawn_local(answer(request, respond, Arc::clone(&noted)));
                        }
                    });
                }
            });
        });
        Self { address, seen }
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().unwrap()
    }
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    noted: Arc<Mutex<Vec<Seen>>>,
) {
    let (head, mut body) = request.into_parts();
    let mut read = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        read.extend_from_slice(&data);
        let _ = body.flow_control().release_capacity(data.len());
    }
    let behind = body.trailers().await.ok().flatten().unwrap_or_default();
    noted
        .lock()
        .unwrap()
        .push((head.headers.clone(), read.clone(), behind.clone()));
    if head.uri.path() == "/status-alone" {
        let response = Response::builder().header("grpc-status", "5").body(()).unwrap();
        respond.send_response(response, true).unwrap();
        return;
    }
    let mut trailers = behind;
    for (name, value) in [
        ("grpc-status", "0"),
        ("x-twice", "a"),
        ("set-cookie", "smuggled=1"),
        ("content-length", "3"),
        ("cf-connecting-ip", "9.9.9.9"),
    ] {
        trailers.append(name, value.parse().unwrap());
    }
    trailers.append("x-twice", "b".parse().unwrap());
    if let Some(key) = head.headers.get("authorization") {
        trailers.append("x-echo", key.clone());
    }
    if head.uri.path() == "/large" {
        trailers.append("x-large", "y".repeat(20_000).parse().unwrap());
    }
    let mut send = respond.send_response(Response::new(()), false).unwrap();
    send.send_data(Bytes::from(read), false).unwrap();
    let _ = send.send_trailers(trailers);
}

fn project(upstream: SocketAddr) -> Project {
    Project::new(&[
        ("agent.js", &AGENT.replace("PORT", &upstream.port().to_string())),
        ("policy.js", POLICY),
        (".dev.vars", "KEY=the-secret-key\n"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 2\n[network]\nallow = ['local']\n[credentials.keyed]\ntype = 'bearer'\nsecret = 'KEY'\n\
             hosts = ['127.0.0.1:PORT']\n[outbound]\nmain = 'policy.js'\ncredentials = [{ binding = 'KEYED', credential = 'keyed' }]\n\
             [[outbound.egress]]\nhosts = ['127.0.0.1:PORT']\nh2c = true\n"
                .replace("PORT", &upstream.port().to_string())
                .as_str(),
        ),
    ])
}

/// What a client of HTTP/2 gets for a body of two pieces and these trailers: status, head, body and what follows it.
fn ask(
    server: &Server,
    path: &str,
    fields: &[(&str, &str)],
    trailers: &[(&str, &str)],
) -> (u16, HeaderMap, String, Option<HeaderMap>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let map = |fields: &[(&str, &str)]| {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        map
    };
    let asking = async {
        let stream = TcpStream::connect(&server.address).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut send = send.ready().await.unwrap();
        let mut request = Request::post(format!("http://{}{path}", server.address))
            .body(())
            .unwrap();
        *request.headers_mut() = map(fields);
        let (response, mut body) = send.send_request(request, false).unwrap();
        body.send_data("one ".into(), false).unwrap();
        body.send_data("two".into(), false).unwrap();
        body.send_trailers(map(trailers)).unwrap();
        // The reset of a body that is cut may come before its head is read.
        let Ok(response) = response.await else {
            return (0, HeaderMap::new(), "cut".to_owned(), None);
        };
        let (head, mut body) = response.into_parts();
        let mut read = Vec::new();
        while let Some(data) = body.data().await {
            let Ok(data) = data else {
                return (head.status.as_u16(), head.headers, "cut".to_owned(), None);
            };
            read.extend_from_slice(&data);
            let _ = body.flow_control().release_capacity(data.len());
        }
        let behind = body.trailers().await.unwrap_or_default();
        connection.abort();
        (
            head.status.as_u16(),
            head.headers,
            String::from_utf8(read).unwrap(),
            behind,
        )
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap() })
}

fn values(fields: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in fields {
        all.entry(name.to_string())
            .or_default()
            .push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    all
}

fn expected(fields: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    fields
        .iter()
        .map(|(name, values)| {
            (
                (*name).to_owned(),
                values.iter().map(|value| (*value).to_owned()).collect(),
            )
        })
        .collect()
}

#[test]
fn they_pass_with_a_body_that_is_handed_on() {
    let upstream = Upstream::start();
    let project = project(upstream.address);
    let server = project.serve(&[]);
    let fields = [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("x-head", "h"),
    ];
    let trailers = [("x-behind", "it")];
    for path in ["/", "/wrapped"] {
        let (status, _, body, behind) = ask(&server, path, &fields, &trailers);
        assert_eq!((status, &*body), (200, "one two"), "{}", server.log());
        let come = expected(&[("grpc-status", &["0"]), ("x-behind", &["it"]), ("x-twice", &["a", "b"])]);
        assert_eq!(values(&behind.unwrap()), come, "{path}");
        let (head, read, behind) = upstream.last();
        assert_eq!((&head["te"], &*read), (&"trailers".parse().unwrap(), &b"one two"[..]));
        assert_eq!(values(&behind), expected(&[("x-behind", &["it"])]));
    }
    // Who reads a body has no trailers of it.
    for path in ["/read", "/policy-reads"] {
        let (status, _, body, behind) = ask(&server, path, &fields, &trailers);
        assert_eq!((status, &*body, behind), (200, "one two", None), "{path}");
    }
    let (status, head, body, behind) = ask(&server, "/status-alone", &fields, &[]);
    assert_eq!(
        (status, &head["grpc-status"], &*body, behind),
        (200, &"5".parse().unwrap(), "", None)
    );
}

#[test]
fn nothing_is_smuggled_by_them() {
    let upstream = Upstream::start();
    let project = project(upstream.address);
    let server = project.serve(&[]);
    let smuggled = [
        ("host", "evil.example"),
        ("authorization", "Bearer mine"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "9.9.9.9"),
        ("cf-connecting-ip", "9.9.9.9"),
        ("content-length", "0"),
        ("content-type", "text/html"),
        ("content-encoding", "gzip"),
        ("x-head", "another"),
        ("te", "trailers"),
        ("x-http-method-override", "DELETE"),
        ("x-fine", "1"),
    ];
    let (status, _, body, _) = ask(&server, "/", &[("x-head", "h")], &smuggled);
    assert_eq!((status, &*body), (200, "one two"), "{}", server.log());
    let (head, _, behind) = upstream.last();
    assert_eq!(values(&behind), expected(&[("x-fine", &["1"])]));
    assert!(!head.contains_key("te"), "{head:?}");
    // What a credential sent does not come back by them.
    let (status, _, _, behind) = ask(&server, "/keyed", &[], &[]);
    assert_eq!(status, 200);
    let behind = values(&behind.unwrap());
    assert!(!format!("{behind:?}").contains("the-secret-key"), "{behind:?}");
    assert!(behind.contains_key("x-echo"), "{behind:?}");
    assert_eq!(upstream.last().0["authorization"], "Bearer the-secret-key");
    // More than they may be ends the body.
    assert_eq!(ask(&server, "/large", &[], &[]).2, "cut");
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field as HPACK has it without any compression (RFC 7541, section 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

#[test]
fn pseudo_fields_are_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                stream.write_all(&frame(4, 0, 0, &[])).unwrap();
                stream.write_all(&frame(4, 1, 0, &[])).unwrap();
                // Whatever is asked on the first stream.
                let mut read = [0; 4096];
                let mut seen = Vec::new();
                while !seen
                    .windows(4)
                    .any(|window| window == b"two\0" || window.ends_with(b"two"))
                {
                    let count = stream.read(&mut read).unwrap_or(0);
                    if count == 0 {
                        return;
                    }
                    seen.extend_from_slice(&read[..count]);
                }
                let trailers = [field(":status", "500"), field(":path", "/evil"), field("x-fine", "1")].concat();
                let answer = [
                    frame(1, 4, 1, &field(":status", "200")),
                    frame(0, 0, 1, b"body"),
                    frame(1, 5, 1, &trailers),
                ];
                let _ = stream.write_all(&answer.concat());
                std::thread::sleep(Duration::from_secs(2));
            });
        }
    });
    let project = project(address);
    let server = project.serve(&[]);
    let (status, _, body, behind) = ask(&server, "/", &[], &[]);
    assert_eq!(status, 200, "{}", server.log());
    // The message is malformed (RFC 9113, section 8.1): it is cut, or these fields are left out.
    if body != "cut" {
        let behind = values(&behind.unwrap_or_default());
        assert!(behind.keys().all(|name| name == "x-fine"), "{behind:?}");
    }
}

/// An upstream of HTTP/1.1 that answers as it was asked: `announced` is its `Trailer`, and all that followed the request follows its answer.
fn upstream_of_http_1(announced: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = Vec::new();
            let mut byte = [0];
            while !(read.ends_with(b"\r\n\r\n") && read.windows(5).any(|window| window == b"\r\n0\r\n")) {
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                read.push(byte[0]);
            }
            noted.lock().unwrap().push(String::from_utf8(read).unwrap());
            let answer = format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: {announced}\r\nconnection: close\r\n\r\n\
                 4\r\nbody\r\n0\r\nx-behind: it\r\nX-Twice: a\r\nx-twice: b\r\nset-cookie: smuggled=1\r\nx-unannounced: 1\r\ncontent-length: 7\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, seen)
}

#[test]
fn over_http_1_those_pass_that_a_head_announces() {
    let (address, seen) =
        upstream_of_http_1("x-behind, X-Twice, set-cookie, content-length, transfer-encoding, x-never");
    for isolation in ["", "[isolation]\nagents = 'process'\n"] {
        let project = Project::new(&[
            ("agent.js", &AGENT.replace("PORT", &address.port().to_string())),
            ("policy.js", "export default { fetch: (request) => fetch(request) };"),
            (
                "workerd-lite.toml",
                &format!(
                    "main = 'agent.js'\nthreads = 1\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n{isolation}"
                ),
            ),
        ]);
        let server = project.serve(&[]);
        let ask = |fields: &str| {
            let mut client = server.raw(
                format!(
                    "POST /a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{fields}x-head: h\r\n\r\n\
                     3\r\nabc\r\n0\r\nx-sum: 7\r\nx-other: o\r\nhost: evil.example\r\nauthorization: Bearer x\r\nx-head: another\r\n\r\n"
                )
                .as_bytes(),
            );
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            (
                answer.to_ascii_lowercase(),
                seen.lock().unwrap().pop().unwrap().to_ascii_lowercase(),
            )
        };
        let (answer, asked) = ask("te: trailers\r\ntrailer: x-sum, authorization, host, x-head\r\n");
        assert!(asked.contains("\r\ntrailer: x-sum, x-head\r\n"), "{asked}");
        assert!(asked.ends_with("\r\n0\r\nx-sum: 7\r\n\r\n"), "{asked}");
        assert!(
            answer.contains("\r\ntrailer: x-behind, x-twice, x-never\r\n"),
            "{answer}"
        );
        assert!(
            answer.ends_with("\r\n0\r\nx-behind: it\r\nx-twice: a\r\nx-twice: b\r\n\r\n"),
            "{answer}"
        );
        // What was not announced does not follow, and nothing does for a client that did not ask.
        let (answer, asked) = ask("");
        assert!(
            !asked.contains("trailer") && asked.ends_with("\r\n0\r\n\r\n"),
            "{asked}"
        );
        assert!(answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
    }
}

#[test]
fn servers_of_node_read_and_say_them() {
    let worker = r#"
        import { createServer } from "node:http";
        import { httpServerHandler } from "cloudflare:node";
        createServer(async (request, response) => {
          let text = "";
          for await (const chunk of request) text += chunk;
          if (request.url === "/silent") return response.end("no trailers");
          response.setHeader("trailer", "X-Sum, X-Saw, content-length");
          response.write("it is ");
          if (request.url === "/slow") await new Promise((resolve) => setTimeout(resolve, 50));
          response.addTrailers({ "X-Sum": String(text.length), "X-Saw": request.trailers["x-sum"] ?? "none", "X-Unannounced": "1", "set-cookie": "smuggled=1" });
          response.end(text);
        }).listen(8080);
        export default httpServerHandler({ port: 8080 });
    "#;
    let project = Project::new(&[
        ("worker.js", worker),
        ("workerd-lite.toml", "main = 'worker.js'\nthreads = 1\n"),
    ]);
    let server = project.serve(&[]);
    for path in ["/", "/slow"] {
        let (status, _, body, behind) = ask(&server, path, &[], &[("x-sum", "7"), ("authorization", "x")]);
        assert_eq!((status, &*body), (200, "it is one two"), "{}", server.log());
        let behind = values(&behind.unwrap());
        assert_eq!(
            behind,
            expected(&[("x-sum", &["7"]), ("x-saw", &["7"]), ("x-unannounced", &["1"])])
        );
        let mut client = server.raw(
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nte: trailers\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                 3\r\nabc\r\n0\r\nx-sum: 9\r\n\r\n"
            )
            .as_bytes(),
        );
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        let answer = answer.to_ascii_lowercase();
        assert!(answer.contains("\r\ntrailer: x-sum, x-saw\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n0\r\nx-sum: 3\r\nx-saw: 9\r\n\r\n"), "{answer}");
        // Who does not ask for them has none, and neither does one without a body of its own to say.
        assert_eq!(server.get(path).body, "it is ");
    }
    assert_eq!(server.get("/silent").body, "no trailers");
}
