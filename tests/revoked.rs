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

/// The same for all that `network.ca` has issued, whatever it is asked by; what others have issued needs no list.
#[test]
fn lists_of_the_network_hold_for_every_request() {
    let project = Project::new(&[(
        "agent.js",
        "export default { fetch: (request) => fetch(new URL(request.url).searchParams.get('to')) };",
    )]);
    let certs = Certs::make(&project.path().join("certs"));
    let others = Certs::make(&project.path().join("others"));
    let start = |certs: &Certs| {
        let tls = Tls {
            folder: &certs.folder,
            certificate: "server",
        };
        upstreams().block_on(Partner::start(anywhere(), Some(tls))).unwrap()
    };
    let (listed, unlisted) = (start(&certs), start(&others));
    project.write(
        "policy.js",
        "export default { async fetch(request, env) {
           const binding = new URL(request.url).pathname === '/other' ? env.OTHER : env.PLAIN;
           try { return await binding.fetch(request); } catch (error) { console.log(error.message); return new Response('no', { status: 599 }); }
         } };",
    );
    let config = |lines: &str| {
        format!(
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n\
             mtls_certificates = [{{ binding = 'PLAIN', certificate_id = 'plain' }}, {{ binding = 'OTHER', certificate_id = 'other' }}]\n\
             [certificates.plain]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nhosts = ['partner.localhost']\n\
             [certificates.other]\ncert = 'others/agent.pem'\nkey = 'others/agent.key'\nca = ['others/ca.pem']\nhosts = ['partner.localhost']\n\
             [network]\nallow = ['local']\n{lines}"
        )
    };
    project.write(
        "workerd-lite.toml",
        &config("ca = ['certs/ca.pem']\ncrl = ['certs/list.pem']\n"),
    );
    certs.list("list.pem", &[serial(&certs, "other.pem")], 10);
    let server = project.serve(&[]);
    let ask = |partner: &Partner, path: &str| {
        let url = format!("https://partner.localhost:{}{path}", partner.address.port());
        server.get(&format!("/?to={url}")).status
    };
    assert_eq!((ask(&listed, "/"), ask(&unlisted, "/other")), (200, 200));
    certs.list("list.pem", &[serial(&certs, "server.pem")], 10);
    let began = std::time::Instant::now();
    while ask(&listed, "/") != 599 {
        assert!(began.elapsed().as_secs() < 10, "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    server.logged("the upstream's certificate was revoked");
    assert_eq!(ask(&unlisted, "/other"), 200);
    project.write("workerd-lite.toml", &config("crl = ['certs/list.pem']\n"));
    assert!(
        project
            .refused(&[])
            .contains("lists are for upstreams of the authorities that `network.ca` names")
    );
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
