//! Identities that others verify: tokens by `jose`, certificates by nginx and OpenSSL.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::harness::certs::Certs;
use crate::harness::nginx::Nginx;
use crate::harness::{Project, Server, free_port, peers, plain};

const AGENT: &str = "export default { fetch: (r) => fetch(`http://policy.example${new URL(r.url).pathname}`) };";

const TOKENS: &str = r#"
export default { async fetch(request, env, ctx) {
  try {
    const { pathname } = new URL(request.url);
    if (pathname === "/up") return env.UP.fetch("http://127.0.0.1:UPSTREAM/");
    const options = { "/one": { audience: "https://api.example" }, "/many": { audience: ["a", "b"], claims: { role: "reader" } },
      "/forged": { audience: "a", claims: { sub: "spiffe://acme.example/acme/other" } }, "/none": {}, "/empty": { audience: [] } };
    return new Response(await ctx.identity.token(options[pathname]));
  } catch (error) { return new Response(String(error), { status: 400 }); }
} };
"#;

struct Issuing {
    project: Project,
    server: Server,
    admin: String,
    issuer: String,
}

/// Serves with an identity whose discovery document is on a port that was free a moment ago.
fn issuing(ttl: &str, upstream: u16) -> Issuing {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", &TOKENS.replace("UPSTREAM", &upstream.to_string())),
    ]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\ncredentials = [{{ binding = 'UP', credential = 'me' }}]\n\
             [credentials.me]\ntype = 'identity'\nhosts = ['127.0.0.1']\n\
             [identity]\nissuer = '{issuer}'\ntrust_domain = 'acme.example'\nttl = '{ttl}'\n[admin]\nlisten = '127.0.0.1:{port}'\n\
             [[agents]]\nname = 'scout'\ntenant = 'acme'\nmain = 'agent.js'\n"
        ),
    );
    let server = project.serve(&["--threads", "1"]);
    Issuing {
        project,
        server,
        admin: issuer.clone(),
        issuer,
    }
}

impl Issuing {
    fn verify(&self, folder: &Path, audience: &str, token: &str) -> Value {
        let output = peers::node(folder, "verify.mjs", &[&self.admin, &self.issuer, audience, token]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }
}

#[test]
fn tokens_are_verified_by_jose() {
    let Some(folder) = peers::npm() else { return };
    let upstream = plain();
    let issuing = issuing("60s", upstream.address.port());
    let ask = |path: &str| issuing.server.get(path).body;
    let token = ask("/one");
    let verified = issuing.verify(&folder, "https://api.example", &token);
    let claims = &verified["payload"];
    assert_eq!(claims["sub"], "spiffe://acme.example/acme/scout", "{verified}");
    assert_eq!((&claims["agent"], &claims["tenant"]), (&"scout".into(), &"acme".into()));
    for hash in ["code_sha256", "policy_sha256"] {
        assert_eq!(claims[hash].as_str().unwrap().len(), 64);
    }
    let time = |claim: &str| claims[claim].as_u64().unwrap();
    assert_eq!(time("exp") - time("iat"), 60);
    // For verifiers whose clock is behind ours.
    assert_eq!(time("iat") - time("nbf"), 30);
    let again = issuing.verify(&folder, "https://api.example", &ask("/one"));
    assert_ne!(claims["jti"], again["payload"]["jti"]);
    assert_eq!(claims["instance"], again["payload"]["instance"]);
    // For another audience.
    let refused = issuing.verify(&folder, "https://other.example", &token);
    assert_eq!(refused["error"], "ERR_JWT_CLAIM_VALIDATION_FAILED");
    assert_eq!(issuing.verify(&folder, "b", &ask("/many"))["payload"]["role"], "reader");
    for (path, text) in [
        ("/forged", "the claim \"sub\" is the host's own"),
        ("/none", "audience"),
        ("/empty", "audience"),
    ] {
        let answer = issuing.server.get(path);
        assert!(
            answer.status == 400 && answer.body.contains(text),
            "{path}: {}",
            answer.body
        );
    }
    // One byte of it changed.
    let mut forged = token.clone().into_bytes();
    let middle = token.find('.').unwrap() + 20;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let refused = issuing.verify(&folder, "https://api.example", &String::from_utf8(forged).unwrap());
    assert!(refused["error"].as_str().unwrap().starts_with("ERR_J"), "{refused}");

    // As a credential: minted for each request, with the upstream's origin as its audience.
    let seen: Value = serde_json::from_str(&ask("/up")).unwrap();
    let bearer = seen["headers"]["authorization"]
        .as_str()
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap();
    let origin = format!("http://127.0.0.1:{}", upstream.address.port());
    assert_eq!(issuing.verify(&folder, &origin, bearer)["payload"]["agent"], "scout");
}

#[test]
fn a_token_ends() {
    let Some(folder) = peers::npm() else { return };
    let issuing = issuing("1s", 1);
    let token = issuing.server.get("/one").body;
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(
        issuing.verify(&folder, "https://api.example", &token)["error"],
        "ERR_JWT_EXPIRED"
    );
}

#[test]
fn keys_are_replaced_with_an_overlap_and_then_removed() {
    let Some(folder) = peers::npm() else { return };
    let issuing = issuing("60s", 1);
    let state = issuing.project.path().join(".workerd-lite/identity");
    let keys = || -> Vec<std::path::PathBuf> {
        std::fs::read_dir(&state)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    let [first] = &keys()[..] else {
        panic!("one key at first")
    };
    assert_eq!(std::fs::metadata(first).unwrap().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&state).unwrap().mode() & 0o777, 0o700);
    let token = issuing.server.get("/one").body;
    let kid = issuing.verify(&folder, "https://api.example", &token)["kid"].clone();

    let age = |path: &Path, days: u64| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(days * 24))
            .unwrap();
    };
    let until = |count: usize| {
        let start = std::time::Instant::now();
        while keys().len() != count {
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", keys());
            std::thread::sleep(Duration::from_millis(50));
        }
        // The ring is read once a second.
        std::thread::sleep(Duration::from_millis(1300));
    };
    age(first, 40);
    until(2);
    // The new key is published, and does not sign before everybody can have seen it.
    let verified = issuing.verify(&folder, "https://api.example", &issuing.server.get("/one").body);
    assert_eq!(verified["kid"], kid);
    let second = keys().into_iter().find(|key| key != first).unwrap();
    age(&second, 1);
    until(1);
    // The old key is gone: a token of it is refused, and the new one signs.
    let refused = issuing.verify(&folder, "https://api.example", &token);
    assert_eq!(refused["error"], "ERR_JWKS_NO_MATCHING_KEY");
    let verified = issuing.verify(&folder, "https://api.example", &issuing.server.get("/one").body);
    assert!(
        verified["kid"] != kid && verified["payload"]["agent"] == "scout",
        "{verified}"
    );
}

const WORKLOAD: &str = r#"
[network]
allow = ["local"]
[outbound]
main = "policy.js"
mtls_certificates = [{ binding = "WORKLOAD", certificate_id = "workload" }]
[certificates.workload]
issue = "agent"
ca = ["certs/ca.pem"]
[identity]
issuer = "https://issuer.acme.example"
trust_domain = "acme.example"
issuing_certificate = "certs/ca.pem"
issuing_key = "certs/ca.key"
certificate_ttl = "10m"
[[agents]]
name = "scout"
tenant = "acme"
main = "scout.js"
match = ["scout.localhost"]
[[agents]]
name = "writer"
tenant = "acme"
main = "scout.js"
match = ["writer.localhost"]
"#;

/// Lets one agent and one code hash in, and says what it read.
fn verifier(folder: &Path, certs: &Certs, hash: &str) -> Option<Nginx> {
    let at = certs.folder.display();
    Nginx::start(
        folder,
        &format!(
            r#"map_hash_bucket_size 256; map $ssl_client_s_dn $ok {{ default 0; "OU={hash},O=acme,CN=scout" 1; }}
            server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key;
              ssl_client_certificate {at}/ca.pem; ssl_verify_client on;
              location = /dn {{ default_type text/plain; return 200 "$ssl_client_s_dn"; }}
              location = /pem {{ default_type text/plain; return 200 "$ssl_client_escaped_cert"; }}
              location = /connection {{ default_type text/plain; return 200 "$connection $ssl_client_s_dn"; }}
              location / {{ if ($ok = 0) {{ return 403 "not you"; }} return 200 "come in"; }} }}"#
        ),
    )
}

#[test]
fn nginx_lets_one_agent_with_one_code_in() {
    let scratch = tempfile::tempdir().unwrap();
    let project = Project::new(&[("workerd-lite.toml", WORKLOAD)]);
    let certs = Certs::make(&project.path().join("certs"));
    let Some(first) = verifier(&scratch.path().join("a"), &certs, "none") else {
        return;
    };
    let scout = "export default { fetch: (r) => fetch(`https://localhost:9${new URL(r.url).pathname}`) };\n";
    project.write("scout.js", scout);
    let policy = "export default { fetch(request, env) { const url = new URL(request.url); url.port = 'PORT'; return env.WORKLOAD.fetch(url); } };";
    let target = |port: u16| project.write("policy.js", &policy.replace("PORT", &port.to_string()));
    target(first.port);
    let ask =
        |server: &Server, agent: &str, path: &str| server.curl(path, &["-H", &format!("Host: {agent}.localhost")]).body;

    let server = project.serve(&["--threads", "1"]);
    let dn = ask(&server, "scout", "/dn");
    let hash = dn
        .strip_prefix("OU=")
        .and_then(|dn| dn.strip_suffix(",O=acme,CN=scout"))
        .unwrap_or_else(|| panic!("{dn}"));
    assert_eq!(hash.len(), 64);
    // Another implementation reads the SPIFFE id.
    let pem = ask(&server, "scout", "/pem");
    let pem = percent_decoded(&pem);
    std::fs::write(scratch.path().join("agent.pem"), pem).unwrap();
    let output = Command::new("openssl")
        .args([
            "x509",
            "-noout",
            "-ext",
            "subjectAltName,extendedKeyUsage,basicConstraints,keyUsage",
            "-in",
        ])
        .arg(scratch.path().join("agent.pem"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("URI:spiffe://acme.example/acme/scout"), "{text}");
    assert!(
        text.contains("CA:FALSE") && text.contains("TLS Web Client Authentication"),
        "{text}"
    );

    // Each agent has connections of its own, by its own certificate.
    let (one, other) = (
        ask(&server, "scout", "/connection"),
        ask(&server, "writer", "/connection"),
    );
    assert!(other.ends_with(&format!("OU={hash},O=acme,CN=writer")), "{other}");
    assert_ne!(one.split(' ').next(), other.split(' ').next());
    drop(server);

    let second = verifier(&scratch.path().join("b"), &certs, hash).unwrap();
    target(second.port);
    let server = project.serve(&["--threads", "1"]);
    assert_eq!(ask(&server, "scout", "/"), "come in");
    assert_eq!(ask(&server, "writer", "/"), "not you", "the same code, another agent");
    drop(server);
    // One byte of the agent changed.
    project.write("scout.js", &scout.replace(" };\n", "};\n"));
    let server = project.serve(&["--threads", "1"]);
    assert_eq!(ask(&server, "scout", "/"), "not you");
}

/// The first fenced block of this language in a page of the documentation.
fn fenced(page: &str, language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_documented_nginx_lets_the_checked_agent_in() {
    let scratch = tempfile::tempdir().unwrap();
    let project = Project::new(&[("workerd-lite.toml", WORKLOAD)]);
    let certs = Certs::make(&project.path().join("certs"));
    let behind = plain();
    let serve = |port: u16| {
        let policy = "export default { fetch(request, env) { const url = new URL(request.url); url.port = 'NGINX'; return env.WORKLOAD.fetch(url); } };";
        project.write("policy.js", &policy.replace("NGINX", &port.to_string()));
        project.serve(&["--threads", "1"])
    };
    project.write(
        "scout.js",
        "export default { fetch: () => fetch('https://localhost:9/') };",
    );
    project.write("policy.js", "export default { fetch() {} };");
    let (code, out, _) = project.run(&["check", "--json"]);
    assert_eq!(code, Some(0), "{out}");
    let checked: Value = serde_json::from_str(&out).unwrap();
    let subject = checked["agents"][0]["subject"].as_str().unwrap();
    let snippet = fenced("identity.md", "nginx");
    let placeholder = "OU=<code_sha256>,O=acme,CN=scout";
    assert!(
        snippet.contains(placeholder) && subject.ends_with(",O=acme,CN=scout"),
        "{subject}"
    );
    let http = snippet
        .replace(placeholder, subject)
        .replace("listen 443", "listen 127.0.0.1:PORT")
        .replace("/etc/nginx/certs", &certs.folder.display().to_string())
        .replace("http://127.0.0.1:8080", &format!("http://{}", behind.address));
    let Some(nginx) = Nginx::start(&scratch.path().join("nginx"), &http) else {
        return;
    };
    let server = serve(nginx.port);
    let ask = |agent: &str| server.curl("/", &["-H", &format!("Host: {agent}.localhost")]).status;
    assert_eq!((ask("scout"), ask("writer")), (200, 403), "{}", server.log());
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
        decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
    }
    decoded
}

#[test]
fn certificates_are_renewed_before_they_end() {
    let scratch = tempfile::tempdir().unwrap();
    let project = Project::new(&[("workerd-lite.toml", &WORKLOAD.replace("10m", "4s"))]);
    let certs = Certs::make(&project.path().join("certs"));
    let Some(nginx) = verifier(scratch.path(), &certs, "none") else {
        return;
    };
    let agent = format!(
        "export default {{ fetch: () => fetch('https://localhost:{}/pem') }};\n",
        nginx.port
    );
    project.write("scout.js", &agent);
    project.write(
        "policy.js",
        "export default { fetch: (request, env) => env.WORKLOAD.fetch(request) };",
    );
    let server = project.serve(&["--threads", "1"]);
    let ask = || {
        let answer = server.curl("/", &["-H", "Host: scout.localhost"]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    };
    let first = ask();
    assert_eq!(ask(), first);
    std::thread::sleep(Duration::from_secs(5));
    // The first would be refused by now.
    assert_ne!(ask(), first);
}
