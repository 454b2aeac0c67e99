//! What WebSockets may use: messages, sockets, time, and memory for what is not read.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use crate::harness::websockets::{Client, Peer, frame};
use crate::harness::{Project, Server};
use crate::websockets::{BETWEEN, PASSES};

const AGENT: &str = r#"
const open = (to) => fetch(to, { headers: { upgrade: "websocket" } });
export default { async fetch(request, env, ctx) {
  const { pathname, searchParams } = new URL(request.url);
  const to = searchParams.get("to");
  if (request.headers.get("upgrade") === "websocket") {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    if (pathname === "/echo") server.onmessage = ({ data }) => server.send(data);
    if (pathname === "/floods") { try { for (;;) server.send("x".repeat(60000)); } catch (error) { server.close(1011, error.name); } }
    return new Response(null, { status: 101, webSocket: client });
  }
  try {
    if (pathname === "/many") { const kept = []; for (;;) kept.push(new WebSocketPair()); }
    if (pathname === "/unread") { const { webSocket } = await open(to); await scheduler.wait(1500); return new Response(String(webSocket.readyState)); }
    if (pathname === "/sends") {
      const { webSocket } = await open(to);
      webSocket.accept();
      let sent = 0;
      try { for (;;) { webSocket.send(new Uint8Array(100000)); sent++; } } catch (error) { return new Response(`${sent} ${error.name} ${error.message} ${webSocket.bufferedAmount > 0}`); }
    }
    if (pathname === "/itself") {
      const [one, other] = Object.values(new WebSocketPair());
      one.accept(); other.accept();
      one.onmessage = () => { for (let i = 0; i < 1e5; i++); one.send("x"); };
      other.onmessage = () => other.send("x");
      one.send("x");
      await new Promise(() => {});
    }
    if (pathname === "/idle") {
      const { webSocket } = await open(to);
      webSocket.accept();
      return new Response(await new Promise((done) => webSocket.addEventListener("error", ({ message }) => done(message))));
    }
  } catch (error) { return new Response(`${error.name}: ${error.message}`); }
  return new Response("ok");
} };
"#;

fn serve(policy: &str, limits: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", policy)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\nthreads = 1\n[limits]\n{limits}\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n"),
    );
    let server = project.serve(&[]);
    (project, server)
}

#[test]
fn clients_that_send_too_much_are_closed_with_a_reason() {
    let (_project, server) = serve(PASSES, "websocket_message_kb = 64\nwebsocket_idle = '700ms'");
    let open = || Client::open(&server.address, "localhost", "/echo");
    let mut client = open();
    client.send(vec![0_u8; 64 << 10]);
    assert_eq!(client.next(), "65536 bytes");
    client.send(vec![0_u8; (64 << 10) + 1]);
    assert_eq!(client.next(), "close 1009 the message is too large");
    // In pieces, each of which is small.
    let mut client = open();
    let mut pieces = vec![0x02, 0xfe, 0x20, 0, 0, 0, 0, 0];
    pieces.extend([0; 0x2000]);
    for _ in 0..9 {
        let _ = client.write(&pieces);
        pieces[0] = 0;
    }
    assert_eq!(client.next(), "close 1009 the message is too large");
    let mut client = open();
    client.write(&frame(0x82, 1 << 30, b"\0\0\0\0")).unwrap();
    assert_ne!(client.next(), "nothing");
    let mut client = open();
    for _ in 0..500 {
        if client.write(&[0x89, 0x80, 0, 0, 0, 0]).is_err() {
            break;
        }
    }
    let said = client.next();
    assert!(said == "close 1008 too many pings" || said == "gone", "{said}");
    let mut client = open();
    let began = Instant::now();
    assert_eq!(client.next(), "close 1001 nothing has passed for too long");
    assert!(began.elapsed() > Duration::from_millis(500), "{:?}", began.elapsed());
    // Pings say that it lives.
    let mut client = open();
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(300));
        client.send(Message::Ping("x".into()));
    }
    client.send("still");
    assert_eq!(client.next(), "still");
}

#[test]
fn a_million_tiny_messages_wait_where_nobody_reads_the_answers() {
    let (_project, server) = serve(PASSES, "");
    let before = server.memory("RssAnon");
    let mut client = Client::open(&server.address, "localhost", "/echo");
    let tiny = [0x81, 0x80, 0, 0, 0, 0].repeat(10_000);
    let began = Instant::now();
    // It reads none of the echoes: what it sends meets the system's buffers, and stays there.
    for _ in 0..100 {
        let written = std::thread::scope(|scope| scope.spawn(|| client.write(&tiny)).join().unwrap());
        if written.is_err() || began.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    let grown = server.memory("RssAnon").saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
    assert_eq!(server.ok("/"), "ok");
}

#[test]
fn what_nobody_reads_waits_at_its_source() {
    for policy in [PASSES, BETWEEN] {
        let peer = Peer::start(None);
        let (_project, server) = serve(policy, "");
        let before = server.memory("RssAnon");
        assert_eq!(
            server.ok(&format!("/unread?to=http://localhost:{}/flood", peer.port())),
            "1"
        );
        let grown = server.memory("RssAnon").saturating_sub(before);
        let written = peer.written.load(Ordering::SeqCst);
        // The rest is in the system's buffers.
        assert!(written < 24 << 20 && grown < 32, "{written} bytes, {grown} MiB");
    }
}

#[test]
fn a_script_pays_for_what_it_queues() {
    let peer = Peer::start(None);
    let (_project, server) = serve(PASSES, "buffers_mb = 8\nwebsockets = 10\ncpu_ms = 2000");
    let said = server.ok(&format!("/sends?to=http://localhost:{}/silent", peer.port()));
    let (sent, rest) = said.split_once(' ').unwrap();
    assert!(sent.parse::<usize>().unwrap() < 200, "{said}");
    assert!(
        rest.starts_with("RangeError out of memory") && rest.ends_with("true"),
        "{said}"
    );
    let said = server.ok("/many");
    assert!(said.contains("RangeError: the worker has 10 WebSockets open"), "{said}");
    assert_eq!(server.ok("/"), "ok");
    let mut client = Client::open(&server.address, "localhost", "/floods");
    let said = client.next();
    assert!(
        said == "60000" || said.starts_with("xxx") || said.starts_with("close 1011"),
        "{said:.100}"
    );
}

#[test]
fn a_socket_to_itself_gives_no_more_time() {
    let (_project, server) = serve(PASSES, "cpu_ms = 50");
    let began = Instant::now();
    let answer = server.get("/itself");
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(
        answer.body.contains("CPU time") && began.elapsed() < Duration::from_secs(8),
        "{} {:?}",
        answer.body,
        began.elapsed()
    );
}

#[test]
fn an_upstream_that_says_nothing_is_closed() {
    let peer = Peer::start(None);
    let (_project, server) = serve(PASSES, "websocket_idle = '500ms'");
    let said = server.ok(&format!("/idle?to=http://localhost:{}/silent", peer.port()));
    assert_eq!(said, "nothing has passed over the WebSocket for 500ms");
}
