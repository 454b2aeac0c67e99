//! Several certificates, by the name that a client asks for.

use std::process::Command;

use super::{curl, openssl, project};
use crate::harness::Server;

/// The serial number of the certificate that is shown to who asks for a name.
fn shown(server: &Server, name: Option<&str>) -> String {
    let name = name.map_or("-noservername".to_owned(), |name| format!("-servername {name}"));
    let script = format!(
        "openssl s_client -connect {} {name} </dev/null 2>/dev/null | openssl x509 -noout -serial",
        server.address
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_client_is_shown_the_certificate_that_it_asks_for() {
    let other = "[[tls.certificates]]\ncert = 'certs/other.pem'\nkey = 'certs/other.key'\n";
    let (project, certs) = project("", other);
    let server = project.serve(&[]);
    let serial = |name: &str| openssl(&["x509", "-noout", "-serial"], &certs.path(name));
    for (name, expected) in [
        (None, "server.pem"),
        (Some("localhost"), "server.pem"),
        (Some("unknown.example"), "server.pem"),
        (Some("other.example"), "other.pem"),
        (Some("OTHER.example"), "other.pem"),
        (Some("x.other.example"), "server.pem"),
    ] {
        assert_eq!(shown(&server, name), serial(expected), "{name:?}");
    }
    let port = server.address.rsplit_once(':').unwrap().1.to_owned();
    let resolve = format!("other.example:{port}:127.0.0.1");
    let url = format!("https://other.example:{port}/named");
    let output = Command::new("curl")
        .args(["-sS", "-f", "--resolve", &resolve, "--cacert"])
        .arg(certs.path("ca.pem"))
        .arg(&url)
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && seen.contains("/named"),
        "{seen} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    curl(&server, &certs, "/", &[]).unwrap();
    // One of them is renewed, and the others stay.
    let before = serial("other.pem");
    std::fs::copy(certs.path("agent.key"), certs.path("other.key")).unwrap();
    std::fs::copy(certs.path("agent.pem"), certs.path("other.pem")).unwrap();
    server.logged("tls: changed on disk and taken over");
    // Its names are others now.
    assert_eq!(shown(&server, Some("other.example")), serial("server.pem"));
    assert_eq!(shown(&server, Some("partner.localhost")), serial("agent.pem"));
    assert_ne!(serial("agent.pem"), before);
}

#[test]
fn what_nobody_can_ask_for_or_does_not_fit_its_key_is_told() {
    for (other, words) in [
        (
            "[[tls.certificates]]\ncert = 'certs/ca.pem'\nkey = 'certs/ca.key'\n",
            "no DNS name",
        ),
        (
            "[[tls.certificates]]\ncert = 'certs/other.pem'\nkey = 'certs/agent.key'\n",
            "is not the private key",
        ),
        (
            "[[tls.certificates]]\ncert = 'certs/none.pem'\nkey = 'certs/other.key'\n",
            "none.pem",
        ),
    ] {
        let (project, _certs) = project("", other);
        let said = project.refused(&[]);
        assert!(said.contains(words), "{words}: {said}");
    }
}
