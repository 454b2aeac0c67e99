//! WebSockets pass the link: a client's to an agent in a process, and the agent's out through the policy.

use std::time::Duration;

use crate::harness::websockets::{Client, Peer, closing};
use crate::harness::{IN_PROCESSES, Project, Server};

const AGENT: &str = r#"
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  const to = searchParams.get("to");
  if (pathname === "/out") {
    const log = [];
    const socket = new WebSocket(to);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => { socket.send("text"); socket.send(new Uint8Array(200000)); });
    const closed = new Promise((done) => {
      socket.addEventListener("close", ({ code, reason }) => { log.push(`close ${code} ${reason}`); done(); });
      socket.addEventListener("error", ({ message }) => { log.push(`error ${message}`); });
    });
    socket.addEventListener("message", ({ data }) => {
      log.push(typeof data === "string" ? data : `bytes ${data.byteLength}`);
      if (typeof data !== "string") socket.close(3000, "done");
    });
    await closed;
    return Response.json(log);
  }
  if (pathname === "/passes") return fetch(to, request);
  if (request.headers.get("upgrade") !== "websocket") return new Response("upgrade", { status: 426 });
  const [client, own] = Object.values(new WebSocketPair());
  own.binaryType = "arraybuffer";
  own.accept();
  own.addEventListener("message", async ({ data }) => {
    if (data === "asks") return own.send(await (await fetch("http://virtual.test/answered")).text());
    own.send(typeof data === "string" ? `echo ${data}` : data);
  });
  own.addEventListener("close", ({ code, reason }) => console.log(`heard ${code} ${reason}`));
  return new Response(null, { status: 101, webSocket: client, headers: { "x-own": "1" } });
} };"#;

const POLICY: &str = r#"
export default { fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/answered") return new Response(`answered ${ctx.agent.name}`);
  if (pathname === "/denied") return new Response("no", { status: 403 });
  return fetch(request);
} };"#;

fn serve() -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\nthreads = 1\nshutdown = '5s'\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n{IN_PROCESSES}"),
    );
    let server = project.serve(&[]);
    (project, server)
}

#[test]
fn a_clients_socket_reaches_an_agent_in_a_process() {
    let (_project, server) = serve();
    let mut client = Client::open(&server.address, "localhost", "/in");
    client.send("a");
    assert_eq!(client.next(), "echo a");
    client.send(vec![0_u8; 200_000]);
    assert_eq!(client.next(), "200000 bytes");
    client.send("asks");
    assert_eq!(client.next(), "answered agent", "its event goes on");
    client.send(closing(3005, "over"));
    assert_eq!(client.next(), "close 3005 over");
    server.logged("heard 3005 over");
    // One that is gone is missed, and so is a process.
    drop(Client::open(&server.address, "localhost", "/in"));
    server.logged_within("heard 1006", Duration::from_secs(10));
    let mut client = Client::open(&server.address, "localhost", "/in");
    let (_, inside) = super::processes(&server)[0];
    super::kill(inside);
    let heard = client.next();
    assert!(heard.starts_with("close 10") || heard == "gone", "{heard}");
    assert_eq!(server.get("/in").status, 426);
    // Nothing of them keeps a server from its end.
    let mut server = server;
    let _open = Client::open(&server.address, "localhost", "/in");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(8)), Some(0), "{}", server.log());
}

#[test]
fn an_agent_in_a_process_opens_sockets_through_its_policy() {
    let peer = Peer::start(None);
    let (_project, server) = serve();
    let out = |path: &str| server.ok(&format!("/out?to=ws://127.0.0.1:{}{path}", peer.port()));
    assert_eq!(out("/echo"), r#"["text","bytes 200000","close 3000 done"]"#);
    let denied = out("/denied");
    assert!(denied.contains("error") && denied.contains("close 1006"), "{denied}");
    for path in ["/masked", "/utf8", "/huge", "/drops"] {
        let broken = out(path);
        assert!(broken.contains("close 1"), "{path}: {broken}");
    }
    // A client's socket that its agent hands on.
    let to = format!("/passes?to=http://127.0.0.1:{}/echo", peer.port());
    let mut client = Client::open(&server.address, "localhost", &to);
    client.send("through");
    assert_eq!(client.next(), "through");
    client.send(closing(1000, "enough"));
    assert!(client.next().starts_with("close 1000"));
}
