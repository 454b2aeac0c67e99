//! WebSockets in tests of the `test` command: at the client's end, and at the network's.

use crate::harness::Project;

const AGENT: &str = r#"
export default { async fetch(request) {
  if (new URL(request.url).pathname === "/out") {
    const { webSocket, status } = await fetch("https://feed.example/live", { headers: { upgrade: "websocket" } });
    if (webSocket === null) return new Response(`no socket: ${status}`);
    webSocket.accept();
    const got = new Promise((done) => webSocket.addEventListener("message", ({ data }) => done(data)));
    webSocket.send("question");
    const answer = await got;
    webSocket.close(1000, "thanks");
    return new Response(answer);
  }
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(`heard ${data}`));
  return new Response(null, { status: 101, webSocket: client });
} };"#;

const POLICY: &str = "
export default { fetch: (request) => new URL(request.url).hostname === 'feed.example' ? fetch(request) : new Response('denied', { status: 403 }) };";

const TEST: &str = r#"
import test from "node:test";
import assert from "node:assert";
test("a client's socket", async (t) => {
  const response = await t.agent().fetch("http://a.test/", { headers: { Upgrade: "websocket" } });
  assert.equal(response.status, 101);
  const socket = response.webSocket;
  socket.accept();
  const got = new Promise((done) => socket.addEventListener("message", ({ data }) => done(data)));
  socket.send("hello");
  assert.equal(await got, "heard hello");
  socket.close(1000);
});
test("the network's end", async (t) => {
  t.upstream("https://feed.example/*", (request) => {
    assert.equal(request.headers.get("upgrade"), "websocket");
    const [theirs, own] = Object.values(new WebSocketPair());
    own.accept();
    own.addEventListener("message", ({ data }) => own.send(`answer to ${data}`));
    return new Response(null, { status: 101, webSocket: theirs });
  });
  const response = await t.agent().fetch("http://a.test/out");
  assert.equal(await response.text(), "answer to question");
  const [record] = t.egress;
  assert.deepEqual([record.kind, record.status, record.verdict, record.url], ["websocket", 101, "allow", "https://feed.example/live"]);
});
test("an upstream that opens none", async (t) => {
  t.upstream("https://feed.example/*", () => new Response("no", { status: 426 }));
  assert.equal(await (await t.agent().fetch("http://a.test/out")).text(), "no socket: 426");
});
"#;

#[test]
fn tests_have_both_ends_of_sockets() {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY), ("sockets.test.mjs", TEST)]);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
    );
    let (code, out, errors) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{errors}");
}
