//! Keys in a process of their own: every key of a project is there, and in no other process of the server.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};

use crate::boundary::{kill, named, processes};
use crate::harness::certs::Certs;
use crate::harness::memory::found;
use crate::harness::moody::{Moody, now};
use crate::harness::nginx::Nginx;
use crate::harness::{Project, Server, free_port, peers};
use crate::pkcs11::{AGENT, POLICY};

/// The kinds of key that clients' certificates may have.
const KINDS: [(&str, &rcgen::SignatureAlgorithm); 4] = [
    ("p256", &rcgen::PKCS_ECDSA_P256_SHA256),
    ("p384", &rcgen::PKCS_ECDSA_P384_SHA384),
    ("rsa", &rcgen::PKCS_RSA_SHA256),
    ("ed25519", &rcgen::PKCS_ED25519),
];

/// A project with a key of every kind, an nginx that verifies, and who gives tokens.
struct House {
    project: Project,
    certs: Certs,
    _nginx: Nginx,
    tokens: Moody,
    admin: u16,
    /// The private keys, by the names of their files.
    keys: HashMap<String, KeyPair>,
}

/// A certificate of a client, by the authority of `certs`.
fn client(certs: &Certs, name: &str, pair: &KeyPair) -> String {
    let read = |name: &str| std::fs::read_to_string(certs.path(name)).unwrap();
    let ca = Issuer::from_ca_cert_pem(&read("ca.pem"), KeyPair::from_pem(&read("ca.key")).unwrap()).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.signed_by(pair, &ca).unwrap().pem()
}

impl House {
    fn new() -> Option<Self> {
        let project = Project::new(&[("agent.js", AGENT)]);
        let certs = Certs::make(&project.path().join("certs"));
        let at = certs.folder.display().to_string();
        let nginx = Nginx::start(
            &project.path().join("nginx"),
            &format!(
                "server {{ listen PORT ssl; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
                 ssl_client_certificate {at}/ca.pem; ssl_verify_client on; keepalive_timeout 0; \
                 location / {{ default_type text/plain; return 200 '$ssl_client_verify $ssl_client_s_dn'; }} }}"
            ),
        )?;
        let tokens = Moody::start(|asked| match asked.path.as_str() {
            "/token" => now(r#"{"access_token":"first","expires_in":3600}"#),
            path if path.ends_with("access_tokens") => now(r#"{"token":"second","expires_at":"2099-01-01T00:00:00Z"}"#),
            _ => now("called"),
        });
        let mut house = Self {
            admin: free_port(),
            project,
            certs,
            _nginx: nginx,
            tokens,
            keys: HashMap::new(),
        };
        let (mut bindings, mut tables) = (Vec::new(), String::new());
        for (name, algorithm) in KINDS {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            house.write(
                &format!("{name}.pem"),
                &client(&house.certs, &format!("client {name}"), &pair),
            );
            house.keep(name, pair);
            bindings.push(format!("{{ binding = '{name}', certificate_id = '{name}' }}"));
            let _ = write!(
                tables,
                "[certificates.{name}]\ncert = 'certs/{name}.pem'\nkey = 'certs/{name}.key'\nca = ['certs/ca.pem']\nhosts = ['*.localhost']\n"
            );
        }
        for (name, algorithm) in [
            ("robot", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("app", &rcgen::PKCS_RSA_SHA256),
        ] {
            house.keep(name, KeyPair::generate_for(algorithm).unwrap());
        }
        let issuing = std::fs::read_to_string(house.certs.path("ca.key")).unwrap();
        house.keys.insert("ca".into(), KeyPair::from_pem(&issuing).unwrap());
        bindings.push("{ binding = 'issued', certificate_id = 'issued' }".to_owned());
        tables.push_str("[certificates.issued]\nissue = 'agent'\nca = ['certs/ca.pem']\nhosts = ['*.localhost']\n");
        let (port, called) = (house.admin, format!("http://{}/", house.tokens.address));
        let partner = format!("https://partner.localhost:{}/", house._nginx.port);
        house.project.write(
            "outbound.js",
            &POLICY.replace("PARTNER", &partner).replace("CALLED", &called),
        );
        house.project.write(
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\nthreads = 1\n[network]\nallow = ['local']\n[keys]\nprocess = true\n[isolation]\nagents = 'process'\noutbound = 'process'\n\
                 [outbound]\nmain = 'outbound.js'\nmtls_certificates = [{}]\n\
                 credentials = [{{ binding = 'robot', credential = 'robot' }}, {{ binding = 'app', credential = 'app' }}]\n{tables}\
                 [identity]\nissuer = 'http://127.0.0.1:{port}'\ntrust_domain = 'acme.example'\n\
                 issuing_certificate = 'certs/ca.pem'\nissuing_key = 'certs/ca.key'\n[admin]\nlisten = '127.0.0.1:{port}'\n\
                 [credentials.robot]\ntype = 'jwt-bearer'\nhosts = ['127.0.0.1']\ntoken_url = '{called}token'\nissuer = 'robot@acme.example'\nfile = 'certs/robot.key'\n\
                 [credentials.app]\ntype = 'github-app'\nhosts = ['127.0.0.1']\napi = 'http://{}'\napp_id = 'a'\ninstallation_id = '7'\nfile = 'certs/app.key'\n",
                bindings.join(", "),
                house.tokens.address,
            ),
        );
        Some(house)
    }

    fn write(&self, name: &str, text: &str) {
        self.project.write(&format!("certs/{name}"), text);
    }

    fn keep(&mut self, name: &str, pair: KeyPair) {
        self.write(&format!("{name}.key"), &pair.serialize_pem());
        self.keys.insert(name.to_owned(), pair);
    }

    fn published(&self) -> DecodingKey {
        let url = format!("http://127.0.0.1:{}/.well-known/jwks.json", self.admin);
        let output = std::process::Command::new("curl").args(["-sS", &url]).output().unwrap();
        let keys: JwkSet = serde_json::from_slice(&output.stdout).unwrap();
        DecodingKey::from_jwk(&keys.keys[0]).unwrap()
    }
}

fn verified(token: &str, key: &DecodingKey, algorithm: Algorithm) -> serde_json::Value {
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation).unwrap().claims
}

/// The only process of a server that holds keys.
fn holder(server: &Server) -> (u32, u32) {
    let began = Instant::now();
    loop {
        if let [holder] = named(server, "keys")[..] {
            return holder;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn within(limit: Duration, what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What shows that a key is in memory: its secret numbers, in both orders of bytes, and a line of its PEM.
pub fn traces(pem: &str) -> Vec<Vec<u8>> {
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::prelude::BASE64_STANDARD.decode(lines.concat()).unwrap();
    let mut numbers = Vec::new();
    for (before, length) in [
        (&[2, 1, 1, 4, 0x20][..], 32),
        (&[2, 1, 1, 4, 0x30][..], 48),
        (&[4, 0x22, 4, 0x20][..], 32),
    ] {
        if let Some(at) = der.windows(before.len()).position(|window| window == before) {
            numbers.push(der[at + before.len()..][..length].to_vec());
        }
    }
    if numbers.is_empty() {
        // RSA: the exponent and the primes are the largest numbers behind the modulus.
        let mut all = Vec::new();
        let mut at = der.windows(4).rposition(|window| window == [2, 1, 0, 2]).unwrap() + 3;
        while at + 4 < der.len() && der[at] == 2 {
            let (length, skip) = match der[at + 1] {
                0x82 => (usize::from(der[at + 2]) << 8 | usize::from(der[at + 3]), 4),
                0x81 => (usize::from(der[at + 2]), 3),
                short => (usize::from(short), 2),
            };
            let number = &der[at + skip..at + skip + length];
            all.push(number.strip_prefix(&[0]).unwrap_or(number).to_vec());
            at += skip + length;
        }
        assert!(all.len() >= 8, "{all:?}");
        // n, e, d, p, q: parts of those that are secret.
        for number in &all[2..5] {
            numbers.push(number[..32].to_vec());
            numbers.push(number[number.len() - 32..].to_vec());
        }
    }
    let reversed: Vec<Vec<u8>> = numbers
        .iter()
        .map(|number| number.iter().rev().copied().collect())
        .collect();
    numbers.extend(reversed);
    numbers.push(lines[1].as_bytes().to_vec());
    numbers
}

#[test]
fn every_key_signs_and_none_is_in_another_process() {
    let Some(house) = House::new() else { return };
    let server = house.project.serve(&[]);
    for round in 0..3 {
        for (name, _) in KINDS {
            assert_eq!(
                server.ok(&format!("/{name}")),
                format!("SUCCESS CN=client {name}"),
                "{round}"
            );
        }
        let issued = server.ok("/issued");
        assert!(issued.starts_with("SUCCESS") && issued.contains("CN=agent"), "{issued}");
        let claims = verified(&server.ok("/token"), &house.published(), Algorithm::ES256);
        assert_eq!(claims["sub"], "spiffe://acme.example/agent", "{claims}");
        for name in ["robot", "app"] {
            assert_eq!(server.ok(&format!("/call/{name}")), "called", "{name}");
        }
    }
    let asked = &house.tokens.asked("/token")[0];
    let assertion = asked.body.split("assertion=").nth(1).unwrap();
    let key = DecodingKey::from_ec_pem(house.keys["robot"].public_key_pem().as_bytes()).unwrap();
    assert_eq!(verified(assertion, &key, Algorithm::ES256)["iss"], "robot@acme.example");
    // GitHub's assertion is in a header, which the harness has in lower case.
    assert!(house.tokens.asked("/app")[0].head.contains("authorization: bearer ey"));
    // Where the keys are.
    let mut files: Vec<_> = house
        .keys
        .keys()
        .map(|name| house.certs.path(&format!("{name}.key")))
        .collect();
    let made = std::fs::read_dir(house.project.path().join(".workerd-lite/identity")).unwrap();
    files.extend(made.map(|entry| entry.unwrap().path()));
    let keys: Vec<(String, Vec<Vec<u8>>)> = files
        .iter()
        .map(|file| {
            (
                file.display().to_string(),
                traces(&std::fs::read_to_string(file).unwrap()),
            )
        })
        .collect();
    let needles: Vec<&[u8]> = keys
        .iter()
        .flat_map(|(_, traces)| traces)
        .map(|trace| &trace[..])
        .collect();
    let (_, inside) = holder(&server);
    let Some(there) = found(inside, &needles) else {
        return peers::skip("keys in a process's memory", "only root reads it");
    };
    let mut first = 0;
    for (file, traces) in &keys {
        let own = first..first + traces.len();
        first = own.end;
        assert!(
            there.iter().any(|place| own.contains(place)),
            "what is there is found: {file}"
        );
    }
    let mut others = vec![server.id(), server.worker()];
    let agents = processes(&server);
    let policies = named(&server, "policy");
    assert!(!agents.is_empty() && !policies.is_empty());
    others.extend(agents.iter().chain(&policies).map(|(_, inside)| *inside));
    for process in others {
        assert_eq!(
            found(process, &needles),
            Some(Vec::new()),
            "{process} of {:?}",
            server.log()
        );
    }
}

#[test]
fn keys_are_exchanged_with_their_files() {
    let Some(house) = House::new() else { return };
    let server = house.project.serve(&[]);
    assert_eq!(server.ok("/p256"), "SUCCESS CN=client p256");
    assert_eq!(server.ok("/call/robot"), "called");
    let exchange = |name: &str, algorithm, file: &str| {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        house.write(&format!("{file}.pem"), &client(&house.certs, name, &pair));
        house.write(&format!("{file}.key"), &pair.serialize_pem());
    };
    exchange("renewed", &rcgen::PKCS_RSA_SHA256, "p256");
    within(Duration::from_secs(10), "a new pair is taken over", || {
        server.ok("/p256") == "SUCCESS CN=renewed"
    });
    // What is no key leaves the old one.
    house.write(
        "p256.key",
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n",
    );
    server.logged("is not good, the old one stays");
    assert_eq!(server.ok("/p256"), "SUCCESS CN=renewed");
    exchange("again", &rcgen::PKCS_ED25519, "p256");
    within(Duration::from_secs(10), "a good pair is taken over", || {
        server.ok("/p256") == "SUCCESS CN=again"
    });
    // An assertion's key alone.
    house.write(
        "robot.key",
        &KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem(),
    );
    server.logged("credentials.robot: changed on disk and taken over");
    // The project is loaded anew, and its keys are in another process.
    let before = holder(&server);
    server.signal("HUP");
    within(
        Duration::from_secs(10),
        "another process holds the keys",
        || matches!(named(&server, "keys")[..], [now] if now != before),
    );
    assert_eq!(server.ok("/rsa"), "SUCCESS CN=client rsa");
}

#[test]
fn a_process_that_dies_under_load_is_replaced() {
    let Some(house) = House::new() else { return };
    let server = house.project.serve(&[]);
    for path in ["/p256", "/issued", "/token"] {
        server.ok(path);
    }
    let key = house.published();
    let (over, killed) = (AtomicBool::new(false), holder(&server));
    let load = |path: &'static str| {
        let mut seen = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let answer = server.get(path);
            seen.push((began, answer.status, answer.body));
        }
        seen
    };
    let (died, all) = std::thread::scope(|scope| {
        let load = &load;
        let loads: Vec<_> = ["/token", "/p256", "/issued", "/token"]
            .into_iter()
            .map(|path| scope.spawn(move || load(path)))
            .collect();
        std::thread::sleep(Duration::from_millis(700));
        kill(killed.1);
        let died = Instant::now();
        std::thread::sleep(Duration::from_millis(2500));
        over.store(true, Ordering::Relaxed);
        let all: Vec<_> = loads.into_iter().flat_map(|load| load.join().unwrap()).collect();
        (died, all)
    });
    server.logged("the process that holds keys has ended: by signal 9; another is started");
    let failed: Vec<_> = all.iter().filter(|(_, status, _)| *status != 200).collect();
    for (began, status, body) in &failed {
        assert_eq!(*status, 400, "{body}");
        assert!(
            *began + Duration::from_secs(5) > died && *began < died + Duration::from_secs(1),
            "{body}"
        );
    }
    let words = failed
        .iter()
        .filter(|(_, _, body)| body.contains("the process that holds keys has ended, and is being started again"));
    eprintln!(
        "{} of {} failed, {} of them by the key process's words",
        failed.len(),
        all.len(),
        words.count()
    );
    let late = all
        .iter()
        .filter(|(began, status, _)| *began > died + Duration::from_secs(1) && *status == 200);
    assert!(late.count() > 10, "it is served again");
    assert_ne!(holder(&server), killed);
    // All is as it was: the published key, certificates of files, and those that are issued.
    verified(&server.ok("/token"), &key, Algorithm::ES256);
    assert_eq!(server.ok("/p256"), "SUCCESS CN=client p256");
    assert!(server.ok("/issued").starts_with("SUCCESS"));
}

#[test]
fn the_servers_own_key_is_in_the_process() {
    let project = Project::new(&[(
        "agent.js",
        "export default { fetch: (request) => new Response(request.url) };",
    )]);
    let certs = Certs::make(&project.path().join("certs"));
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[keys]\nprocess = true\n[tls]\ncert = 'certs/server.pem'\nkey = 'certs/server.key'\n",
    );
    let server = project.serve(&[]);
    let ca = certs.path("ca.pem").display().to_string();
    for most in ["1.2", "1.3"] {
        let url = format!("https://{}/most/{most}", server.address);
        let arguments = ["-sS", "--tls-max", most, "--cacert", &ca, &url];
        let output = std::process::Command::new("curl").args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), url, "{}", server.log());
    }
}

#[test]
fn what_the_process_can_not_hold_is_refused() {
    let project = Project::new(&[("agent.js", AGENT)]);
    let certs = Certs::make(&project.path().join("certs"));
    let check = |more: &str| {
        project.write(
            "workerd-lite.toml",
            &format!("[keys]\nprocess = true\n{more}\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n"),
        );
        let (code, out, errors) = project.run(&["check"]);
        (
            code,
            format!("{out}{errors}")
                .replace("\n  \u{2502} ", " ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let identity =
        |key: &str| format!("[identity]\nissuer = 'https://a.example'\ntrust_domain = 'acme.example'\nkey = '{key}'");
    let robot = |key: &str| {
        format!(
            "[credentials.robot]\ntype = 'jwt-bearer'\nhosts = ['a.example']\ntoken_url = 'https://a.example/'\nissuer = 'a'\n{key}"
        )
    };
    project.write(
        "p384.key",
        &KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)
            .unwrap()
            .serialize_pem(),
    );
    project.write(
        "p521.key",
        &KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)
            .unwrap()
            .serialize_pem(),
    );
    project.write("open.key", &KeyPair::generate().unwrap().serialize_pem());
    open(&project.path().join("open.key"), 0o666);
    project.write(".dev.vars", "ROBOT=canary\n");
    let (code, said) = check(&identity("certs/agent.key"));
    assert_eq!(code, Some(0), "{said}");
    for (table, why) in [
        (identity("absent.key"), "absent.key: No such file"),
        (identity("p384.key"), "p384.key: it is no P-256 key, which ES256 wants"),
        (
            identity("p521.key"),
            "RSA from 2048 bits on, P-256, P-384 and Ed25519 can",
        ),
        (
            identity("certs/agent.pem"),
            "it is a certificate, where a private key is expected",
        ),
        (identity("open.key"), "others than its owner may write it"),
        (
            robot("secret = 'ROBOT'"),
            "a secret's value is in this process's memory",
        ),
        (robot("file = 'p384.key'"), "it is no RSA or P-256 private key in PEM"),
        (robot("file = 'absent.key'"), "absent.key: No such file"),
    ] {
        let (code, said) = check(&table);
        assert!(code == Some(1) && said.contains(why), "{table}: {code:?} {said}");
    }
    drop(certs);
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}
