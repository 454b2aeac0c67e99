//! However often an agent in a process has asked by every kind of credential, its memory holds no key, secret or token. `CANARY_REQUESTS` says how
//! often; `make test` asks less than ten thousand times.

use std::fmt::Write as _;

use rcgen::KeyPair;

use super::processes;
use crate::harness::certs::Certs;
use crate::harness::memory::found;
use crate::harness::moody::{Moody, now};
use crate::harness::partner::{Partner, Tls};
use crate::harness::{IN_PROCESSES, Project, Server, anywhere, free_port, json, peers::skip, plain, upstreams};
use crate::key_process::traces;

/// How often it asks where nothing else is said.
const REQUESTS: usize = 660;

/// What the agent asks for, one after the other. It reads all that comes back.
const AGENT: &str = r#"
const mine = "canary-of-the-" + "agents-own";
const kinds = ["bearer", "basic", "header", "query", "oauth2", "robot", "app", "sigv4", "hmac", "identity", "certificate", "secret"];
export default { async fetch() {
  const seen = {};
  for (const kind of kinds) {
    const answer = await fetch(`http://asked.test/${kind}`, { method: "POST", body: mine });
    const text = await answer.text();
    if (answer.status !== 200) return new Response(`${kind}: ${answer.status} ${text}`, { status: 500 });
    seen[kind] = text.length;
  }
  return Response.json(seen);
} };
"#;

/// Upstreams answer with all that they were sent, and the policy hands that on where the host takes out what it has attached.
const POLICY: &str = r#"
export default { async fetch(request, env) {
  const kind = new URL(request.url).pathname.slice(1);
  if (kind === "certificate") return env.PARTNER.fetch(new Request("https://partner.localhost:TLS/", request));
  const sent = new Request("http://127.0.0.1:PLAIN/", request);
  if (kind === "secret") {
    sent.headers.set("x-key", env.SECRET);
    const seen = await (await fetch(sent)).text();
    return new Response(String(seen.includes(env.SECRET)));
  }
  const answer = await env[kind].fetch(sent);
  if (kind !== "identity") return answer;
  const seen = await answer.text();
  return new Response(String(seen.includes("Bearer ey")));
} };
"#;

const SECRETS: [&str; 6] = [
    "canary-1-of-the-bearer",
    "canary-2-of-the-password",
    "canary-3-of-the-client",
    "canary-4-of-the-signature",
    "canary-5-of-the-policys",
    "canary-6-of-the-header",
];

/// Tokens that endpoints give, as canaries as well.
const TOKENS: [&str; 2] = ["canary-7-access-token", "canary-8-installation-token"];

struct Made {
    _project: Project,
    server: Server,
    /// Private keys, in PEM.
    keys: Vec<String>,
    _running: (Partner, Partner, Moody),
}

fn serve() -> Made {
    let project = Project::new(&[("agent.js", AGENT)]);
    let certs = Certs::make(&project.path().join("certs"));
    let tls = Tls {
        folder: &certs.folder,
        certificate: "server",
    };
    let partner = upstreams().block_on(Partner::start(anywhere(), Some(tls))).unwrap();
    let (upstream, admin) = (plain(), free_port());
    let tokens = Moody::start(|asked| match asked.path.as_str() {
        "/token" => now(r#"{"access_token":"canary-7-access-token","expires_in":3600}"#),
        _ => now(r#"{"token":"canary-8-installation-token","expires_at":"2099-01-01T00:00:00Z"}"#),
    });
    let mut keys = vec![std::fs::read_to_string(certs.path("agent.key")).unwrap()];
    for (name, algorithm) in [
        ("robot", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("app", &rcgen::PKCS_RSA_SHA256),
    ] {
        let pem = KeyPair::generate_for(algorithm).unwrap().serialize_pem();
        project.write(&format!("certs/{name}.key"), &pem);
        keys.push(pem);
    }
    let mut vars = String::new();
    for (name, secret) in ["TOKEN", "PASSWORD", "CLIENT", "SIGNING", "SECRET", "HEADER"]
        .iter()
        .zip(SECRETS)
    {
        let _ = writeln!(vars, "{name}={secret}");
    }
    project.write(".dev.vars", &vars);
    project.write(
        "policy.js",
        &POLICY
            .replace("TLS", &partner.address.port().to_string())
            .replace("PLAIN", &upstream.address.port().to_string()),
    );
    let called = format!("http://{}", tokens.address);
    let (mut bindings, mut tables) = (Vec::new(), String::new());
    for (name, fields) in [
        ("bearer", "type = 'bearer'\nsecret = 'TOKEN'".to_owned()),
        (
            "basic",
            "type = 'basic'\nusername = 'ann'\nsecret = 'PASSWORD'".to_owned(),
        ),
        (
            "header",
            "type = 'header'\nheader = 'X-Key'\nsecret = 'HEADER'".to_owned(),
        ),
        (
            "query",
            "type = 'query'\nparameter = 'key'\nsecret = 'TOKEN'".to_owned(),
        ),
        (
            "oauth2",
            format!("type = 'oauth2'\ntoken_url = '{called}/token'\nclient_id = 'c'\nsecret = 'CLIENT'"),
        ),
        (
            "robot",
            format!("type = 'jwt-bearer'\ntoken_url = '{called}/token'\nissuer = 'robot'\nfile = 'certs/robot.key'"),
        ),
        (
            "app",
            format!(
                "type = 'github-app'\napi = '{called}'\napp_id = 'a'\ninstallation_id = '7'\nfile = 'certs/app.key'"
            ),
        ),
        (
            "sigv4",
            "type = 'sigv4'\naccess_key_id = 'AKID'\nsecret = 'SIGNING'\nregion = 'r'\nservice = 's3'".to_owned(),
        ),
        (
            "hmac",
            "type = 'hmac'\nheader = 'X-Signature'\nsecret = 'SIGNING'".to_owned(),
        ),
        ("identity", "type = 'identity'".to_owned()),
    ] {
        bindings.push(format!("{{ binding = '{name}', credential = '{name}' }}"));
        let redact = if name == "identity" { "" } else { "redact = 'body'\n" };
        let _ = write!(
            tables,
            "[credentials.{name}]\n{fields}\nhosts = ['127.0.0.1']\n{redact}"
        );
    }
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\nthreads = 1\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\nsecrets = ['SECRET']\n\
             mtls_certificates = [{{ binding = 'PARTNER', certificate_id = 'partner' }}]\ncredentials = [{}]\n\
             [certificates.partner]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n\
             [identity]\nissuer = 'http://127.0.0.1:{admin}'\ntrust_domain = 'acme.example'\n[admin]\nlisten = '127.0.0.1:{admin}'\n{tables}{IN_PROCESSES}",
            bindings.join(", ")
        ),
    );
    let server = project.serve(&[]);
    let made = std::fs::read_dir(project.path().join(".workerd-lite/identity")).unwrap();
    let made = made.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    keys.extend(made.filter(|text| text.contains("PRIVATE KEY")));
    assert_eq!(keys.len(), 4);
    Made {
        _project: project,
        server,
        keys,
        _running: (partner, upstream, tokens),
    }
}

#[test]
fn an_agents_process_holds_nothing_of_the_owners_after_thousands_of_requests() {
    let requests = std::env::var("CANARY_REQUESTS").map_or(REQUESTS, |number| number.parse().unwrap());
    let made = serve();
    let mut asked = 0;
    while asked < requests {
        let seen = made.server.ok("/");
        let seen = json(&seen);
        let kinds = seen.as_object().unwrap();
        assert_eq!(kinds.len(), 12, "{seen}");
        // The upstream has seen what was attached: it tells, or the policy does.
        assert!(
            kinds["identity"] == 4 && kinds["secret"] == 4 && kinds["bearer"].as_u64() > Some(50),
            "{seen}"
        );
        asked += kinds.len();
    }
    let encoded: Vec<String> = SECRETS
        .iter()
        .map(|secret| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("ann:{secret}")))
        .collect();
    let keys: Vec<Vec<u8>> = made.keys.iter().flat_map(|pem| traces(pem)).collect();
    let texts = SECRETS.iter().chain(&TOKENS).map(|text| text.as_bytes());
    let own = b"canary-of-the-agents-own";
    let mut needles: Vec<&[u8]> = vec![own];
    needles.extend(texts);
    let plain = needles.len();
    needles.extend(encoded.iter().map(String::as_bytes));
    needles.extend(keys.iter().map(|key| &key[..]));
    let (_, inside) = processes(&made.server)[0];
    let Some(there) = found(inside, &needles) else {
        return skip("the canaries in a process's memory", "only root reads it");
    };
    assert_eq!(there, [0], "after {asked} requests, nothing but its own is there");
    let parent = found(made.server.worker(), &needles).unwrap();
    for place in 0..plain {
        assert!(parent.contains(&place), "{place}: what is there is found: {parent:?}");
    }
    assert!(parent.len() > plain, "and so are keys: {parent:?}");
    eprintln!("{asked} requests");
}
