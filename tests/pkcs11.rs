//! Keys on a token: every key of a project is in SoftHSM, and none in a file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};

use crate::harness::certs::Certs;
use crate::harness::moody::{Moody, now};
use crate::harness::partner::{Partner, Tls};
use crate::harness::{Project, anywhere, free_port, peers, upstreams};

const PIN: &str = "canary-pin-4711";

/// SoftHSM with one token, `agents`, in the project's folder.
struct Token {
    project: Project,
}

impl Token {
    fn new() -> Option<Self> {
        if !peers::has("softhsm2-util", "apt-get install softhsm2") {
            return None;
        }
        let token = Self {
            project: Project::new(&[]),
        };
        std::fs::create_dir(token.tokens()).unwrap();
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            token.tokens().display()
        );
        token.project.write("softhsm2.conf", &conf);
        token.util(&[
            "--init-token",
            "--free",
            "--label",
            "agents",
            "--pin",
            PIN,
            "--so-pin",
            "11112222",
        ]);
        token.project.write(".dev.vars", &format!("TOKEN_PIN={PIN}\n"));
        Some(token)
    }

    fn tokens(&self) -> PathBuf {
        self.project.path().join("tokens")
    }

    fn conf(&self) -> String {
        self.project.path().join("softhsm2.conf").display().to_string()
    }

    fn util(&self, arguments: &[&str]) {
        let output = Command::new("softhsm2-util")
            .args(arguments)
            .env("SOFTHSM2_CONF", self.conf())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Takes a key in, and leaves no file of it.
    fn import(&self, label: &str, id: &str, key: &Path) {
        let path = key.to_str().unwrap();
        self.util(&[
            "--import", path, "--token", "agents", "--pin", PIN, "--label", label, "--id", id,
        ]);
        std::fs::remove_file(key).unwrap();
    }

    /// The public half stays with the caller.
    fn generate(&self, label: &str, id: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> KeyPair {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        self.project.write("new.key", &pem(&pair));
        self.import(label, id, &self.project.path().join("new.key"));
        pair
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self
            .project
            .command(arguments)
            .env("SOFTHSM2_CONF", self.conf())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\n  \u{2502} ", " ");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

/// In PKCS #8 of the first version, which OpenSSL reads: the second holds the public key as well.
fn pem(pair: &KeyPair) -> String {
    const SEED: [u8; 4] = [0x04, 0x22, 0x04, 0x20];
    if !pair.is_compatible(&rcgen::PKCS_ED25519) {
        return pair.serialize_pem();
    }
    let der = pair.serialize_der();
    let at = der.windows(4).position(|window| window == SEED).unwrap() + 4;
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    let first = [&head[..], &SEED, &der[at..at + 32]].concat();
    let base64 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, first);
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

fn uri(label: &str) -> String {
    format!("pkcs11:token=agents;object={label};type=private")
}

/// The kinds of key that clients' certificates may have.
const KINDS: [(&str, &str, &rcgen::SignatureAlgorithm); 4] = [
    ("p256", "01", &rcgen::PKCS_ECDSA_P256_SHA256),
    ("p384", "02", &rcgen::PKCS_ECDSA_P384_SHA384),
    ("rsa", "03", &rcgen::PKCS_RSA_SHA256),
    ("ed25519", "04", &rcgen::PKCS_ED25519),
];

/// An agent whose requests go to the policy as they come.
pub const AGENT: &str =
    "export default { fetch: (request) => fetch(request.url.replace(/^http:..[^/]*/, 'http://policy.example')) };";

/// A policy that uses each binding by its name, and mints tokens.
pub const POLICY: &str = r#"
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  try {
    if (pathname === "/token") return new Response(await ctx.identity.token({ audience: "a" }));
    if (pathname.startsWith("/call/")) return await env[pathname.slice(6)].fetch("CALLED");
    return await env[pathname.slice(1)].fetch("PARTNER");
  } catch (error) {
    return new Response(String(error), { status: 400 });
  }
} };
"#;

fn verified(token: &str, key: &DecodingKey, algorithm: Algorithm) -> serde_json::Value {
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation).unwrap().claims
}

#[test]
fn a_project_has_all_its_keys_on_a_token() {
    let Some(token) = Token::new() else { return };
    let project = &token.project;
    let certs = Certs::make(&project.path().join("certs"));
    let read = |name: &str| std::fs::read_to_string(certs.path(name)).unwrap();
    let ca = Issuer::from_ca_cert_pem(&read("ca.pem"), KeyPair::from_pem(&read("ca.key")).unwrap()).unwrap();
    let (mut bindings, mut tables) = (Vec::new(), String::new());
    for (name, id, algorithm) in KINDS {
        let pair = token.generate(name, id, algorithm);
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("client {name}"));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        std::fs::write(
            certs.path(&format!("{name}.pem")),
            params.signed_by(&pair, &ca).unwrap().pem(),
        )
        .unwrap();
        bindings.push(format!("{{ binding = '{name}', certificate_id = '{name}' }}"));
        let table = format!(
            "[certificates.{name}]\ncert = 'certs/{name}.pem'\nkey = '{}'\nca = ['certs/ca.pem']\nhosts = ['*.localhost']\n",
            uri(name)
        );
        tables.push_str(&table);
    }
    bindings.push("{ binding = 'issued', certificate_id = 'issued' }".to_owned());
    tables.push_str("[certificates.issued]\nissue = 'agent'\nca = ['certs/ca.pem']\nhosts = ['*.localhost']\n");
    token.import("ca", "05", &certs.path("ca.key"));
    let signing = token.generate("signing", "06", &rcgen::PKCS_ECDSA_P256_SHA256);
    let robot = token.generate("robot", "07", &rcgen::PKCS_RSA_SHA256);
    let app = token.generate("app", "08", &rcgen::PKCS_RSA_SHA256);
    // Keys of the client's end are nowhere but on the token.
    std::fs::remove_file(certs.path("agent.key")).unwrap();
    let tls = Tls {
        folder: &certs.folder,
        certificate: "server",
    };
    let partner = upstreams().block_on(Partner::start(anywhere(), Some(tls))).unwrap();
    let tokens = Moody::start(|asked| match asked.path.as_str() {
        "/token" => now(r#"{"access_token":"first","expires_in":3600}"#),
        path if path.ends_with("access_tokens") => now(r#"{"token":"second","expires_at":"2099-01-01T00:00:00Z"}"#),
        _ => now("called"),
    });
    let port = free_port();
    project.write("agent.js", AGENT);
    let called = format!("http://{}/", tokens.address);
    let policy = POLICY
        .replace("PARTNER", &partner.url("https", "/"))
        .replace("CALLED", &called);
    project.write("outbound.js", &policy);
    project.write(
        "workerd-lite.toml",
        &format!(
            "[network]\nallow = ['local']\n[keys]\nmodule = 'libsofthsm2.so'\npin = 'TOKEN_PIN'\n\
             [outbound]\nmain = 'outbound.js'\nmtls_certificates = [{}]\n\
             credentials = [{{ binding = 'robot', credential = 'robot' }}, {{ binding = 'app', credential = 'app' }}]\n{tables}\
             [identity]\nissuer = 'http://127.0.0.1:{port}'\ntrust_domain = 'acme.example'\nkey = '{}'\n\
             issuing_certificate = 'certs/ca.pem'\nissuing_key = '{}'\n[admin]\nlisten = '127.0.0.1:{port}'\n\
             [credentials.robot]\ntype = 'jwt-bearer'\nhosts = ['127.0.0.1']\ntoken_url = '{called}token'\nissuer = 'robot@acme.example'\nkey = '{}'\n\
             [credentials.app]\ntype = 'github-app'\nhosts = ['127.0.0.1']\napi = 'http://{}'\napp_id = 'a'\ninstallation_id = '7'\nkey = '{}'\n",
            bindings.join(", "),
            uri("signing"),
            uri("ca"),
            uri("robot"),
            tokens.address,
            uri("app"),
        ),
    );
    // `certs` lists them.
    let (code, listed, errors) = token.run(&["certs"]);
    assert_eq!(code, Some(0), "{listed}{errors}");
    for part in [
        "certificates.ed25519",
        "identity.key",
        "P-256 key on a token",
        "credentials.robot.key",
        "RSA key on a token",
        "pkcs11:token=agents;object=app",
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let server = project.serve_with(&["agent.js", "--threads", "1"], &[("SOFTHSM2_CONF", &token.conf())]);
    // mTLS by each kind of key, and by a certificate that a key on the token issued.
    for (name, _, _) in KINDS {
        let body = server.ok(&format!("/{name}"));
        assert!(body.contains(&format!("client {name}")), "{name}: {body}");
    }
    let body = server.ok("/issued");
    assert!(body.contains("CN=agent"), "{body}");
    // Tokens, verified by the published keys.
    let minted = server.ok("/token");
    let keys = Command::new("curl")
        .args(["-sS", &format!("http://127.0.0.1:{port}/.well-known/jwks.json")])
        .output()
        .unwrap();
    let keys: JwkSet = serde_json::from_slice(&keys.stdout).unwrap();
    let published = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let claims = verified(&minted, &published, Algorithm::ES256);
    assert_eq!(claims["sub"], "spiffe://acme.example/agent", "{claims}");
    let own = DecodingKey::from_ec_pem(signing.public_key_pem().as_bytes()).unwrap();
    verified(&minted, &own, Algorithm::ES256);
    // Assertions, verified by their keys.
    for (name, pair) in [("robot", &robot), ("app", &app)] {
        assert_eq!(server.ok(&format!("/call/{name}")), "called", "{name}");
        let key = DecodingKey::from_rsa_pem(pair.public_key_pem().as_bytes()).unwrap();
        let asked = &tokens.asked(if name == "robot" { "/token" } else { "/app" })[0];
        let assertion = match name {
            "robot" => asked.body.split("assertion=").nth(1).unwrap(),
            _ => asked
                .head
                .lines()
                .find_map(|line| line.strip_prefix("authorization: bearer "))
                .unwrap(),
        };
        // The harness has the head in lower case: what is within is not verified there.
        if name == "robot" {
            assert_eq!(verified(assertion, &key, Algorithm::RS256)["iss"], "robot@acme.example");
        } else {
            assert_eq!(assertion.split('.').count(), 3);
        }
    }
    // The token is pulled out, and comes back.
    let away = project.path().join("away");
    std::fs::rename(token.tokens(), &away).unwrap();
    std::fs::create_dir(token.tokens()).unwrap();
    within(Duration::from_secs(20), || {
        let answer = server.get("/token");
        answer.status == 400
            && answer
                .body
                .contains("the identity's key: the token \"agents\" is not there")
    });
    std::fs::remove_dir(token.tokens()).unwrap();
    std::fs::rename(&away, token.tokens()).unwrap();
    within(Duration::from_secs(20), || server.get("/token").status == 200);
    verified(&server.ok("/token"), &published, Algorithm::ES256);
    assert!(!server.log().contains(PIN), "{}", server.log());
}

/// Waits until this is so.
fn within(limit: Duration, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < limit, "it did not come to be so");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn what_is_wrong_with_a_key_on_a_token_is_said() {
    let Some(token) = Token::new() else { return };
    let project = &token.project;
    token.generate("signing", "01", &rcgen::PKCS_ECDSA_P256_SHA256);
    token.generate("foreign", "02", &rcgen::PKCS_ECDSA_P521_SHA512);
    project.write("agent.js", AGENT);
    project.write("pin", PIN);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(project.path().join("pin"), mode).unwrap();
    let good = uri("signing");
    let check = |keys: &str, uri: &str, more: &str| {
        project.write(
            "workerd-lite.toml",
            &format!(
                "{keys}\n[identity]\nissuer = 'https://a.example'\ntrust_domain = 'acme.example'\nkey = '{uri}'\n{more}\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n"
            ),
        );
        token.run(&["check"])
    };
    let module = "[keys]\nmodule = 'libsofthsm2.so'\npin = 'TOKEN_PIN'";
    for (keys, uri, more) in [
        (module, &good, ""),
        ("", &good, "module = 'libsofthsm2.so'\npin = 'TOKEN_PIN'"),
        ("", &format!("{good}?module-name=softhsm2&pin-source=file:pin"), ""),
        (module, &"pkcs11:token=agents;id=%01".to_owned(), ""),
    ] {
        let (code, out, errors) = check(keys, uri, more);
        assert_eq!(code, Some(0), "{keys} {uri} {more}: {out}{errors}");
    }
    let none = "[keys]\nmodule = 'libsofthsm2.so'";
    for (keys, key, said) in [
        (
            module,
            "pkcs11:token=agents;object=nobody",
            "the token \"agents\" has no private key \"nobody\"",
        ),
        (
            module,
            "pkcs11:token=other;object=signing",
            "the token \"other\" is not there",
        ),
        (module, "pkcs11:token=agents;object=foreign", "a curve other than"),
        (module, "pkcs11:token=agents", "names no key"),
        (
            module,
            "pkcs11:object=signing?pin-value=1234",
            "a PIN in a URI is no secret",
        ),
        (none, &good, "with a PIN only"),
        ("", &good, "no module is named"),
        (
            "[keys]\nmodule = 'libabsent.so'\npin = 'TOKEN_PIN'",
            &good,
            "\"libabsent.so\" can not be loaded",
        ),
        (
            "[keys]\nmodule = 'libsofthsm2.so'\npin = 'NOBODY'",
            &good,
            "the secret \"NOBODY\"",
        ),
    ] {
        let (code, out, errors) = check(keys, key, "");
        let flat = errors.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            code == Some(1) && flat.contains(said),
            "{keys} {key}: {code:?} {out}{errors}"
        );
    }
    project.write(".dev.vars", "TOKEN_PIN=wrong-canary\n");
    let (code, _, errors) = check(module, &good, "");
    assert!(code == Some(1) && errors.contains("refuses the PIN"), "{errors}");
    assert!(!errors.contains("wrong-canary"), "{errors}");
}

#[test]
fn the_servers_own_key_is_on_a_token() {
    let Some(token) = Token::new() else { return };
    let project = &token.project;
    let certs = Certs::make(&project.path().join("certs"));
    token.import("front", "09", &certs.path("server.key"));
    project.write(
        "agent.js",
        "export default { fetch: (request) => new Response(request.url) };",
    );
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\n[keys]\nmodule = 'libsofthsm2.so'\npin = 'TOKEN_PIN'\n[tls]\ncert = 'certs/server.pem'\nkey = '{}'\n",
            uri("front")
        ),
    );
    let server = project.serve_with(&[], &[("SOFTHSM2_CONF", &token.conf())]);
    let ca = certs.path("ca.pem").display().to_string();
    for most in ["1.2", "1.3"] {
        let url = format!("https://{}/most/{most}", server.address);
        let arguments = ["-sS", "--tls-max", most, "--cacert", &ca, &url];
        let output = Command::new("curl").args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), url, "{}", server.log());
    }
}
