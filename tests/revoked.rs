//! Upstreams whose certificate was revoked: `crl` of `[certificates.<id>]`.

use crate::harness::certs::Certs;
use crate::harness::partner::{Partner, Tls};
use crate::harness::{AGENT, CONFIG, POLICY, Project, anywhere, upstreams};

fn serial(certs: &Certs, name: &str) -> String {
    let pem = std::fs::read(certs.path(name)).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    hex::encode(pem.parse_x509().unwrap().raw_serial())
}

fn with(line: &str) -> String {
    CONFIG.replace("ca = [\"certs/ca.pem\"]", &format!("ca = [\"certs/ca.pem\"]\n{line}"))
}

#[test]
fn an_upstream_whose_certificate_was_revoked_is_refused() {
    let project = Project::new(&[]);
    let certs = Certs::make(&project.path().join("certs"));
    let tls = Tls {
        folder: &certs.folder,
        certificate: "server",
    };
    let partner = upstreams().block_on(Partner::start(anywhere(), Some(tls))).unwrap();
    project.write("agent.js", &AGENT.replace("PORT", &partner.address.port().to_string()));
    project.write("outbound.js", POLICY);
    project.write("workerd-lite.toml", &with("crl = [\"certs/list.pem\"]"));
    project.write(".dev.vars", "PARTNER_TOKEN=canary-5f1d\n");
    certs.list("list.pem", &[serial(&certs, "other.pem")], 10);
    let server = project.serve(&["agent.js"]);
    let until = |status: u16| {
        let began = std::time::Instant::now();
        loop {
            let answer = server.get("/anything");
            if answer.status == status {
                return answer.body;
            }
            assert!(began.elapsed().as_secs() < 10, "{}: {}", answer.status, answer.body);
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    until(200);
    // Also over a connection that stands: the client of before is not used any longer.
    certs.list("list.pem", &[serial(&certs, "server.pem")], 10);
    let told = until(599);
    assert!(!told.contains("revoked"), "the agent was told: {told}");
    server.logged("the upstream's certificate was revoked");
    certs.list("list.pem", &[], 10);
    until(200);
    // One that is out of force says nothing of anybody.
    certs.list("list.pem", &[], -1);
    until(599);
    server.logged("is no longer in force");
    // What is no list leaves the one before.
    std::fs::write(certs.path("list.pem"), "nothing").unwrap();
    server.logged("the old one stays");
    until(599);
}

#[test]
fn lists_that_nobody_would_look_at_are_told() {
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("outbound.js", POLICY),
        (".dev.vars", "PARTNER_TOKEN=x\n"),
    ]);
    let certs = Certs::make(&project.path().join("certs"));
    certs.list("list.pem", &[], 10);
    for (config, words) in [
        (
            CONFIG.replace("ca = [\"certs/ca.pem\"]", "crl = [\"certs/list.pem\"]"),
            "lists are for upstreams of the authorities that `ca` names",
        ),
        (with("crl = [\"certs/absent.pem\"]"), "absent.pem"),
        (with("crl = [\"certs/ca.pem\"]"), "there is no revocation list"),
    ] {
        project.write("workerd-lite.toml", &config);
        let report = project.refused(&["agent.js"]);
        assert!(report.contains(words), "{words}: {report}");
    }
}
