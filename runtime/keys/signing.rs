//! Private keys for JWTs.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls_pki_types::PrivateKeyDer;

/// A key for JWTs with its algorithm: RS256 or ES256. Gives nothing for keys of other kinds.
pub(crate) fn signing_key(key: &PrivateKeyDer<'_>) -> Option<(Algorithm, EncodingKey)> {
    let der = key.secret_der();
    // `jsonwebtoken` reads PKCS #8 alone where it is no RSA key, and SEC 1 is what `openssl ecparam -genkey` writes.
    if let Ok(pair) = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
        let pkcs8 = pair.to_pkcs8v1().ok()?;
        return Some((Algorithm::ES256, EncodingKey::from_ec_der(pkcs8.as_ref())));
    }
    let rsa = match key {
        PrivateKeyDer::Pkcs1(_) => EncodingKey::from_rsa_der(der),
        PrivateKeyDer::Pkcs8(_) => {
            let pem = format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                BASE64_STANDARD.encode(der)
            );
            EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?
        }
        _ => return None,
    };
    Some((Algorithm::RS256, rsa))
}
