//! A client's connection and an upstream's that no script stands between: each has its limits, and is told of the other's end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use crate::harness::websockets::{Client, Peer, closing};
use crate::harness::{Project, Server, records};
use crate::websockets::PASSES;

const AGENT: &str = r#"
export default { fetch: (request) => {
  const to = new URL(request.url).searchParams.get("to");
  return to === null ? new Response("ok") : fetch(to, request);
} };
"#;

fn serve(limits: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", PASSES)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\nthreads = 1\n[limits]\n{limits}\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n"),
    );
    let server = project.serve(&[]);
    (project, server)
}

fn open(server: &Server, peer: &Peer, path: &str) -> Client {
    let to = format!("/?to=http://localhost:{}{path}", peer.port());
    Client::open(&server.address, "localhost", &to)
}

/// The code by which the upstream was told of the last end.
fn told(peer: &Peer, count: usize) -> Option<u16> {
    let began = Instant::now();
    while peer.closes.lock().unwrap().len() < count && began.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let closes = peer.closes.lock().unwrap();
    assert_eq!(closes.len(), count, "{closes:?}");
    *closes.last().unwrap()
}

#[test]
fn messages_pass_both_ways_and_are_recorded() {
    let peer = Peer::start(None);
    let (project, server) = serve("");
    let mut client = open(&server, &peer, "/greets");
    assert_eq!(client.next(), "hello");
    for text in ["", "a", "\u{e9}"] {
        client.send(text);
        assert_eq!(client.next(), text);
    }
    for size in [1, 125, 126, 65_535, 65_536, 1 << 20] {
        client.send(vec![7; size]);
        assert_eq!(client.next(), format!("{size} bytes"));
    }
    client.send(Message::Ping("p".into()));
    // Many at once, and one in pieces.
    let tiny = [0x81, 0x81, 0, 0, 0, 0, b'x'].repeat(5000);
    client.write(&tiny).unwrap();
    for _ in 0..5000 {
        assert_eq!(client.next(), "x");
    }
    client.write(&[0x01, 0x81, 0, 0, 0, 0, b'y']).unwrap();
    client
        .write(&[0x89, 0x80, 0, 0, 0, 0, 0x80, 0x81, 0, 0, 0, 0, b'z'])
        .unwrap();
    assert_eq!(client.next(), "yz");
    client.send(closing(3005, "over"));
    assert_eq!(client.next(), "close 3005 over");
    assert_eq!(told(&peer, 1), Some(3005));
    let record = &records(&project, 1)[0];
    let expected = serde_json::json!({ "sent": 5010, "received": 5011, "code": 3005 });
    assert_eq!(record["websocket"], expected, "{record}");
}

#[test]
fn what_a_client_does_wrong_is_told_to_it_and_ends_the_upstreams() {
    let peer = Peer::start(None);
    let (_project, server) = serve("websocket_message_kb = 64");
    let in_pieces = [
        &[0x02, 0xfe, 0xff, 0xff, 0, 0, 0, 0][..],
        &vec![0; 65_535],
        &[0x80, 0x82, 0, 0, 0, 0, 1, 2],
    ]
    .concat();
    let huge = [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0];
    let wrong: [(&[u8], &str); 7] = [
        (&[0x81, 1, b'x'], "close 1002 a protocol error"),
        (&[0xc1, 0x81, 0, 0, 0, 0, b'x'], "close 1002 a protocol error"),
        (&[0x83, 0x80, 0, 0, 0, 0], "close 1002 a protocol error"),
        (
            &[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28],
            "close 1007 the text is not UTF-8",
        ),
        (&huge, "close 1009 the message is too large"),
        (&in_pieces, "close 1009 the message is too large"),
        (&[0x89, 0x80, 0, 0, 0, 0].repeat(500), "close 1008 too many pings"),
    ];
    for (at, (bytes, expected)) in wrong.into_iter().enumerate() {
        let mut client = open(&server, &peer, "/echo");
        client.send("first");
        assert_eq!(client.next(), "first");
        client.write(bytes).unwrap();
        assert_eq!(client.next(), expected, "{at}");
        assert_eq!(told(&peer, at + 1), Some(1011), "{at}");
    }
    let client = open(&server, &peer, "/echo");
    drop(client);
    assert_eq!(told(&peer, 8), Some(1011));
    assert_eq!(server.ok("/"), "ok");
}

#[test]
fn what_an_upstream_does_wrong_ends_the_clients() {
    let peer = Peer::start(None);
    let (project, server) = serve("");
    let cases = ["/masked", "/utf8", "/reserved", "/huge", "/pings", "/drops", "/cut"];
    for path in cases {
        let mut client = open(&server, &peer, path);
        assert_eq!(client.next(), "close 1011 ", "{path}");
        // The client's answer to the close.
        drop(client);
    }
    for record in records(&project, cases.len()) {
        assert_eq!(record["websocket"]["code"], 1006, "{record}");
    }
}

#[test]
fn where_nothing_passes_or_the_server_stops_both_are_closed() {
    let peer = Peer::start(None);
    let (_project, server) = serve("websocket_idle = '600ms'");
    let mut client = open(&server, &peer, "/echo");
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(300));
        client.send("still");
        assert_eq!(client.next(), "still");
    }
    let said = client.next();
    assert!(
        said == "close 1001 nothing has passed for too long" || said == "close 1011 ",
        "{said}"
    );
    drop(client);
    drop(server);
    let (_project, mut server) = serve("");
    let mut client = open(&server, &peer, "/echo");
    client.send("first");
    assert_eq!(client.next(), "first");
    server.signal("TERM");
    assert_eq!(client.next(), "close 1001 the server stops");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
}

#[test]
fn what_a_client_does_not_read_waits_at_its_source() {
    let peer = Peer::start(None);
    let (_project, server) = serve("");
    let before = server.memory("RssAnon");
    let client = open(&server, &peer, "/flood");
    std::thread::sleep(Duration::from_millis(1500));
    let grown = server.memory("RssAnon").saturating_sub(before);
    let written = peer.written.load(Ordering::SeqCst);
    // The rest is in the system's buffers.
    assert!(written < 24 << 20 && grown < 16, "{written} bytes, {grown} MiB");
    drop(client);
}
