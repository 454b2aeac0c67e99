//! Credentials, identities, rules and agents that are configured wrongly: one error each, before the server listens.

use crate::harness::Project;
use crate::harness::certs::Certs;

const BINDING: &str = "[outbound]\nmain = 'outbound.js'\ncredentials = [{ binding = 'A', credential = 'a' }]\n";

fn project() -> Project {
    let project = Project::new(&[
        ("worker.js", "export default { fetch: () => new Response() };"),
        ("outbound.js", "export default { fetch: () => new Response() };"),
        (".dev.vars", "TOKEN=t\nEMPTY=\nNOT_A_KEY=abc\n"),
        ("empty", "\n"),
    ]);
    Certs::make(&project.path().join("certs"));
    project
}

#[test]
fn each_error_says_file_line_field_and_remedy() {
    let project = project();
    let cases: [(&str, &[&str]); 25] = [
        (
            "[credentials.b]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\n",
            &[
                "toml:3",
                "outbound.credentials",
                "no credential \"a\"",
                "[credentials.a]",
            ],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'ABSENT'\nhosts = ['a.example']\n",
            &[
                "toml:6",
                "credentials.a.secret",
                "\"ABSENT\" is absent or empty",
                ".dev.vars",
            ],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'EMPTY'\nhosts = ['a.example']\n",
            &["toml:6", "\"EMPTY\" is absent or empty"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nfile = 'empty'\nhosts = ['a.example']\n",
            &["toml:6", "credentials.a.file", "empty is empty"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nfile = 'missing'\nhosts = ['a.example']\n",
            &["toml:6", "credentials.a.file", "can not be read"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\n",
            &["toml:4", "credentials.a", "missing field `hosts`"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = []\n",
            &["toml:7", "credentials.a.hosts", "at least one host"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['**']\n",
            &["toml:7", "credentials.a.hosts", "matches every host", "hosts = [\"*\"]"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['*', 'a.example']\n",
            &["toml:7", "matches every host"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['https://a.example/']\n",
            &["toml:7", "credentials.a.hosts"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\npaths = ['repos']\n",
            &["toml:8", "credentials.a.paths", "must begin with"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\nmethods = ['get']\n",
            &["toml:8", "credentials.a.methods", "\"GET\""],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\nheader = 'X'\n",
            &["toml:8", "credentials.a.header", "has no \"header\""],
        ),
        (
            "[credentials.a]\ntype = 'basic'\nsecret = 'TOKEN'\nhosts = ['a.example']\nusername = 'a:b'\n",
            &["toml:8", "credentials.a.username", "without a colon"],
        ),
        (
            "[credentials.a]\ntype = 'header'\nsecret = 'TOKEN'\nhosts = ['a.example']\nheader = 'Transfer-Encoding'\n",
            &["toml:8", "credentials.a.header", "of the connection"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['**.']\n",
            &["toml:7", "credentials.a.hosts", "no host pattern"],
        ),
        (
            "[credentials.a]\ntype = 'token'\nsecret = 'TOKEN'\nhosts = ['a.example']\n",
            &["toml:5", "credentials.a.type", "unknown variant `token`"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\ncertificate = 'c'\n",
            &[
                "toml:8",
                "credentials.a.certificate",
                "no certificate \"c\"",
                "[certificates.c]",
            ],
        ),
        (
            "[credentials.a]\ntype = 'oauth2'\nsecret = 'TOKEN'\nclient_id = 'c'\ntoken_url = 'http://auth.example/'\nhosts = ['a.example']\n",
            &["toml:8", "credentials.a.token_url", "https"],
        ),
        (
            "[credentials.a]\ntype = 'jwt-bearer'\nsecret = 'NOT_A_KEY'\nissuer = 'i'\ntoken_url = 'https://auth.example/'\nhosts = ['a.example']\n",
            &["toml:6", "credentials.a.secret", "no RSA or P-256 private key"],
        ),
        (
            "[credentials.a]\ntype = 'identity'\nhosts = ['a.example']\n",
            &["toml:5", "credentials.a.type", "[identity]"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\ncertificate = 'c'\n[certificates.c]\ncert = 'certs/agent.pem'\nkey = 'certs/missing.key'\n",
            &["toml:9", "certificates.c", "missing.key"],
        ),
        (
            "[credentials.a]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\ncertificate = 'c'\n[certificates.c]\ncert = 'certs/agent.pem'\nkey = 'certs/other.key'\n",
            &["toml:9", "is not the private key of"],
        ),
        (
            "[credentials.a]\ntype = 'identity'\nhosts = ['a.example']\n[identity]\nissuer = 'https://i.example'\ntrust_domain = 'acme.example'\nkey = 'certs/agent.pem'\n",
            &["toml:7", "identity", "no PKCS #8 private key"],
        ),
        (
            "[credentials.a]\ntype = 'identity'\nhosts = ['a.example']\n[identity]\nissuer = 'http://i.example'\ntrust_domain = 'Acme'\n",
            &["toml:8", "identity.issuer", "https"],
        ),
    ];
    for (config, expected) in cases {
        project.write("workerd-lite.toml", &format!("{BINDING}{config}"));
        let report = project.refused(&["worker.js"]);
        for text in expected {
            assert!(report.contains(text), "{config}: {text:?} is not in\n{report}");
        }
        assert!(!report.contains("listening"), "{report}");
    }
}

#[test]
fn agents_that_are_configured_wrongly() {
    let project = project();
    let one = "[[agents]]\nname = 'a'\nmain = 'worker.js'\n";
    let cases: [(&str, &[&str]); 8] = [
        ("agents = []\n", &["toml:1", "agents", "at least one"]),
        ("[[agents]]\nmain = 'worker.js'\n", &["agents[0].name", "needs a name"]),
        (
            "[[agents]]\nname = 'a'\n",
            &["agents[0].main", "expected `main` or `config`"],
        ),
        (
            "[[agents]]\nname = 'a/b'\nmain = 'worker.js'\n",
            &["toml:2", "agents[0].name", "letters"],
        ),
        (
            &format!("{one}match = ['a.x']\n[[agents]]\nname = 'b'\nmain = 'worker.js'\n"),
            &["agents[1]", "has no hosts", "match"],
        ),
        (
            &format!("{one}match = ['a.x']\n{one}match = ['b.x']\n"),
            &["toml:6", "agents[1].name", "two agents"],
        ),
        (
            &format!("{one}[[agents.egress]]\nhosts = ['a b']\n"),
            &["toml:5", "agents[0].egress[0].hosts"],
        ),
        (
            &format!("{one}[agents.outbound]\nprop = 1\n"),
            &["toml:5", "did you mean `props`"],
        ),
    ];
    for (config, expected) in cases {
        project.write("workerd-lite.toml", config);
        let report = project.refused(&[]);
        for text in expected {
            assert!(report.contains(text), "{config}: {text:?} is not in\n{report}");
        }
    }
    project.write("workerd-lite.toml", one);
    assert!(
        project
            .refused(&["worker.js"])
            .contains("the scripts of the agents are named here")
    );
}

#[test]
fn certs_lists_identities_and_days_left() {
    let project = project();
    project.write(
        "workerd-lite.toml",
        "[certificates.partner]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\n[certificates.workload]\nissue = 'agent'\n\
         [identity]\nissuer = 'https://i.example'\ntrust_domain = 'acme.example'\nissuing_certificate = 'certs/ca.pem'\nissuing_key = 'certs/ca.key'\n",
    );
    let run = || {
        let (code, out, _) = project.run(&["certs"]);
        (code, out)
    };
    let (code, text) = run();
    assert_eq!(code, Some(0), "{text}");
    for (name, words) in [
        ("certificates.partner", &["CN=scout agent", "good", "agent.pem"][..]),
        ("certificates.workload", &["issued to each agent"]),
        ("identity.issuing_certificate", &["CN=workerd-lite example CA", "good"]),
    ] {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    let config = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    project.write("workerd-lite.toml", &config.replace("certs/agent.", "certs/expired."));
    let (code, text) = run();
    assert!(code == Some(1) && text.contains("expired"), "{text}");
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of() {
    let project = project();
    let certs = project.path().join("certs");
    let (cert, key) = Certs::sign_until(&certs.join("ca.pem"), &certs.join("ca.key"), "short", 3);
    project.write("certs/short.pem", &cert);
    project.write("certs/short.key", &key);
    project.write(
        "workerd-lite.toml",
        "[outbound]\nmain = 'outbound.js'\nmtls_certificates = [{ binding = 'A', certificate_id = 'a' }]\n\
         [certificates.a]\ncert = 'certs/short.pem'\nkey = 'certs/short.key'\n",
    );
    project.serve(&["worker.js"]).logged("the certificate \"a\" expires in");
    assert!(project.run(&["certs"]).1.contains("expires soon"));
}

#[test]
fn a_name_that_would_be_another_agents_identity_is_refused() {
    for name in ["B/bot", "..", "a b", "", "a%2fb", "\u{e9}"] {
        let project = Project::new(&[("worker.js", "export default {};")]);
        project.write(
            "wrangler.json",
            &serde_json::json!({ "name": name, "main": "worker.js" }).to_string(),
        );
        let report = project.refused(&[]);
        assert!(
            report.contains("wrangler.json:1, name: expected 1 to 63"),
            "{name:?}: {report}"
        );
        project.write("workerd-lite.toml", "[[agents]]\nconfig = 'wrangler.json'\n");
        let report = project.refused(&[]);
        assert!(
            report.contains("wrangler.json:1, name: expected 1 to 63"),
            "{name:?}: {report}"
        );
    }
    // A file has any name.
    let project = Project::new(&[("my worker/\u{e9}.js", "export default { fetch: () => new Response() };")]);
    let (code, _, told) = project.run(&["check", "my worker/\u{e9}.js"]);
    assert_eq!(code, Some(0), "{told}");
}
