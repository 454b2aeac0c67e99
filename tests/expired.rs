//! A client certificate that does not hold now stops what uses it, and nothing else.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::certs::Certs;
use crate::harness::{CONFIG, Mtls, Server, plain};

/// The certificate's binding, the same by a credential, and neither.
const POLICY: &str = r#"
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  try {
    if (pathname === "/plain") return await fetch("http://127.0.0.1:PLAIN/plain");
    return await (pathname === "/credential" ? env.UP : env.PARTNER).fetch(request);
  } catch (error) { return new Response(String(error), { status: 598 }); }
} };
"#;

fn project(config: &str) -> Mtls {
    let config = format!(
        "{config}[audit]\nfile = 'audit.ndjson'\n[credentials.up]\ntype = 'bearer'\nsecret = 'PARTNER_TOKEN'\nhosts = ['partner.localhost']\ncertificate = 'partner'\n"
    )
    .replace(
        "secrets = [\"PARTNER_TOKEN\"]\n",
        "credentials = [{ binding = \"UP\", credential = \"up\" }]\n",
    );
    let policy = POLICY.replace("PLAIN", &plain().address.port().to_string());
    Mtls::new("server", &config, &policy)
}

/// Waits for this many records that were denied for a certificate.
fn denied(mtls: &Mtls, count: usize) {
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(mtls.project.path().join("audit.ndjson")).unwrap_or_default();
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let denied = records.filter(|record| record["verdict"] == "deny" && record["by"] == "certificate");
        if denied.count() == count {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{count} expected: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn until_good(server: &Server, path: &str) {
    let start = Instant::now();
    while server.get(path).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_does_not_hold_now_stops_its_bindings_alone() {
    for (name, why) in [
        ("expired", "has expired on 2021-01-01"),
        ("early", "is not valid yet, but from 2999-01-01 on"),
    ] {
        let mtls = project(&CONFIG.replace("certs/agent.", "certs/mine."));
        let certs = mtls.project.path().join("certs");
        let (cert, key) = match name {
            "early" => Certs::sign_between(&certs.join("ca.pem"), &certs.join("ca.key"), "early", (2999, 3000)),
            _ => Certs::sign_between(&certs.join("ca.pem"), &certs.join("ca.key"), "expired", (2020, 2021)),
        };
        mtls.project.write("certs/mine.pem", &cert);
        mtls.project.write("certs/mine.key", &key);
        let server = mtls.serve();
        server.logged(why);
        server.logged("certificates.partner.cert");
        assert_eq!(server.get("/plain").status, 200);
        for (index, path) in ["/binding", "/credential", "/binding"].into_iter().enumerate() {
            let answer = server.get(path);
            let expected = format!("the client certificate \"partner\" {why}");
            assert!(
                answer.status == 598 && answer.body.contains(&expected),
                "{}",
                answer.body
            );
            denied(&mtls, index + 1);
        }
        assert_eq!(mtls.partner.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
        let (code, _, told) = mtls.project.run(&["check", "agent.js"]);
        let told = told.replace("\n  \u{2502} ", " ");
        assert!(
            code == Some(1) && told.contains(why) && told.contains("Renew"),
            "{told}"
        );
        let (code, listed, _) = mtls.project.run(&["certs"]);
        let state = if name == "early" { "not valid yet" } else { "expired" };
        assert!(code == Some(1) && listed.contains(state), "{listed}");

        // Renewed, without a new start.
        let (cert, key) = Certs::sign(&certs.join("ca.pem"), &certs.join("ca.key"), "renewed");
        mtls.project.write("certs/mine.key", &key);
        mtls.project.write("certs/mine.pem", &cert);
        until_good(&server, "/binding");
        assert!(server.get("/credential").body.contains("CN=renewed"));
        assert_eq!(mtls.project.run(&["check", "agent.js"]).0, Some(0));
    }
}

#[test]
fn a_certificate_that_expires_meanwhile_is_no_longer_shown() {
    let mtls = project(CONFIG);
    let server = mtls.serve();
    assert_eq!(server.get("/binding").status, 200);
    let certs = mtls.project.path().join("certs");
    let (cert, key) = Certs::sign_between(&certs.join("ca.pem"), &certs.join("ca.key"), "old", (2020, 2021));
    mtls.project.write("certs/agent.key", &key);
    mtls.project.write("certs/agent.pem", &cert);
    // What is worse than the old one does not take its place.
    server.logged("has expired on 2021-01-01");
    server.logged("the old one stays");
    assert!(server.get("/binding").body.contains("CN=scout agent"));
}

#[test]
fn an_issuing_certificate_that_has_expired_stops_what_it_issues() {
    let config = CONFIG.replace(
        "cert = \"certs/agent.pem\"\nkey = \"certs/agent.key\"\n",
        "issue = \"agent\"\n",
    ) + "[identity]\nissuer = 'https://i.example'\ntrust_domain = 'acme.example'\nissuing_certificate = 'certs/issuing.pem'\nissuing_key = 'certs/issuing.key'\n";
    let mtls = project(&config);
    let certs = mtls.project.path().join("certs");
    Certs::authority_between(&certs, "issuing", (2020, 2021));
    let server = mtls.serve();
    server.logged("identity.issuing_certificate");
    server.logged("has expired on 2021-01-01");
    assert_eq!(server.get("/plain").status, 200);
    let answer = server.get("/binding");
    assert!(
        answer.status == 598
            && answer
                .body
                .contains("the issuing certificate has expired on 2021-01-01"),
        "{}",
        answer.body
    );
    denied(&mtls, 1);
    assert_eq!(mtls.project.run(&["check", "agent.js"]).0, Some(1));
    std::fs::copy(certs.join("ca.key"), certs.join("issuing.key")).unwrap();
    std::fs::copy(certs.join("ca.pem"), certs.join("issuing.pem")).unwrap();
    until_good(&server, "/binding");
}

#[test]
fn files_that_are_missing_or_broken_stop_the_start() {
    for (file, text) in [("certs/agent.pem", None), ("certs/agent.key", Some("garbage"))] {
        let mtls = project(CONFIG);
        match text {
            None => std::fs::remove_file(mtls.project.path().join(file)).unwrap(),
            Some(text) => mtls.project.write(file, text),
        }
        let report = mtls.project.refused(&["agent.js"]);
        assert!(
            report.contains("certificates.partner") && report.contains(file),
            "{report}"
        );
    }
}
