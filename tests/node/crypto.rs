//! `node:crypto` says in a worker what it says in Node.js, with keys that Node and OpenSSL made.

use crate::harness::Project;

/// Checks that differ, each with its reason.
const DIFFERS: &[(&str, &str)] = &[
    ("cipher instance", "the words of an error"),
    ("ciphers", "the words of an error"),
    ("constants", "the words of an error"),
    ("convertKey", "deno's words and flags for what is wrong with a key"),
    ("dh errors", "deno's words and flags for what is wrong with a key"),
    ("dh made", "deno's words and flags for what is wrong with a key"),
    ("dh odd", "deno's words and flags for what is wrong with a key"),
    (
        "diffieHellman errors",
        "deno's words and flags for what is wrong with a key",
    ),
    ("digest nope", "the words of an error"),
    (
        "ecdh errors prime256v1",
        "deno's words and flags for what is wrong with a key",
    ),
    (
        "ecdh errors secp224r1",
        "deno's words and flags for what is wrong with a key",
    ),
    (
        "ecdh errors secp256k1",
        "deno's words and flags for what is wrong with a key",
    ),
    (
        "ecdh errors secp384r1",
        "deno's words and flags for what is wrong with a key",
    ),
    (
        "ecdh errors secp521r1",
        "deno's words and flags for what is wrong with a key",
    ),
    ("encrypt 1", "the words of an error"),
    ("encrypt 9", "the words of an error"),
    ("encrypt errors", "the words of an error"),
    ("encrypted dh", "deno's file of a Diffie-Hellman key"),
    ("encrypted pss", "deno's parameters of RSA-PSS leave out their NULLs"),
    ("export aes-256-gcm pkcs1", "the words of an error"),
    ("export aes-256-gcm pkcs8", "the words of an error"),
    ("export der dh", "deno's file of a Diffie-Hellman key"),
    ("export der pss", "deno's parameters of RSA-PSS leave out their NULLs"),
    ("export des-ede3-cbc pkcs8", "3DES in PKCS#8 is not here"),
    ("export nope pkcs1", "the words of an error"),
    ("export nope pkcs8", "the words of an error"),
    ("export pem dh", "deno's file of a Diffie-Hellman key"),
    ("export pem pss", "deno's parameters of RSA-PSS leave out their NULLs"),
    ("generatePrime", "the words of an error"),
    ("group MODP14", "deno's words and flags for what is wrong with a key"),
    ("hash nope", "the words of an error"),
    ("hkdf SHA-256", "hashes that KDFs do not have here, or the words for it"),
    ("hkdf SHA256", "hashes that KDFs do not have here, or the words for it"),
    (
        "hkdf blake2b512",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "hkdf blake2s256",
        "hashes that KDFs do not have here, or the words for it",
    ),
    ("hkdf sha-1", "hashes that KDFs do not have here, or the words for it"),
    (
        "hkdf shake128",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "hkdf shake256",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "hmac shake128",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "hmac shake256",
        "hashes that KDFs do not have here, or the words for it",
    ),
    ("jwk import", "the words of an error"),
    ("key arguments", "the words of an error"),
    ("key rsa", "errors that Node's OpenSSL left behind by a call before"),
    ("key to webcrypto", "the words of an error"),
    ("lists", "the words of an error"),
    ("make dh {\"group\":\"modp14\"}", "deno's file of a Diffie-Hellman key"),
    ("make dh {\"group\":\"modp5\"}", "deno's file of a Diffie-Hellman key"),
    (
        "make dh {\"prime\":{\"type\":\"Buffer\",\"data\":[255,255,255,255,255,255,25",
        "deno's file of a Diffie-Hellman key",
    ),
    ("make dh {\"primeLength\":128}", "deno's file of a Diffie-Hellman key"),
    ("make dsa {\"modulusLength\":1024}", "the words of an error"),
    ("make errors", "the words of an error"),
    (
        "make rsa-pss {\"modulusLength\":1024,\"hashAlgorithm\":\"sha256\",\"mgf1HashAlgo",
        "deno's parameters of RSA-PSS leave out their NULLs",
    ),
    (
        "make rsa-pss {\"modulusLength\":1024,\"hashAlgorithm\":\"sha512\"}",
        "deno's parameters of RSA-PSS leave out their NULLs",
    ),
    ("misc", "the words of an error"),
    ("oaep nope", "the words of an error"),
    ("odd length", "the words of an error"),
    ("oneshot nope", "the words of an error"),
    ("open buffer rsa_enc_des3", "3DES in PKCS#8 is not here"),
    ("open rsa_enc_des3", "3DES in PKCS#8 is not here"),
    ("pbkdf2", "hashes that KDFs do not have here, or the words for it"),
    (
        "pbkdf2 blake2b512",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "pbkdf2 blake2s256",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "pbkdf2 md5-sha1",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "pbkdf2 shake128",
        "hashes that KDFs do not have here, or the words for it",
    ),
    (
        "pbkdf2 shake256",
        "hashes that KDFs do not have here, or the words for it",
    ),
    ("public of rsa_enc_des3", "3DES in PKCS#8 is not here"),
    ("scrypt", "the words of an error"),
    ("secret key arguments", "the words of an error"),
    ("sign rsa shake128", "the words of an error"),
    ("sign rsa sm3", "no RSA signatures over SM3 here"),
    ("sign rsa1024 shake128", "the words of an error"),
    ("sign rsa1024 sm3", "no RSA signatures over SM3 here"),
    ("sign rsa3 shake128", "the words of an error"),
    ("sign rsa3 sm3", "no RSA signatures over SM3 here"),
    ("sign rsa4096 shake128", "the words of an error"),
    ("sign rsa4096 sm3", "no RSA signatures over SM3 here"),
    ("hkdf", "Node.js 20 fails where an error was left in OpenSSL's queue"),
    ("sign arguments", "the words of an error"),
    ("sign rsa nope", "the words of an error"),
    ("sign rsa1024 nope", "the words of an error"),
    ("sign rsa3 nope", "the words of an error"),
    ("sign rsa4096 nope", "the words of an error"),
    ("sign with rsa_enc_des3", "3DES in PKCS#8 is not here"),
    ("spkac", "the words of an error"),
    ("timingSafeEqual", "the words of an error"),
    ("webcrypto", "errors that Node's OpenSSL left behind by a call before"),
    ("wrong length", "the words of an error"),
    ("wrong p256_enc_sec1", "the words of an error"),
    ("wrong rsa_enc_des3", "3DES in PKCS#8 is not here"),
    ("wrong rsa_enc_pkcs1", "the words of an error"),
    ("x509 ca", "the words of an error"),
    ("x509 checks leaf", "the words of an error"),
    ("x509 checks plain", "the words of an error"),
    ("x509 errors", "the words of an error"),
    ("x509 leaf", "the words of an error"),
    ("x509 legacy ca", "the words of an error"),
    ("x509 legacy leaf", "the words of an error"),
    ("x509 legacy plain", "the words of an error"),
    ("x509 plain", "the words of an error"),
];

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
    super::same::says_what_node_says(&project, &ours.body, |name| {
        DIFFERS.iter().any(|(differs, _)| *differs == name)
    });
}
