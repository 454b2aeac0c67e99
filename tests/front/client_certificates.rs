//! Clients' certificates: who is let in, and what agents are told of them.

use super::{curl, openssl, project};
use crate::harness::certs::Certs;

fn with(certs: &Certs, name: &str) -> [String; 4] {
    let at = |end: &str| certs.path(&format!("{name}.{end}")).display().to_string();
    ["--cert".to_owned(), at("pem"), "--key".to_owned(), at("key")]
}

fn ask(server: &crate::harness::Server, certs: &Certs, name: &str, more: &[&str]) -> Result<serde_json::Value, String> {
    let named = with(certs, name);
    let mut arguments: Vec<&str> = named.iter().map(String::as_str).collect();
    arguments.extend(more);
    curl(server, certs, "/", &arguments)
}

#[test]
fn an_agent_is_told_of_its_clients_certificate() {
    let (project, certs) = project("", "client_ca = ['certs/ca.pem']");
    let server = project.serve(&[]);
    let file = certs.path("agent.pem");
    for protocol in ["--http1.1", "--http2"] {
        for most in ["1.2", "1.3"] {
            let seen = ask(&server, &certs, "agent", &[protocol, "--tls-max", most]).unwrap();
            let told = &seen["cf"]["tlsClientAuth"];
            let print = |options: &[&str]| {
                let text = openssl(&[&["x509", "-noout"], options].concat(), &file);
                text.split_once('=').map(|(_, value)| value.to_owned()).unwrap_or(text)
            };
            assert_eq!(
                (&told["certPresented"], &told["certVerified"]),
                (&"1".into(), &"SUCCESS".into())
            );
            assert_eq!(told["certRevoked"], "0");
            for (name, expected) in [
                ("certSubjectDN", print(&["-subject", "-nameopt", "RFC2253"])),
                ("certSubjectDNRFC2253", print(&["-subject", "-nameopt", "RFC2253"])),
                ("certSubjectDNLegacy", print(&["-subject", "-nameopt", "compat"])),
                ("certIssuerDN", print(&["-issuer", "-nameopt", "RFC2253"])),
                ("certIssuerDNLegacy", print(&["-issuer", "-nameopt", "compat"])),
                ("certSerial", print(&["-serial"])),
                ("certNotBefore", print(&["-startdate"])),
                ("certNotAfter", print(&["-enddate"])),
                (
                    "certFingerprintSHA1",
                    print(&["-fingerprint", "-sha1"]).replace(':', "").to_ascii_lowercase(),
                ),
                (
                    "certFingerprintSHA256",
                    print(&["-fingerprint", "-sha256"])
                        .replace(':', "")
                        .to_ascii_lowercase(),
                ),
            ] {
                assert_eq!(told[name], expected, "{name}");
            }
            assert_eq!(
                told["certSubjectAltNames"],
                serde_json::json!(["DNS:partner.localhost", "DNS:localhost", "IP:127.0.0.1"])
            );
        }
    }
    assert!(curl(&server, &certs, "/", &[]).is_err());
    for name in ["stranger", "expired", "self-signed"] {
        assert!(ask(&server, &certs, name, &[]).is_err(), "{name}");
    }
}

#[test]
fn one_that_is_not_shown_is_told_of_too() {
    let (project, certs) = project("", "client_ca = ['certs/ca.pem']\nclient_auth = 'optional'");
    let server = project.serve(&[]);
    let seen = curl(&server, &certs, "/", &[]).unwrap();
    assert_eq!(seen["cf"]["tlsClientAuth"]["certVerified"], "NONE");
    let seen = ask(&server, &certs, "agent", &[]).unwrap();
    assert_eq!(seen["cf"]["tlsClientAuth"]["certVerified"], "SUCCESS");
    assert!(ask(&server, &certs, "stranger", &[]).is_err());
    // Other roots, for handshakes from now on.
    std::fs::copy(certs.path("stranger.pem"), certs.path("ca2.pem")).unwrap();
    Certs::authority_between(&certs.folder, "ca", (2020, 2100));
    server.logged("tls: changed on disk and taken over");
    let insecure = ["--insecure"];
    assert!(ask(&server, &certs, "agent", &insecure).is_err());
}

#[test]
fn a_certificate_that_was_revoked_ends_the_handshake() {
    for auth in ["required", "optional"] {
        let tls = format!("client_ca = ['certs/ca.pem']\nclient_crl = ['certs/list.pem']\nclient_auth = '{auth}'");
        let (project, certs) = project("", &tls);
        let serial = |name: &str| {
            let said = openssl(&["x509", "-noout", "-serial"], &certs.path(name));
            said.split_once('=').unwrap().1.to_owned()
        };
        certs.list("list.pem", &[serial("other.pem")], 10);
        let server = project.serve(&[]);
        let seen = ask(&server, &certs, "agent", &[]).unwrap();
        assert_eq!(seen["cf"]["tlsClientAuth"]["certRevoked"], "0");
        for most in ["1.2", "1.3"] {
            assert!(ask(&server, &certs, "other", &["--tls-max", most]).is_err());
        }
        // Another list, for handshakes from now on.
        certs.list("list.pem", &[serial("agent.pem")], 10);
        server.logged("tls: changed on disk and taken over");
        assert!(ask(&server, &certs, "agent", &[]).is_err());
        ask(&server, &certs, "other", &[]).unwrap();
        // One that is out of force revokes everybody: nobody knows what it would say now.
        certs.list("list.pem", &[], -1);
        server.logged("is no longer in force");
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(ask(&server, &certs, "other", &[]).is_err());
    }
}

#[test]
fn lists_that_say_nothing_are_told() {
    for (tls, words) in [
        (
            "client_crl = ['certs/list.pem']",
            "no certificates of clients are verified",
        ),
        (
            "client_ca = ['certs/ca.pem']\nclient_crl = ['certs/ca.pem']",
            "there is no revocation list",
        ),
        (
            "client_ca = ['certs/ca.pem']\nclient_crl = ['certs/missing.pem']",
            "missing.pem",
        ),
    ] {
        let (project, certs) = project("", tls);
        certs.list("list.pem", &[], 10);
        let said = project.refused(&[]);
        assert!(said.contains(words), "{words}: {said}");
    }
}
