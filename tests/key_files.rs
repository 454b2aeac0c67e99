//! Certificates and keys in forms that are not PEM, or not as we write it: what can be read is read, of the rest it is said
//! what it is and what converts it.

use std::path::Path;
use std::process::Command;

use crate::harness::certs::Certs;
use crate::harness::{CONFIG, Mtls, Project};

const POLICY: &str = "export default { fetch: (request, env) => env.PARTNER.fetch(request) };";

/// Runs lines of shell in a folder.
fn shell(folder: &Path, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let made = Command::new("sh")
            .args(["-c", line])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&made.stderr)
        );
    }
}

/// The agent's certificate and key, and other keys, in every form.
const FORMS: &str = "
    openssl pkcs12 -export -in agent.pem -inkey agent.key -passout pass:x -out agent.p12
    openssl pkcs12 -in agent.p12 -passin pass:x -nodes -out bags.pem
    openssl x509 -in agent.pem -outform DER -out agent.der
    openssl pkey -in agent.key -outform DER -out key.der
    openssl pkey -in agent.key -pubout -out public.pem
    openssl pkey -in agent.key -pubout -outform DER -out public.der
    openssl pkcs8 -topk8 -in agent.key -passout pass:x -out encrypted.pem
    openssl pkcs8 -topk8 -in agent.key -passout pass:x -outform DER -out encrypted.der
    openssl ec -in agent.key -aes128 -passout pass:x -out legacy.pem
    openssl ec -in agent.key -out sec1.pem
    openssl ecparam -name prime256v1 -out with-parameters.pem && cat sec1.pem >> with-parameters.pem
    openssl crl2pkcs7 -nocrl -certfile agent.pem -out agent.p7b
    openssl crl2pkcs7 -nocrl -certfile agent.pem -outform DER -out agent.p7
    openssl req -new -key agent.key -subj /CN=x -out request.pem
    openssl ecparam -name secp384r1 -genkey -noout -out p384.pem
    openssl genrsa -traditional -out rsa.pem 2048
    openssl rsa -in rsa.pem -aes256 -traditional -passout pass:x -out legacy-rsa.pem
    printf '\\357\\273\\277' | cat - agent.pem > mark.pem
    sed 's/$/\\r/' agent.pem > crlf.pem
    sed 's/$/\\r/' agent.key > crlf.key
    (printf 'Subject: scout\\n\\n'; cat agent.pem) > text.pem
    tr '\\n' ' ' < agent.key > line.key
    head -c 120 agent.key > cut.key
    printf '\\376\\355\\376\\355\\000\\000\\000\\002' > store.jks
    printf 'PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\\n' > putty.ppk
    printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\\n-----END OPENSSH PRIVATE KEY-----\\n' > openssh
    printf 'ssh-ed25519 AAAA me\\n' > id.pub
    printf '{\"type\":\"service_account\",\"private_key\":\"x\"}' > account.json
    : > empty
    cp agent.p12 \"with space.pfx\"
";

fn certs(project: &Project) -> Certs {
    let certs = Certs::make(&project.path().join("certs"));
    shell(&certs.folder, FORMS);
    certs
}

#[test]
fn what_is_something_else_is_told_with_the_command() {
    let mtls = Mtls::new("server", CONFIG, POLICY);
    certs(&mtls.project);
    let rows: [(&str, &str, &[&str]); 27] = [
        (
            "cert",
            "agent.p12",
            &[
                "is a PKCS #12 file",
                "openssl pkcs12 -in ./certs/agent.p12 -nokeys -out ./certs/agent.pem",
            ],
        ),
        (
            "key",
            "agent.p12",
            &[
                "is a PKCS #12 file",
                "openssl pkcs12 -in ./certs/agent.p12 -nocerts -nodes -out",
            ],
        ),
        ("ca", "agent.p12", &["is a PKCS #12 file", "-nokeys"]),
        (
            "cert",
            "with space.pfx",
            &[
                "is a PKCS #12 file",
                "-in './certs/with space.pfx' -nokeys -out './certs/with space.pem'",
            ],
        ),
        (
            "cert",
            "agent.der",
            &[
                "is a certificate in DER",
                "openssl x509 -inform DER -in ./certs/agent.der",
            ],
        ),
        (
            "ca",
            "agent.der",
            &["is a certificate in DER", "openssl x509 -inform DER"],
        ),
        (
            "key",
            "key.der",
            &[
                "is a private key in DER",
                "openssl pkey -inform DER -in ./certs/key.der",
            ],
        ),
        (
            "key",
            "encrypted.pem",
            &[
                "is an encrypted private key",
                "openssl pkey -in ./certs/encrypted.pem -out ./certs/encrypted.plain.pem",
            ],
        ),
        (
            "key",
            "encrypted.der",
            &["is an encrypted private key in DER", "openssl pkcs8 -inform DER"],
        ),
        (
            "key",
            "legacy.pem",
            &["is an encrypted private key", "openssl pkey -in ./certs/legacy.pem"],
        ),
        (
            "key",
            "legacy-rsa.pem",
            &["is an encrypted private key", "openssl pkey -in"],
        ),
        (
            "key",
            "openssh",
            &[
                "OpenSSH's format",
                "ssh-keygen -p -N '' -m PKCS8 -f ./certs/openssh.pem",
            ],
        ),
        ("key", "putty.ppk", &["PuTTY's format", "puttygen"]),
        ("key", "store.jks", &["a Java key store", "keytool -importkeystore"]),
        (
            "key",
            "account.json",
            &["JSON of a service account", "jq -r .private_key"],
        ),
        ("key", "public.pem", &["is a public key, where a private key"]),
        ("key", "public.der", &["is a public key in DER"]),
        ("key", "id.pub", &["is a public key of SSH"]),
        (
            "key",
            "agent.pem",
            &["is a certificate, where a private key is expected"],
        ),
        (
            "cert",
            "agent.key",
            &["is a private key, where a certificate is expected"],
        ),
        (
            "cert",
            "key.der",
            &["is a private key in DER, where a certificate is expected"],
        ),
        (
            "key",
            "agent.der",
            &["is a certificate in DER, where a private key is expected"],
        ),
        (
            "cert",
            "agent.p7b",
            &[
                "certificates in PKCS #7",
                "openssl pkcs7 -in ./certs/agent.p7b -print_certs",
            ],
        ),
        ("cert", "agent.p7", &["in PKCS #7, in DER", "openssl pkcs7 -inform DER"]),
        ("cert", "request.pem", &["is a certificate request"]),
        ("cert", "empty", &["is empty"]),
        ("key", "cut.key", &["its PEM ends too early"]),
    ];
    for (field, file, expected) in rows {
        let config = match field {
            "cert" => CONFIG.replace("certs/agent.pem", &format!("certs/{file}")),
            "key" => CONFIG.replace("certs/agent.key", &format!("certs/{file}")),
            _ => CONFIG.replace("certs/ca.pem", &format!("certs/{file}")),
        };
        mtls.project.write("workerd-lite.toml", &config);
        let report = unwrapped(&mtls.project.refused(&["agent.js"]));
        for text in expected.iter().chain(&["certificates.partner", file]) {
            let text = unwrapped(text);
            assert!(report.contains(&text), "{field} {file}: {text:?} is not in\n{report}");
        }
    }
}

/// Long messages are wrapped, anywhere.
fn unwrapped(report: &str) -> String {
    report
        .chars()
        .filter(|character| !character.is_whitespace() && *character != '\u{2502}')
        .collect()
}

#[test]
fn what_can_be_read_is_read() {
    let mtls = Mtls::new("server", CONFIG, POLICY);
    shell(&mtls.project.path().join("certs"), FORMS);
    for (cert, key) in [
        ("bags.pem", "bags.pem"),
        ("mark.pem", "sec1.pem"),
        ("crlf.pem", "crlf.key"),
        ("text.pem", "line.key"),
        ("agent.pem", "with-parameters.pem"),
    ] {
        let config = CONFIG
            .replace("certs/agent.pem", &format!("certs/{cert}"))
            .replace("certs/agent.key", &format!("certs/{key}"));
        mtls.project.write("workerd-lite.toml", &config);
        let server = mtls.serve();
        let answer = server.get("/x");
        let told = answer.body.contains("CN=scout agent");
        assert!(told, "{cert} {key}: {} {}", answer.body, server.log());
    }
}

#[test]
fn keys_that_sign_are_told_apart_too() {
    let project = Project::new(&[
        ("worker.js", "export default { fetch: () => new Response() };"),
        ("outbound.js", "export default { fetch: () => new Response() };"),
    ]);
    let certs = certs(&project);
    let pem = std::fs::read_to_string(certs.path("agent.key")).unwrap();
    project.write(".dev.vars", &format!("KEY=\"{}\"\n", pem.trim().replace('\n', "\\n")));
    let binding = "[outbound]\nmain = 'outbound.js'\ncredentials = [{ binding = 'A', credential = 'a' }]\n";
    let jwt = "[credentials.a]\nhosts = ['a.example']\ntype = 'jwt-bearer'\nissuer = 'i'\ntoken_url = 'https://auth.example/'\n";
    let github = "[credentials.a]\nhosts = ['a.example']\ntype = 'github-app'\napp_id = 'a'\ninstallation_id = '1'\n";
    let identity = "[credentials.a]\nhosts = ['a.example']\ntype = 'identity'\n[identity]\nissuer = 'https://i.example'\ntrust_domain = 'acme.example'\n";
    let issuing = format!("{identity}issuing_certificate = 'certs/ca.pem'\n");
    let try_it = |config: &str| {
        project.write("workerd-lite.toml", &format!("{binding}{config}\n"));
        let (code, _, told) = project.run(&["check", "worker.js"]);
        (code, unwrapped(&told))
    };
    let rows: [(&str, &str, &str, Option<&str>); 18] = [
        (jwt, "file", "agent.key", None),
        (jwt, "file", "sec1.pem", None),
        (jwt, "file", "rsa.pem", None),
        (github, "file", "with-parameters.pem", None),
        (github, "file", "line.key", None),
        (jwt, "file", "encrypted.pem", Some("an encrypted private key")),
        (
            github,
            "file",
            "legacy-rsa.pem",
            Some("openssl pkey -in ./certs/legacy-rsa.pem"),
        ),
        (jwt, "file", "agent.p12", Some("a PKCS #12 file")),
        (github, "file", "key.der", Some("openssl pkey -inform DER")),
        (jwt, "file", "account.json", Some("jq -r .private_key")),
        (jwt, "file", "public.pem", Some("a public key")),
        (jwt, "file", "p384.pem", Some("a private key of another kind")),
        (identity, "key", "sec1.pem", None),
        (identity, "key", "agent.p12", Some("-nocerts -nodes")),
        (identity, "key", "rsa.pem", Some("it is no P-256 key")),
        (&issuing, "issuing_key", "ca.key", None),
        (
            &issuing,
            "issuing_key",
            "encrypted.pem",
            Some("an encrypted private key"),
        ),
        (&issuing, "issuing_key", "openssh", Some("ssh-keygen")),
    ];
    for (config, field, file, expected) in rows {
        let (code, told) = try_it(&format!("{config}{field} = 'certs/{file}'"));
        match expected {
            None => assert_eq!(code, Some(0), "{field} {file}: {told}"),
            Some(expected) => assert!(
                code == Some(1) && told.contains(&unwrapped(expected)),
                "{field} {file}: {expected} is not in {told}"
            ),
        }
    }
    // From the environment, on one line.
    let (code, told) = try_it(&format!("{jwt}secret = 'KEY'"));
    assert_eq!(code, Some(0), "{told}");
}
