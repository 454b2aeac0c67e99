//! Private keys that this process does not have: what holds one signs by it.

use super::encoding;
use super::public::{KeyKind, PublicKey};

/// How a message is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub(crate) enum Way {
    /// RSASSA-PKCS1-v1_5 with SHA-256, SHA-384 or SHA-512.
    Pkcs1(u16),
    /// RSASSA-PSS with the same, and as much salt.
    Pss(u16),
    /// As the only way of its curve: SHA-256 for P-256, SHA-384 for P-384.
    Curve,
}

impl Way {
    /// What certificates and JWTs are signed by.
    pub(super) const fn usual(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa => Self::Pkcs1(256),
            KeyKind::P256 | KeyKind::P384 | KeyKind::Ed25519 => Self::Curve,
        }
    }
}

/// A private key that another holds.
pub(crate) trait RemoteKey: std::fmt::Debug + Send + Sync {
    /// How people name it.
    fn name(&self) -> String;

    /// Its public half.
    fn public(&self) -> &PublicKey;

    /// Signs as tokens and JWTs want it (RFC 7515): ECDSA's two numbers are one behind the other. Fails with a sentence.
    fn sign(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String>;

    /// Signs as certificates and TLS want it.
    fn sign_der(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.sign(way, message)?;
        Ok(match self.public().kind {
            KeyKind::P256 | KeyKind::P384 => {
                let (r, s) = signature.split_at(signature.len() / 2);
                encoding::pair(r, s)
            }
            KeyKind::Rsa | KeyKind::Ed25519 => signature,
        })
    }
}
