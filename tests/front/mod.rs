//! What comes before HTTP on clients' connections, and what agents are told of it: TLS, client certificates, the PROXY protocol,
//! `request.cf`; and what follows a body.

mod addresses;
mod by_name;
mod cf;
mod client_certificates;
mod events;
mod floods;
mod proxy_protocol;
mod tls;
mod trailers;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::certs::Certs;
use crate::harness::{Project, Server, json};

/// Tells what it sees of a request.
const AGENT: &str = "export default { async fetch(request) { \
    return Response.json({ url: request.url, method: request.method, cf: request.cf ?? null, \
      headers: Object.fromEntries(request.headers), body: await request.text() }); } };";

/// A project that is served over TLS, with further lines in its configuration and its `[tls]`.
fn project(lines: &str, tls: &str) -> (Project, Certs) {
    let project = Project::new(&[
        ("agent.js", AGENT),
        (
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\nthreads = 1\n{lines}\n[tls]\ncert = 'certs/server.pem'\nkey = 'certs/server.key'\n{tls}\n"
            ),
        ),
    ]);
    let certs = Certs::make(&project.path().join("certs"));
    (project, certs)
}

/// What curl gets over TLS, or how it ended.
fn curl(server: &Server, certs: &Certs, path: &str, arguments: &[&str]) -> Result<Value, String> {
    let output = Command::new("curl")
        .args(["-sS", "-f", "--max-time", "20", "--cacert"])
        .arg(certs.path("ca.pem"))
        .args(arguments)
        .arg(format!("https://{}{path}", server.address))
        .output()
        .expect("curl is installed");
    if !output.status.success() {
        return Err(format!(
            "{:?}: {}",
            output.status.code(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(json(&String::from_utf8_lossy(&output.stdout)))
}

/// What openssl prints.
fn openssl(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .arg("-in")
        .arg(file)
        .output()
        .expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
