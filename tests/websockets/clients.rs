//! Clients' WebSockets: what an agent accepts, hands on, or refuses.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use crate::harness::websockets::{Client, Peer, closing};
use crate::harness::{Project, Server, upstreams};
use crate::websockets::PASSES;

const AGENT: &str = r#"
export default { async fetch(request, env, ctx) {
  const { pathname, searchParams } = new URL(request.url);
  if (request.headers.get("Upgrade") !== "websocket") return new Response("upgrade", { status: 426 });
  if (pathname === "/refuses") return new Response("no", { status: 403 });
  if (pathname === "/passes") return fetch(searchParams.get("to"), request);
  const pair = new WebSocketPair();
  const [client, server] = pair;
  if (pathname === "/accepted") { client.accept(); return new Response(null, { status: 101, webSocket: client }); }
  server.accept(pathname === "/half" ? { allowHalfOpen: true } : undefined);
  server.binaryType = "arraybuffer";
  let sum = 0;
  server.addEventListener("message", async ({ data }) => {
    if (data === "loop") for (;;);
    if (data === "throw") throw new Error("of a listener");
    if (data === "leave") return server.close(1013, "later");
    if (data === "work") { const end = Date.now(); for (let i = 0; i < 6e6; i++) sum += i % 7; }
    if (data === "timer") await scheduler.wait(30);
    server.send(typeof data === "string" ? `${pathname} ${data}` : data);
  });
  if (pathname === "/throws") {
    server.addEventListener("error", ({ error, message }) => console.log(`heard ${error.name} and ${message}`));
    server.addEventListener("message", () => { throw new RangeError("by a listener"); });
  }
  server.addEventListener("close", ({ code, reason, wasClean }) => {
    console.log(`heard ${code} ${reason} ${wasClean} ${server.readyState}`);
    if (pathname === "/half") { server.send("late"); server.close(4001, "mine"); console.log(`then ${server.readyState}`); }
  });
  return new Response(null, { status: 101, webSocket: client });
} };
"#;

fn serve(more: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", PASSES)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\nthreads = 1\nshutdown = '5s'\n{more}\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n"),
    );
    let server = project.serve(&[]);
    (project, server)
}

#[test]
fn a_listener_that_throws_ends_its_socket() {
    let (_project, server) = serve("");
    let mut other = Client::open(&server.address, "localhost", "/echo");
    let mut client = Client::open(&server.address, "localhost", "/throws");
    client.send("a");
    assert_eq!(client.next(), "/throws a");
    assert_eq!(client.next(), "close 1011 ");
    server.logged("heard RangeError and Uncaught RangeError: by a listener");
    server.logged("heard 1006  false 3");
    other.send("b");
    assert_eq!(other.next(), "/echo b");
}

#[test]
fn an_agent_accepts_speaks_and_closes() {
    let (_project, server) = serve("");
    let mut client = Client::open(&server.address, "localhost", "/echo");
    for text in ["a", "", "throw", "timer"] {
        client.send(text);
        if text != "throw" {
            assert_eq!(client.next(), format!("/echo {text}"));
        }
    }
    client.send(vec![0_u8; 200_000]);
    assert_eq!(client.next(), "200000 bytes");
    client.send(Message::Ping("x".into()));
    client.send(closing(3005, "over"));
    assert_eq!(client.next(), "close 3005 over");
    server.logged("heard 3005 over true 3");
    server.logged("of a listener");
    let mut client = Client::open(&server.address, "localhost", "/echo");
    client.send("leave");
    assert_eq!(client.next(), "close 1013 later");
    let client = Client::open(&server.address, "localhost", "/echo");
    drop(client);
    server.logged("heard 1006");
    assert_eq!(
        Client::try_open(&server.address, "localhost", "/refuses").err(),
        Some(403)
    );
    assert_eq!(
        Client::try_open(&server.address, "localhost", "/accepted").err(),
        Some(500)
    );
    server.logged("Can't return WebSocket in a Response after calling accept().");
    assert_eq!(server.get("/echo").status, 426);
}

#[test]
fn an_agent_hands_its_client_on_to_an_upstream() {
    let peer = Peer::start(None);
    let (_project, server) = serve("");
    let to = |path: &str| format!("/passes?to=http://localhost:{}{path}", peer.port());
    let mut client = Client::open(&server.address, "localhost", &to("/greets"));
    assert_eq!(client.next(), "hello");
    client.send("through");
    assert_eq!(client.next(), "through");
    client.send(closing(1000, "bye"));
    assert_eq!(client.next(), "close 1000 bye");
    let mut client = Client::open(&server.address, "localhost", &to("/closes"));
    assert_eq!(client.next(), "close 3001 bye");
    assert_eq!(
        Client::try_open(&server.address, "localhost", &to("/forbidden")).err(),
        Some(403)
    );
}

#[test]
fn who_is_stopped_closes_by_1011_and_a_server_that_stops_by_1001() {
    let (_project, mut server) = serve("[limits]\ncpu_ms = 200");
    let mut client = Client::open(&server.address, "localhost", "/echo");
    // Each message is work of its own.
    for _ in 0..15 {
        client.send("work");
        assert_eq!(client.next(), "/echo work", "{}", server.log());
    }
    client.send("loop");
    assert_eq!(client.next(), "close 1011 ", "{}", server.log());
    let mut client = Client::open(&server.address, "localhost", "/echo");
    client.send("again");
    assert_eq!(client.next(), "/echo again");
    server.signal("TERM");
    assert_eq!(client.next(), "close 1001 the server stops");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
}

#[test]
fn what_is_no_handshake_opens_nothing() {
    let (_project, server) = serve("");
    let head = "GET /echo HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let ask = |bytes: &[u8]| {
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        stream.write_all(bytes).unwrap();
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count) = stream.read(&mut buffer) {
            if count == 0 {
                all.extend(b"END");
                break;
            }
            all.extend(&buffer[..count]);
        }
        String::from_utf8_lossy(&all).into_owned()
    };
    let good = ask(format!("{head}\r\n").as_bytes());
    assert!(
        good.starts_with("HTTP/1.1 101 ") && good.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") && !good.ends_with("END"),
        "{good}"
    );
    for (name, without, more) in [
        ("no key", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
        ("no version", "sec-websocket-version: 13\r\n", ""),
        (
            "another version",
            "sec-websocket-version: 13\r\n",
            "sec-websocket-version: 8\r\n",
        ),
        ("no connection", "connection: upgrade\r\n", ""),
        ("two protocols", "", "upgrade: h2c\r\n"),
        ("a length", "", "content-length: 3\r\n"),
    ] {
        let body = if name == "a length" { "abc" } else { "" };
        let answer = ask(format!(
            "{}{more}\r\n{body}",
            head.replace(without, if without.is_empty() { "\0" } else { "" })
                .replace('\0', without)
        )
        .as_bytes());
        assert!(answer.starts_with("HTTP/1.1 426 "), "{name}: {answer}");
    }
    // What follows a handshake that was refused is a request, and frames are none.
    let refused = head.replace("/echo", "/refuses");
    let next = ask(format!("{refused}\r\nGET /next HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes());
    assert!(
        next.starts_with("HTTP/1.1 403 ") && next.contains("HTTP/1.1 426 "),
        "{next}"
    );
    let frames = ask(&[
        format!("{refused}\r\n").as_bytes(),
        &[0x81, 0x81, 0, 0, 0, 0, b'x', b'\n'],
    ]
    .concat());
    assert!(
        frames.starts_with("HTTP/1.1 403 ") && frames.contains("HTTP/1.1 400 "),
        "{frames}"
    );
    // What comes before its answer was meant for another reader.
    let early = ask(&[
        format!("{head}\r\n").as_bytes(),
        b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ]
    .concat());
    assert_eq!(early.matches("HTTP/1.1").count(), 1, "{early}");
    assert!(early.ends_with("END"), "{early}");
    // Frames that are no handshake's: a second one within an open socket is a protocol error.
    let mut client = Client::open(&server.address, "localhost", "/echo");
    client.write(format!("{head}\r\n").as_bytes()).unwrap();
    assert_eq!(client.next(), "close 1002 a protocol error");
}

#[test]
fn a_stream_of_http_2_becomes_one() {
    use bytes::Bytes;

    let (_project, server) = serve("");
    let said = upstreams().block_on(async {
        let stream = tokio::net::TcpStream::connect(&server.address).await.unwrap();
        let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut ready = send.clone().ready().await.unwrap();
        // The server's settings say that it may be asked.
        let began = std::time::Instant::now();
        while !ready.is_extended_connect_protocol_enabled() && began.elapsed().as_secs() < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let request = |protocol: &'static str| {
            http::Request::builder()
                .method("CONNECT")
                .uri("http://localhost/h2")
                .extension(h2::ext::Protocol::from_static(protocol))
                .header("sec-websocket-version", "13")
                .body(())
                .unwrap()
        };
        let (response, mut frames) = ready.send_request(request("websocket"), false).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        frames
            .send_data(Bytes::from_static(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']), false)
            .unwrap();
        let mut all = Vec::new();
        while all.len() < 8 {
            let piece = body.data().await.unwrap().unwrap();
            let _ = body.flow_control().release_capacity(piece.len());
            all.extend(piece);
        }
        // No other protocol, and no tunnel.
        let (other, _) = send.send_request(request("connect-udp"), false).unwrap();
        let other = other.await.map(|response| response.status().as_u16());
        (String::from_utf8_lossy(&all).into_owned(), other.unwrap_or(0))
    });
    assert_eq!(said, ("\u{fffd}\u{6}/h2 hi".to_owned(), 405), "{}", server.log());
    assert!(send_half(&server));
}

/// A close that is not answered by itself leaves the other direction open.
fn send_half(server: &Server) -> bool {
    let mut client = Client::open(&server.address, "localhost", "/half");
    client.send(closing(1000, "first"));
    let said = client.next();
    server.logged("heard 1000 first true 2");
    server.logged("then 3");
    said.starts_with("close 1000")
}
