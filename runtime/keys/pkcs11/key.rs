//! A private key that is on a token.

use std::sync::Arc;

use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use sha2::Digest as _;

use super::module::Module;
use super::object;
use super::pin::Pin;
use super::session::Sessions;
use super::uri::Uri;
use crate::keys::public::{KeyKind, PublicKey};
use crate::keys::remote::{RemoteKey, Way};

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
}

impl RemoteKey for TokenKey {
    fn name(&self) -> String {
        self.uri.to_string()
    }

    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String> {
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
