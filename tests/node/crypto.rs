//! `node:crypto` says in a worker what it says in Node.js, with keys that Node and OpenSSL made.

use crate::harness::Project;

/// Checks that differ, each with its reason.
const DIFFERS: &[(&str, &str)] = &[
    ("cipher instance #3", "Node.js 20 has `createCipher()`, 22 has not"),
    (
        "constant OPENSSL_VERSION_NUMBER",
        "which OpenSSL Node.js was built with",
    ),
    ("convertKey #4", "OpenSSL takes the point at infinity"),
    ("dh errors #9", "the word for a prime that is taken for a key"),
    ("dh made", "the word for a modulus of few bits"),
    (
        "encrypt 1",
        "Node.js 20 may lack PKCS #1 where its OpenSSL tells by time; 22 has it",
    ),
    ("encrypt 1 #0", "the same"),
    ("encrypt 1 #1", "the same"),
    (
        "encrypt errors #9",
        "the word for a public key where a private one is wanted",
    ),
    (
        "export aes-256-gcm pkcs1",
        "the word for a cipher that a PEM can not have",
    ),
    ("generatePrime #11", "Node.js has no code here"),
    ("hmac shake128", "an error of OpenSSL's without words"),
    ("hmac shake256", "an error of OpenSSL's without words"),
    ("jwk import #1", "OpenSSL takes an RSA modulus of a few bits"),
    ("key arguments #7", "the word for a byte that is no ASN.1"),
    ("key arguments #8", "the same"),
    ("key rsa", "an error that OpenSSL left in its queue by a call before"),
    ("key rsa #0", "the same"),
    ("key rsa #1", "the same"),
    ("key rsa #2", "the same"),
    ("key rsa #3", "the same"),
    ("key rsa #4", "the same"),
    ("key to webcrypto", "Node.js 20 has no `toCryptoKey()`"),
    ("make dh {\"primeLength\":128}", "Node.js has no code here"),
    ("no bytes of hkdf", "OpenSSL 3.5 makes one byte at least"),
    ("no bytes of pbkdf2", "the same"),
    ("odd length", "how a range of 32 bits is written"),
    ("pbkdf2 shake128", "the word for a hash without a length"),
    ("pbkdf2 shake256", "the word for a hash without a length"),
    ("scrypt #10", "what of the parameters is wrong"),
    ("sign arguments #6", "the list of what `data` may be"),
    ("webcrypto", "an error that OpenSSL left in its queue by a call before"),
];

/// Ciphers that are not here, by what their names hold: docs/node.md says so.
const NO_CIPHERS: &[&str] = &[
    "aria",
    "camellia",
    "sm4",
    "ocb",
    "xts",
    "cfb1",
    "hmac-sha",
    "des-ede-",
    "des-ede3-",
    "des3-wrap",
    "smime",
];

/// Hashes that sign nothing here: docs/node.md says so of SM3, and OpenSSL refuses the others in its own words.
const NO_SIGNATURES: &[&str] = &["sm3", "shake128", "shake256"];

fn differs(name: &str) -> bool {
    let cipher = name
        .strip_prefix("getCiphers ")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut words = name.split(' ');
    let signs = words.next() == Some("sign") && words.any(|word| NO_SIGNATURES.contains(&word));
    signs || DIFFERS.iter().any(|(differs, _)| *differs == name) || NO_CIPHERS.iter().any(|none| cipher.contains(none))
}

fn worker() -> String {
    format!(
        "import crypto from 'node:crypto';\nimport {{ Buffer }} from 'node:buffer';\nimport {{ run }} from './checks.mjs';\nconst keys = {};\n\
         export default {{ async fetch() {{\n  const lines = [];\n  await run(crypto, Buffer, keys, (name, value) => lines.push(`${{name}}: ${{value}}`));\n  \
         return new Response(lines.join('\\n'));\n}} }};",
        include_str!("../../fixtures/node/crypto_keys.json")
    )
}

#[test]
fn crypto_says_what_node_says() {
    let project = Project::new(&[
        ("checks.mjs", include_str!("../../fixtures/node/crypto.js")),
        ("worker.js", &worker()),
        (
            "node.mjs",
            &format!(
                "import crypto from 'node:crypto';\nimport {{ run }} from './checks.mjs';\nconst keys = {};\n\
                 await run(crypto, Buffer, keys, (name, value) => console.log(`${{name}}: ${{value}}`));",
                include_str!("../../fixtures/node/crypto_keys.json")
            ),
        ),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\n[limits]\ncpu_ms = 60000\nwall = '120s'\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let ours = server.get("/");
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    super::same::says_what_node_says(&project, &ours.body, differs);
}
