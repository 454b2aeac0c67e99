//! What clients of HTTP/2 send beside requests costs CPU time that no agent is asked for: it is numbered, and others are served meanwhile.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;

use crate::harness::{Project, Server};

const AGENT: &str = "export default { async fetch(request) { \
    if (request.url.endsWith('/waits')) await scheduler.wait(20_000); \
    return new Response(new Uint8Array(request.url.endsWith('/large') ? 300_000 : 5)); } };";

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// `GET http://localhost/waits`, as HPACK has it without any compression.
const WAITS: &[u8] = b"\x82\x86\x04\x06/waits\x41\x09localhost";

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn serve() -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT)]);
    let server = project.serve(&["agent.js", "--threads", "1"]);
    (project, server)
}

/// What is written in a turn.
type Turn = fn(u32) -> Vec<u8>;

/// Pours frames into a connection until that is closed. Gives how many bytes went, or nothing where it stays open.
fn pour(server: &Server, first: &[u8], mut again: impl FnMut(u32) -> Vec<u8>) -> Option<usize> {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(&[PREFACE, first].concat()).unwrap();
    let mut reading = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut rest = vec![0; 65536];
        while reading.read(&mut rest).is_ok_and(|count| count > 0) {}
    });
    let (began, mut sent) = (Instant::now(), 0);
    for turn in 0.. {
        let bytes = again(turn);
        if stream.write_all(&bytes).is_err() {
            return Some(sent);
        }
        sent += bytes.len();
        if began.elapsed() > Duration::from_secs(10) {
            return None;
        }
    }
    None
}

#[test]
fn frames_that_carry_nothing_close_a_connection() {
    let (_project, server) = serve();
    server.get("/");
    let before = server.memory("VmRSS:");
    let open = frame(1, 4, 1, WAITS);
    let ended = frame(1, 5, 1, WAITS);
    let rows: [(&str, &[u8], Vec<u8>); 11] = [
        ("PING", &[], frame(6, 0, 0, b"pingpong")),
        ("acknowledged PING", &[], frame(6, 1, 0, b"pingpong")),
        ("SETTINGS", &[], frame(4, 0, 0, b"\0\x03\0\0\0\x64")),
        ("WINDOW_UPDATE", &[], frame(8, 0, 0, b"\0\0\0\x01")),
        ("WINDOW_UPDATE of a stream", &open, frame(8, 0, 1, b"\0\0\0\x01")),
        ("PRIORITY", &[], frame(2, 0, 3, b"\0\0\0\x01\x05")),
        ("an unknown kind", &[], frame(77, 0, 0, b"x")),
        ("RST_STREAM again", &ended, frame(3, 0, 1, b"\0\0\0\x08")),
        ("empty DATA", &open, frame(0, 0, 1, b"")),
        ("DATA that is padding", &open, frame(0, 8, 1, b"\x04\0\0\0\0")),
        ("CONTINUATION", &frame(1, 0, 1, WAITS), frame(9, 0, 1, b"")),
    ];
    std::thread::scope(|scope| {
        let slowest = scope.spawn(|| {
            let began = Instant::now();
            let mut slowest = Duration::ZERO;
            while began.elapsed() < Duration::from_secs(3) {
                let asked = Instant::now();
                assert_eq!(server.get("/").status, 200);
                slowest = slowest.max(asked.elapsed());
            }
            slowest
        });
        for (name, first, again) in rows {
            let many = again.repeat(100);
            let sent = pour(&server, first, |_| many.clone());
            // What the kernel has taken is not what was read.
            assert!(sent.is_some_and(|sent| sent < 20 << 20), "{name}: {sent:?}");
        }
        let slowest = slowest.join().unwrap();
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    });
    // Streams that are reset at once, by either side, and heads without an end.
    let turns: [(&str, Turn); 3] = [
        ("rapid reset", |turn| {
            let stream = 2 * turn + 1;
            [frame(1, 5, stream, WAITS), frame(3, 0, stream, b"\0\0\0\x08")].concat()
        }),
        ("a window that is none", |turn| {
            let stream = 2 * turn + 1;
            [frame(1, 5, stream, WAITS), frame(8, 0, stream, b"\0\0\0\0")].concat()
        }),
        ("a head without an end", |turn| {
            let field = [&b"\0\x02xx\x7f\xa1\x1e"[..], &[b'y'; 4000]].concat();
            if turn == 0 {
                frame(1, 0, 1, WAITS)
            } else {
                frame(9, 0, 1, &field)
            }
        }),
    ];
    for (name, again) in turns {
        let sent = pour(&server, &[], again);
        assert!(sent.is_some_and(|sent| sent < 20 << 20), "{name}: {sent:?}");
    }
    assert_eq!(server.get("/").status, 200);
    let grown = server.memory("VmRSS:").saturating_sub(before);
    assert!(grown < 48 << 10, "{grown} KiB");
}

#[test]
fn a_client_that_asks_much_is_served() {
    let (_project, server) = serve();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let address = server.address.clone();
    let asking = async {
        let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let (send, mut connection) = h2::client::handshake(stream).await.unwrap();
        let mut pings = connection.ping_pong().unwrap();
        tokio::spawn(connection);
        let mut send = send;
        for turn in 0..600 {
            send = send.ready().await.unwrap();
            let path = if turn % 20 == 0 { "/large" } else { "/" };
            let request = Request::post(format!("http://{address}{path}")).body(()).unwrap();
            let (response, mut body) = send.send_request(request, false).unwrap();
            for _ in 0..5 {
                body.send_data(Bytes::from_static(b"x"), false).unwrap();
            }
            body.send_data(Bytes::new(), true).unwrap();
            let (head, mut body) = response.await.unwrap().into_parts();
            assert_eq!(head.status, 200);
            let mut length = 0;
            while let Some(data) = body.data().await {
                let data = data.unwrap();
                length += data.len();
                // An update of its window for each piece, as many clients send.
                body.flow_control().release_capacity(data.len()).unwrap();
            }
            assert_eq!(length, if turn % 20 == 0 { 300_000 } else { 5 });
            pings.ping(h2::Ping::opaque()).await.unwrap();
        }
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_mins(1), asking).await.unwrap() });
}
