//! TLS towards the server: from the start, and later.

use crate::harness::certs::Certs;
use crate::tcp::servers::{Does, acceptor, listen};
use crate::tcp::{DIALS, HANDS_ON, LOCAL, PIPES, ask, records, rule, serve};

const TRUST: &str = "[network]\nallow = ['local']\nca = ['certs/ca.pem']\n";

fn certs() -> (tempfile::TempDir, Certs) {
    let folder = tempfile::tempdir().unwrap();
    let certs = Certs::make(folder.path());
    (folder, certs)
}

fn trusting(policy: &str, port: u16, certs: &Certs, more: &str) -> (crate::harness::Project, crate::harness::Server) {
    let project = crate::harness::Project::new(&[("agent.js", DIALS), ("policy.js", policy)]);
    std::fs::create_dir_all(project.path().join("certs")).unwrap();
    for file in ["ca.pem", "agent.pem", "agent.key"] {
        std::fs::copy(certs.path(file), project.path().join("certs").join(file)).unwrap();
    }
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n{more}\n{}{TRUST}[audit]\nfile = 'audit.ndjson'\n",
            rule(port)
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

#[test]
fn tls_from_the_start_is_the_hosts() {
    let (_folder, certs) = certs();
    let listening = listen(Does::Tls(acceptor(&certs.folder, "server", false)));
    let port = listening.port;
    let on = "&options=%7B%22secureTransport%22:%22on%22%7D";
    let (_project, server) = trusting(HANDS_ON, port, &certs, "");
    let said = ask(&server, &format!("/echo?to=partner.localhost:{port}{on}"));
    assert_eq!(
        (&said["said"], &said["secure"]),
        (&"hello there".into(), &"on".into()),
        "{said}"
    );
    // Its certificate is another's.
    let said = ask(&server, &format!("/echo?to=other.localhost:{port}{on}"));
    assert!(said["error"].as_str().unwrap().contains("cannot connect"), "{said}");
    // Nobody knows its authority.
    let (_project, server) = serve(DIALS, HANDS_ON, &format!("{}{LOCAL}", rule(port)));
    let said = ask(&server, &format!("/echo?to=partner.localhost:{port}{on}"));
    assert!(said["error"].as_str().unwrap().contains("cannot connect"), "{said}");
}

#[test]
fn a_policy_that_returns_a_socket_in_the_clear_for_one_under_tls_refuses() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    let policy = HANDS_ON.replace("{ secureTransport: socket.secureTransport }", "{}");
    let (_project, server) = serve(DIALS, &policy, &format!("{}{LOCAL}", rule(port)));
    let said = ask(
        &server,
        &format!("/echo?to=localhost:{port}&options=%7B%22secureTransport%22:%22on%22%7D"),
    );
    assert!(said["error"].as_str().unwrap().contains("cannot connect"), "{said}");
    server.logged("a socket in the clear for one that is to be under TLS");
    // And one that is in the clear may be under TLS on its way.
    assert_eq!(
        ask(&server, &format!("/echo?to=localhost:{port}"))["said"],
        "hello there"
    );
}

/// The policy stands between both, and has each of them go on under TLS: `late` before it says so, `early` with bytes behind the agent's word.
const UPGRADES: &str = r#"
import { connect } from "cloudflare:sockets";
async function move(from, to) {
  const reader = from.getReader(), writer = to.getWriter();
  const { value } = await reader.read();
  await writer.write(value);
  reader.releaseLock();
  writer.releaseLock();
}
export default {
  fetch: () => new Response("no", { status: 403 }),
  async connect(socket) {
    const { localAddress } = await socket.opened;
    const upstream = connect(localAddress, { secureTransport: "starttls" });
    await move(socket.readable, upstream.writable);
    await move(upstream.readable, socket.writable);
    if (WAITS) await scheduler.wait(WAITS);
    const inner = socket.startTls(), outer = upstream.startTls();
    const state = `${socket.upgraded} ${inner.secureTransport}`;
    await Promise.all([inner.readable.pipeTo(outer.writable), outer.readable.pipeTo(inner.writable)]);
    console.log(`moved ${state}`);
  },
};
"#;

#[test]
fn a_policy_between_goes_on_under_tls_with_both() {
    let (_folder, certs) = certs();
    let listening = listen(Does::StartTls(acceptor(&certs.folder, "server", false)));
    let port = listening.port;
    for waits in ["0", "300"] {
        let (project, server) = trusting(&UPGRADES.replace("WAITS", waits), port, &certs, "");
        for soon in ["", "&soon"] {
            let said = ask(&server, &format!("/upgrades?to=partner.localhost:{port}{soon}"));
            assert_eq!(
                (&said["said"], &said["then"], &said["secure"]),
                (&"go".into(), &"under TLS".into(), &"on".into()),
                "{said} {}",
                server.log()
            );
        }
        server.logged("moved true on");
        assert_eq!(records(&project, 2).len(), 2);
        listening.comes_to(0);
    }
}

#[test]
fn a_connection_goes_on_under_tls_when_the_agent_asks() {
    let (_folder, certs) = certs();
    let listening = listen(Does::StartTls(acceptor(&certs.folder, "server", false)));
    let port = listening.port;
    let (project, server) = trusting(HANDS_ON, port, &certs, "");
    for name in ["", "&soon", "&name=partner.localhost", "&name=PARTNER.localhost"] {
        let said = ask(&server, &format!("/upgrades?to=partner.localhost:{port}{name}"));
        assert_eq!(
            (&said["said"], &said["then"]),
            (&"go".into(), &"under TLS".into()),
            "{said}"
        );
        assert_eq!((&said["upgraded"], &said["secure"]), (&true.into(), &"on".into()));
    }
    let said = ask(
        &server,
        &format!("/upgrades?to=partner.localhost:{port}&name=other.example"),
    );
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .contains("another host than the one that was connected to"),
        "{said}"
    );
    // The name that is verified is the one that was connected to.
    let said = ask(&server, &format!("/upgrades?to=other.localhost:{port}"));
    assert!(
        said["error"].as_str().unwrap().contains("TLS could not be started"),
        "{said}"
    );
    let record = &records(&project, 1)[0];
    assert_eq!(
        (&record["closed"], &record["verdict"]),
        (&"both".into(), &"allow".into()),
        "{record}"
    );
    // A policy that opened it otherwise does not allow it, and neither does one that stands in between.
    let plain = HANDS_ON.replace("{ secureTransport: socket.secureTransport }", "{}");
    for (policy, words) in [(plain.as_str(), "was not opened with"), (PIPES, "performs no TLS")] {
        let (_project, server) = trusting(policy, port, &certs, "");
        let said = ask(&server, &format!("/upgrades?to=partner.localhost:{port}"));
        assert!(said["error"].as_str().unwrap().contains(words), "{said}");
    }
}

#[test]
fn what_comes_in_the_clear_is_not_taken_for_what_comes_under_tls() {
    let (_folder, certs) = certs();
    let listening = listen(Does::Injects(acceptor(&certs.folder, "server", false)));
    let port = listening.port;
    let (_project, server) = trusting(HANDS_ON, port, &certs, "");
    let said = ask(&server, &format!("/upgrades?to=partner.localhost:{port}"));
    assert!(said["error"].as_str().unwrap().contains("was not read"), "{said}");
}

#[test]
fn a_policy_names_another_server_where_a_rule_lets_it() {
    let (_folder, certs) = certs();
    let listening = listen(Does::StartTls(acceptor(&certs.folder, "server", false)));
    let port = listening.port;
    let agent =
        "export default { fetch: (request) => fetch('http://policy.test/?' + new URL(request.url).searchParams) };";
    let policy = DIALS.replace("pathname.slice(1)", "'upgrades'");
    let project = crate::harness::Project::new(&[("agent.js", agent), ("policy.js", &policy)]);
    std::fs::copy(certs.path("ca.pem"), project.path().join("ca.pem")).unwrap();
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n{}{}",
            rule(port),
            TRUST.replace("certs/", "")
        ),
    );
    let server = project.serve(&[]);
    let said = ask(&server, &format!("/?to=other.localhost:{port}&name=partner.localhost"));
    assert_eq!(said["then"], "under TLS", "{said}");
    let said = ask(&server, &format!("/?to=other.localhost:{port}&name=other.example"));
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .contains("other.example: no rule of [[outbound.egress]] allows it"),
        "{said}"
    );
}

#[test]
fn a_bindings_certificate_is_shown_to_its_own_hosts_under_tls_alone() {
    let (_folder, certs) = certs();
    let mutual = listen(Does::Tls(acceptor(&certs.folder, "server", true)));
    let upgrading = listen(Does::StartTls(acceptor(&certs.folder, "server", true)));
    let policy = r#"
export default {
  fetch: () => new Response("no", { status: 403 }),
  async connect(socket, env) {
    return env.DB.connect((await socket.opened).localAddress, { secureTransport: socket.secureTransport });
  },
};"#;
    let more = "mtls_certificates = [{ binding = 'DB', certificate_id = 'db' }]";
    let table = "[certificates.db]\nhosts = ['partner.localhost']\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n";
    let on = "&options=%7B%22secureTransport%22:%22on%22%7D";
    let both = |port: u16| format!("{more}\n{table}{}", rule(port));
    let (project, server) = trusting(policy, mutual.port, &certs, &both(upgrading.port));
    let said = ask(&server, &format!("/echo?to=partner.localhost:{}{on}", mutual.port));
    assert_eq!(said["said"], "hello there", "{said}");
    assert_eq!(records(&project, 1)[0]["binding"], "db");
    let said = ask(&server, &format!("/upgrades?to=partner.localhost:{}", upgrading.port));
    assert_eq!(said["then"], "under TLS", "{said}");
    for to in [
        format!("localhost:{}{on}", mutual.port),
        format!("partner.localhost:{}", mutual.port),
    ] {
        let said = ask(&server, &format!("/echo?to={to}"));
        assert!(said["error"].as_str().unwrap().contains("cannot connect"), "{said}");
    }
    let denied = records(&project, 4);
    assert!(
        denied[2..]
            .iter()
            .all(|record| record["by"] == "certificate" && record["verdict"] == "deny"),
        "{denied:#?}"
    );
    // Without it there is no way in.
    let (_project, server) = trusting(HANDS_ON, mutual.port, &certs, "");
    let said = ask(&server, &format!("/echo?to=partner.localhost:{}{on}", mutual.port));
    assert!(said["error"].is_string(), "{said}");
}
