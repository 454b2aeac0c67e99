//! A private key that is on a token.

use std::sync::Arc;

use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use sha2::Digest as _;

use super::module::Module;
use super::pin::Pin;
use super::public::{KeyKind, PublicKey};
use super::session::Sessions;
use super::uri::Uri;
use super::{der, object};

/// How a message is signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// RSASSA-PKCS1-v1_5 with SHA-256, SHA-384 or SHA-512.
    Pkcs1(u16),
    /// RSASSA-PSS with the same, and as much salt.
    Pss(u16),
    /// As the only way of its curve: SHA-256 for P-256, SHA-384 for P-384.
    Curve,
}

/// A private key on a token, which signs there. One for a URI: sessions with the token are its own.
pub struct TokenKey {
    uri: Uri,
    public: PublicKey,
    sessions: Sessions,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TokenKey").field(&self.uri.to_string()).finish()
    }
}

impl TokenKey {
    /// Finds the key, and asks for its public half. Fails with a sentence that names the module, the token or the key.
    pub fn open(uri: Uri, module: &str, pin: Pin) -> Result<Arc<Self>, String> {
        let sessions = Sessions::new(Module::load(module)?, uri.clone(), pin);
        let public = sessions.with_key(|open| object::public(&open.session, open.key))?;
        Ok(Arc::new(Self { uri, public, sessions }))
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.public.kind
    }

    /// How it is named.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs as certificates and TLS want it.
    pub(super) fn sign(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.raw(way, message)?;
        Ok(match self.public.kind {
            KeyKind::P256 | KeyKind::P384 => {
                let (r, s) = signature.split_at(signature.len() / 2);
                der::pair(r, s)
            }
            KeyKind::Rsa | KeyKind::Ed25519 => signature,
        })
    }

    /// Signs as JWTs want it (RFC 7515), which is as tokens do.
    pub(crate) fn sign_jwt(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        self.raw(self.usual(), message)
    }

    /// What certificates and JWTs are signed by.
    pub(super) fn usual(&self) -> Way {
        match self.public.kind {
            KeyKind::Rsa => Way::Pkcs1(256),
            _ => Way::Curve,
        }
    }

    fn raw(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String> {
        let hashed;
        let (mechanism, message) = match (self.public.kind, way) {
            (KeyKind::Rsa, Way::Pkcs1(384)) => (Mechanism::Sha384RsaPkcs, message),
            (KeyKind::Rsa, Way::Pkcs1(512)) => (Mechanism::Sha512RsaPkcs, message),
            (KeyKind::Rsa, Way::Pss(384)) => (
                Mechanism::Sha384RsaPkcsPss(pss(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48)),
                message,
            ),
            (KeyKind::Rsa, Way::Pss(512)) => (
                Mechanism::Sha512RsaPkcsPss(pss(MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64)),
                message,
            ),
            (KeyKind::Rsa, Way::Pss(_)) => (
                Mechanism::Sha256RsaPkcsPss(pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32)),
                message,
            ),
            (KeyKind::Rsa, Way::Pkcs1(_) | Way::Curve) => (Mechanism::Sha256RsaPkcs, message),
            (KeyKind::P256, _) => {
                hashed = sha2::Sha256::digest(message).to_vec();
                (Mechanism::Ecdsa, &hashed[..])
            }
            (KeyKind::P384, _) => {
                hashed = sha2::Sha384::digest(message).to_vec();
                (Mechanism::Ecdsa, &hashed[..])
            }
            (KeyKind::Ed25519, _) => (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), message),
        };
        self.sessions
            .with_key(|open| Ok(open.session.sign(&mechanism, open.key, message)?))
    }
}

fn pss(hash_alg: MechanismType, mgf: PkcsMgfType, salt: u64) -> PkcsPssParams {
    PkcsPssParams {
        hash_alg,
        mgf,
        s_len: salt.into(),
    }
}
