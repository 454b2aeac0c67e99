//! The public half of a key that another holds.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use rustls_pki_types::{AlgorithmIdentifier, alg_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Digest as _;

use super::encoding;

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// As people name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// How it signs JWTs (RFC 7518, RFC 8037).
    pub(crate) const fn jwt(self) -> Algorithm {
        match self {
            Self::Rsa => Algorithm::RS256,
            Self::P256 => Algorithm::ES256,
            Self::P384 => Algorithm::ES384,
            Self::Ed25519 => Algorithm::EdDSA,
        }
    }

    pub(super) const fn algorithm(self) -> AlgorithmIdentifier {
        match self {
            Self::Rsa => alg_id::RSA_ENCRYPTION,
            Self::P256 => alg_id::ECDSA_P256,
            Self::P384 => alg_id::ECDSA_P384,
            Self::Ed25519 => alg_id::ED25519,
        }
    }

    /// How it signs certificates.
    pub(super) fn certificates(self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::Rsa => &rcgen::PKCS_RSA_SHA256,
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

/// A public key, as who holds the private one tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct PublicKey {
    pub(crate) kind: KeyKind,
    /// RSA: the modulus and the exponent. Others: the point, and nothing.
    pub(super) numbers: (Vec<u8>, Vec<u8>),
    /// What an X.509 certificate's `subjectPublicKey` holds.
    pub(super) bits: Vec<u8>,
}

impl PublicKey {
    pub(super) fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Self {
        Self {
            kind: KeyKind::Rsa,
            bits: encoding::pair(&modulus, &exponent),
            numbers: (modulus, exponent),
        }
    }

    /// Fails where the point is not of this curve.
    pub(super) fn point(kind: KeyKind, attribute: &[u8]) -> Result<Self, String> {
        let (length, begins) = match kind {
            KeyKind::P256 => (65, Some(4)),
            KeyKind::P384 => (97, Some(4)),
            KeyKind::Ed25519 => (32, None),
            KeyKind::Rsa => (0, None),
        };
        // A point's first bytes may look like an OCTET STRING's: only one that is too long is within one.
        let point = match attribute.len() {
            own if own == length => attribute,
            _ => encoding::within_octets(attribute),
        };
        if length == 0 || point.len() != length || begins.is_some_and(|first| point[0] != first) {
            return Err(format!("its public key is no point of {}", kind.name()));
        }
        Ok(Self {
            kind,
            numbers: (point.to_vec(), Vec::new()),
            bits: point.to_vec(),
        })
    }

    /// As a JSON Web Key (RFC 7517), with its RFC 7638 thumbprint.
    pub(crate) fn jwk(&self) -> (String, Value) {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let point = &self.numbers.0;
        // RFC 7638: these members, in this order, without white space.
        let (text, mut jwk) = match self.kind {
            KeyKind::Rsa => {
                let zeros = point.iter().take_while(|byte| **byte == 0).count();
                let (n, e) = (encode(&point[zeros..]), encode(&self.numbers.1));
                (
                    format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
                    json!({ "kty": "RSA", "n": n, "e": e }),
                )
            }
            KeyKind::P256 | KeyKind::P384 => {
                let (x, y) = point[1..].split_at(point.len() / 2);
                let (curve, x, y) = (self.kind.name(), encode(x), encode(y));
                (
                    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#),
                    json!({ "kty": "EC", "crv": curve, "x": x, "y": y }),
                )
            }
            KeyKind::Ed25519 => {
                let x = encode(point);
                (
                    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
                    json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
                )
            }
        };
        let id = encode(&sha2::Sha256::digest(text.as_bytes()));
        jwk["alg"] = json!(self.kind.jwt());
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(id);
        (id, jwk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_told_from_strings_that_hold_them() {
        // 4 is an OCTET STRING's tag as well, and the next byte may be the length of the rest.
        let mut point = vec![4, 63];
        point.extend([7; 63]);
        let wrapped = [&[4, 65][..], &point].concat();
        for attribute in [&point, &wrapped] {
            assert_eq!(PublicKey::point(KeyKind::P256, attribute).unwrap().bits, point);
        }
        assert!(PublicKey::point(KeyKind::P256, &point[..64]).is_err());
        assert!(PublicKey::point(KeyKind::P384, &point).is_err());
        assert!(PublicKey::point(KeyKind::Rsa, &[]).is_err());
        let edwards = [4, 30].into_iter().chain([1; 30]).collect::<Vec<u8>>();
        assert_eq!(PublicKey::point(KeyKind::Ed25519, &edwards).unwrap().bits, edwards);
    }
}
