//! `permessage-deflate`: with clients and with upstreams, where it is configured and both sides agree to it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::harness::websockets::Client;
use crate::harness::{Project, Server};
use crate::websockets::PASSES;

const AGENT: &str = r#"
export default { fetch(request) {
  const { searchParams } = new URL(request.url);
  if (request.headers.get("upgrade") !== "websocket") return new Response(request.headers.get("sec-websocket-extensions") ?? "ok");
  if (searchParams.has("to")) return fetch(searchParams.get("to"), request);
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.binaryType = "arraybuffer";
  server.addEventListener("message", ({ data }) => server.send(data));
  return new Response(null, { status: 101, webSocket: client, headers: { "sec-websocket-extensions": "x-agent" } });
} };
"#;

const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn serve(limits: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", PASSES)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\nthreads = 1\n[limits]\n{limits}\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n"),
    );
    let server = project.serve(&[]);
    (project, server)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1000);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(bytes, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 20);
    let whole = [bytes, &[0, 0, 0xff, 0xff]].concat();
    let mut decompress = Decompress::new(false);
    decompress
        .decompress_vec(&whole, &mut out, FlushDecompress::Sync)
        .unwrap();
    out
}

/// A connection that speaks frames byte by byte, of either side.
struct Raw(TcpStream);

impl Raw {
    /// A client that offers these extensions, and the head that it was answered.
    fn open(server: &Server, path: &str, extensions: &str) -> (Self, String) {
        let mut raw = Self(TcpStream::connect(&server.address).unwrap());
        raw.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(
            raw.0,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
        )
        .unwrap();
        let head = raw.head().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        (raw, head)
    }

    fn head(&mut self) -> String {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// A frame of fewer than 65,536 bytes, with a mask of nothing where there is one.
    fn send(&mut self, first: u8, masked: bool, content: &[u8]) {
        let mask = u8::from(masked) << 7;
        let mut frame = vec![first];
        if let Ok(length @ ..126) = u8::try_from(content.len()) {
            frame.push(length | mask);
        } else {
            frame.push(0x7e | mask);
            frame.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
        if masked {
            frame.extend([0; 4]);
        }
        frame.extend(content);
        self.0.write_all(&frame).unwrap();
    }

    fn frame(&mut self) -> (u8, Vec<u8>) {
        self.next().unwrap()
    }

    /// Nothing where the connection ends before.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).ok()?;
        let mut length = usize::from(head[1] & 0x7f);
        if length == 126 {
            let mut long = [0; 2];
            self.0.read_exact(&mut long).ok()?;
            length = u16::from_be_bytes(long).into();
        }
        let mut mask = [0; 4];
        if head[1] & 0x80 != 0 {
            self.0.read_exact(&mut mask).ok()?;
        }
        let mut content = vec![0; length];
        self.0.read_exact(&mut content).ok()?;
        for (byte, mask) in content.iter_mut().zip(mask.into_iter().cycle()) {
            *byte ^= mask;
        }
        Some((head[0], content))
    }

    /// The code of the close that comes next.
    fn code(&mut self) -> u16 {
        let (first, content) = self.frame();
        assert_eq!(first, 0x88, "{content:?}");
        u16::from_be_bytes([content[0], content[1]])
    }
}

const OFFER: &str = "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";

#[test]
fn clients_that_offer_it_are_answered_so_where_it_is_configured() {
    let (_project, server) = serve("websocket_compression = true");
    let (mut client, head) = Raw::open(&server, "/", OFFER);
    assert!(
        head.contains(&format!("sec-websocket-extensions: {BOTH}\r\n")) && !head.contains("x-agent"),
        "{head}"
    );
    let long = "compress me ".repeat(1000);
    // The same again: no context is taken over. In pieces, and as it is.
    let deflated = deflate(long.as_bytes());
    let (start, end) = deflated.split_at(deflated.len() / 2);
    for way in 0..4 {
        match way {
            0 | 1 => client.send(0xc1, true, &deflated),
            2 => {
                client.send(0x41, true, start);
                client.send(0x80, true, end);
            }
            _ => client.send(0x81, true, long.as_bytes()),
        }
        let (first, content) = client.frame();
        assert_eq!(first, 0xc1);
        assert!(
            content.len() < 200 && inflate(&content) == long.as_bytes(),
            "{}",
            content.len()
        );
    }
    client.send(0xc1, true, &deflate(b"short"));
    assert_eq!(client.frame(), (0x81, b"short".to_vec()));
    client.send(0xc2, true, &[0]);
    assert_eq!(client.frame(), (0x82, Vec::new()));
    client.send(0x88, true, &[3, 0xe8]);
    assert_eq!(client.code(), 1000);
    // Nobody else's messages are compressed, and scripts hear nothing of it.
    let mut plain = Client::open(&server.address, "localhost", "/");
    plain.send(&*long);
    assert_eq!(plain.next(), long);
    for offer in [
        "sec-websocket-extensions: permessage-deflate; server_max_window_bits=10\r\n",
        "sec-websocket-extensions: x-webkit-deflate-frame\r\n",
    ] {
        let (_client, head) = Raw::open(&server, "/", offer);
        assert!(!head.contains("extensions"), "{head}");
    }
}

#[test]
fn without_a_word_nothing_is_compressed() {
    let (_project, server) = serve("");
    let (mut client, head) = Raw::open(&server, "/", OFFER);
    assert!(!head.contains("extensions"), "{head}");
    client.send(0xc1, true, &deflate(b"compressed"));
    assert_eq!(client.code(), 1002);
}

#[test]
fn bombs_and_what_deflate_does_not_make_close_the_connection() {
    let (_project, server) = serve("websocket_compression = true\nwebsocket_message_kb = 256");
    let before = server.memory("RssAnon");
    let bomb = deflate(&vec![0; 32 << 20]);
    assert!(bomb.len() < 65_536, "{}", bomb.len());
    for _ in 0..20 {
        let (mut client, _) = Raw::open(&server, "/", OFFER);
        client.send(0xc2, true, &bomb);
        assert_eq!(client.code(), 1009);
    }
    let grown = server.memory("RssAnon").saturating_sub(before);
    assert!(grown < 24, "{grown} MiB");
    let fits = deflate(&vec![0; 256 << 10]);
    let (mut client, _) = Raw::open(&server, "/", OFFER);
    client.send(0xc2, true, &fits);
    assert_eq!(inflate(&client.frame().1).len(), 256 << 10);
    for (first, content, code) in [
        (0xc1, &[0x07][..], 1002),
        (0xc1, b"plain text", 1002),
        (0xc1, &deflate(&[0xc3, 0x28]), 1007),
        (0xc9, b"x", 1002),
        (0xc0, b"x", 1002),
        (0xa1, b"x", 1002),
    ] {
        let (mut client, _) = Raw::open(&server, "/", OFFER);
        client.send(first, true, content);
        assert_eq!(client.code(), code, "{first:x}");
    }
    assert_eq!(server.ok("/"), "ok");
}

/// The first byte of a frame, and its content.
type Sent = (u8, Vec<u8>);

/// An upstream that answers with these extensions and sends the first message back, compressed where it came so. Gives the head that it
/// was asked with, and the first frame.
fn upstream(answer: &'static str) -> (u16, std::thread::JoinHandle<(String, Option<Sent>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let mut raw = Raw(listener.accept().unwrap().0);
        raw.0.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let head = raw.head();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let key = lines
            .clone()
            .find_map(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-key").then_some(value));
        let accept = derive_accept_key(key.unwrap().as_bytes());
        let extensions = if answer.is_empty() {
            String::new()
        } else {
            format!("Sec-WebSocket-Extensions: {answer}\r\n")
        };
        write!(
            raw.0,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
        )
        .unwrap();
        let frame = raw.next();
        if let Some((first, content)) = &frame {
            raw.send(*first, false, content);
            let _ = raw.next();
        }
        (head.to_ascii_lowercase(), frame)
    });
    (port, serving)
}

#[test]
fn upstreams_are_offered_it_where_it_is_configured() {
    let (_project, server) = serve("websocket_compression = true");
    let long = "compress me ".repeat(1000);
    for (answer, compressed) in [(BOTH, true), ("", false)] {
        for offers in [OFFER, ""] {
            let (port, serving) = upstream(answer);
            let path = format!("/?to=http://localhost:{port}/");
            let (mut client, head) = Raw::open(&server, &path, offers);
            assert_eq!(head.contains(BOTH), !offers.is_empty(), "{head}");
            client.send(0x81, true, long.as_bytes());
            let (first, content) = client.frame();
            if offers.is_empty() {
                assert_eq!((first, content), (0x81, long.clone().into_bytes()));
            } else {
                assert_eq!((first, inflate(&content)), (0xc1, long.clone().into_bytes()));
            }
            drop(client);
            let (asked, frame) = serving.join().unwrap();
            assert!(
                asked.contains(&format!("sec-websocket-extensions: {BOTH}\r\n")),
                "{asked}"
            );
            assert_eq!(frame.unwrap().0, if compressed { 0xc1 } else { 0x81 });
        }
    }
    // What was not offered is no answer.
    for answer in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
        "x-other",
    ] {
        let (port, serving) = upstream(answer);
        let path = format!("/?to=http://localhost:{port}/");
        assert_eq!(
            Client::try_open(&server.address, "localhost", &path).err(),
            Some(500),
            "{answer}"
        );
        assert_eq!(serving.join().unwrap().1, None, "{answer}");
    }
}
