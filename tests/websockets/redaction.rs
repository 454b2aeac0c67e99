//! A credential with `redact = "body"`: what an upstream says back of it over a WebSocket reaches nobody.

use crate::harness::Project;
use crate::harness::websockets::{Client, Peer, closing};

const AGENT: &str = r#"
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  const to = searchParams.get("to");
  if (request.headers.get("upgrade") === "websocket") return fetch(to, request);
  const socket = new WebSocket(to);
  socket.binaryType = "arraybuffer";
  const got = [];
  await new Promise((done) => {
    socket.onmessage = ({ data }) => {
      got.push(typeof data === "string" ? data : new TextDecoder().decode(data));
      if (got.length === 2) done();
    };
    socket.onerror = ({ message }) => { got.push(message); done(); };
  });
  socket.send("and back");
  const back = await new Promise((done) => { socket.onmessage = ({ data }) => done(data); });
  socket.close(1000);
  return Response.json([...got, back]);
} };
"#;

#[test]
fn a_credential_does_not_come_back_in_messages() {
    let peer = Peer::start(None);
    let project = Project::new(&[
        ("agent.js", AGENT),
        (
            "policy.js",
            "export default { fetch: (request, env) => env.FEED.fetch(request) };",
        ),
        (".dev.vars", "TOKEN=canary-5f1d-canary\n"),
    ]);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\ncredentials = [{ binding = 'FEED', credential = 'feed' }]\n\
         [credentials.feed]\ntype = 'bearer'\nsecret = 'TOKEN'\nredact = 'body'\nhosts = ['localhost']\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n",
    );
    let server = project.serve(&[]);
    let to = format!("http://localhost:{}/tells", peer.port());
    let said = server.ok(&format!("/?to={}", to.replace("http:", "ws:")));
    assert!(
        peer.last_head()
            .contains("authorization: bearer canary-5f1d-canary\r\n")
    );
    assert!(
        !said.contains("canary") && said.matches("[redacted]").count() == 2,
        "{said}"
    );
    assert!(said.contains("and back"), "{said}");
    // The client of an agent that hands it on reads no more.
    let mut client = Client::open(&server.address, "localhost", &format!("/?to={to}"));
    let text = client.next();
    assert!(!text.contains("canary") && text.contains("[redacted]"), "{text}");
    let length = text.len();
    assert_eq!(client.next(), format!("{length} bytes"));
    client.send("x".repeat(100_000));
    assert_eq!(client.next().len(), 100_000);
    client.send(closing(3001, "enough"));
    assert_eq!(client.next(), "close 3001 enough");
    let records = crate::harness::records(&project, 2);
    assert_eq!(
        records[1]["websocket"],
        serde_json::json!({ "sent": 1, "received": 3, "code": 3001 })
    );
}
