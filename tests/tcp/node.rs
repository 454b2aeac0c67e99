//! Clients of Node's `net` and `tls` that speak no HTTP.

use crate::harness::certs::Certs;
use crate::harness::plain;
use crate::tcp::servers::{Does, acceptor, listen};
use crate::tcp::{HANDS_ON, LOCAL, records, rule, serve};

const AGENT: &str = r#"
import net from "node:net";
import tls from "node:tls";
const told = (socket, log) => new Promise((done) => {
  socket.on("data", (data) => log.push(`data ${data}`));
  socket.on("end", () => log.push("end"));
  socket.on("error", (error) => log.push(`error ${error.code}`));
  socket.on("close", () => done(log));
});
const asks = {
  async binary(port) {
    const socket = net.connect(port, "localhost", () => socket.end("\0binary"));
    return await told(socket, []);
  },
  async inline(port) {
    const socket = net.connect(port, "localhost");
    socket.write("*1\r\n$4\r\n");
    socket.end("PING\r\n");
    return await told(socket, []);
  },
  async first(port) {
    const socket = net.connect(port, "localhost");
    socket.once("data", () => socket.end());
    return await told(socket, []);
  },
  async http(port) {
    const socket = net.connect(port, "localhost");
    socket.write("GET /plain HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    return (await told(socket, [])).join("").includes("200 OK");
  },
  async secure(port) {
    const socket = tls.connect(port, "partner.localhost", () => socket.end("\0under TLS"));
    return await told(socket, []);
  },
  async upgrades(port, params) {
    const log = [];
    const plain = net.connect(port, "partner.localhost");
    plain.on("error", (error) => log.push(`plain ${error.code}`));
    plain.write("\0TARTTLS\n");
    plain.once("data", (data) => {
      log.push(`plain ${data}`);
      plain.removeAllListeners("data");
      const socket = tls.connect({ socket: plain, servername: params.get("name") ?? "partner.localhost" });
      socket.on("secureConnect", () => log.push(`secure ${socket.encrypted} ${socket.authorized}`));
      socket.write("under ");
      socket.end("TLS");
      told(socket, log).then(done);
    });
    let done;
    return await new Promise((resolve) => (done = resolve));
  },
};
export default { async fetch(request) {
  const { pathname, searchParams: params } = new URL(request.url);
  return Response.json(await asks[pathname.slice(1)](+params.get("port"), params));
} };
"#;

#[test]
fn what_is_no_http_goes_by_a_connection() {
    let listening = listen(Does::Echo);
    let first = listen(Does::Says(b"220 ready"));
    let both = format!("{}{}{LOCAL}", rule(listening.port), rule(first.port));
    let (project, server) = serve(AGENT, HANDS_ON, &both);
    assert_eq!(
        server.ok(&format!("/binary?port={}", listening.port)),
        r#"["data \u0000binary","end"]"#
    );
    let said: Vec<String> = serde_json::from_str(&server.ok(&format!("/inline?port={}", listening.port))).unwrap();
    assert_eq!(said.join("").replace("data ", ""), "*1\r\n$4\r\nPING\r\nend");
    assert_eq!(
        server.ok(&format!("/first?port={}", first.port)),
        r#"["data 220 ready","end"]"#
    );
    assert!(records(&project, 3).iter().all(|record| record["kind"] == "tcp"));
    listening.comes_to(0);
}

#[test]
fn what_is_http_goes_by_fetch_whatever_connections_are_allowed() {
    let partner = plain();
    let port = partner.address.port();
    let policy = HANDS_ON.replace(
        "fetch: () => new Response(\"no\", { status: 403 })",
        "fetch: (request) => fetch(request)",
    );
    let http = format!("{}[[outbound.egress]]\nhosts = ['localhost']\n{LOCAL}", rule(port));
    let (project, server) = serve(AGENT, &policy, &http);
    assert_eq!(server.ok(&format!("/http?port={port}")), "true");
    assert!(records(&project, 1)[0]["kind"].is_null());
}

#[test]
fn what_is_refused_is_refused_as_a_machine_does() {
    let listening = listen(Does::Echo);
    for (policy, more) in [
        (HANDS_ON, LOCAL.to_owned()),
        (
            "export default { fetch: (request) => fetch(request) };",
            format!("{}{LOCAL}", rule(listening.port)),
        ),
    ] {
        let (_project, server) = serve(AGENT, policy, &more);
        for path in ["binary", "inline", "first"] {
            let said = server.ok(&format!("/{path}?port={}", listening.port));
            assert_eq!(said, r#"["error ECONNREFUSED"]"#, "{path}");
        }
    }
}

#[test]
fn tls_is_the_hosts_from_the_start_and_later() {
    let folder = tempfile::tempdir().unwrap();
    let certs = Certs::make(folder.path());
    let secure = listen(Does::Tls(acceptor(&certs.folder, "server", false)));
    let upgrading = listen(Does::StartTls(acceptor(&certs.folder, "server", false)));
    let ca = certs.path("ca.pem");
    let more = format!(
        "{}{}[network]\nallow = ['local']\nca = [{ca:?}]\n",
        rule(secure.port),
        rule(upgrading.port)
    );
    let (_project, server) = serve(AGENT, HANDS_ON, &more);
    assert_eq!(
        server.ok(&format!("/secure?port={}", secure.port)),
        r#"["data \u0000under TLS","end"]"#
    );
    let said: Vec<String> = serde_json::from_str(&server.ok(&format!("/upgrades?port={}", upgrading.port))).unwrap();
    assert_eq!(said[..2], ["plain go", "secure true true"], "{said:?}");
    assert_eq!(said[2..].join("").replace("data ", ""), "under TLSend");
    let said = server.ok(&format!("/upgrades?port={}&name=other.example", upgrading.port));
    assert!(said.contains("error ECONNRESET") && !said.contains("secure"), "{said}");
}
