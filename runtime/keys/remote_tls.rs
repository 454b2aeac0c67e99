//! Keys that others hold, as TLS and certificates sign by them.

use std::sync::Arc;

use rustls::sign::{Signer, SigningKey, public_key_to_spki};
use rustls::{SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::SubjectPublicKeyInfoDer;

use super::public::KeyKind;
use super::remote::{RemoteKey, Way};

/// A key that TLS signs by.
#[derive(Debug)]
pub(crate) struct TlsKey(pub(crate) Arc<dyn RemoteKey>);

#[derive(Debug)]
struct TlsSigner(Arc<dyn RemoteKey>, SignatureScheme, Way);

impl TlsKey {
    fn ways(&self) -> &'static [(SignatureScheme, Way)] {
        match self.0.public().kind {
            KeyKind::Rsa => &[
                (SignatureScheme::RSA_PSS_SHA256, Way::Pss(256)),
                (SignatureScheme::RSA_PSS_SHA384, Way::Pss(384)),
                (SignatureScheme::RSA_PSS_SHA512, Way::Pss(512)),
                (SignatureScheme::RSA_PKCS1_SHA256, Way::Pkcs1(256)),
                (SignatureScheme::RSA_PKCS1_SHA384, Way::Pkcs1(384)),
                (SignatureScheme::RSA_PKCS1_SHA512, Way::Pkcs1(512)),
            ],
            KeyKind::P256 => &[(SignatureScheme::ECDSA_NISTP256_SHA256, Way::Curve)],
            KeyKind::P384 => &[(SignatureScheme::ECDSA_NISTP384_SHA384, Way::Curve)],
            KeyKind::Ed25519 => &[(SignatureScheme::ED25519, Way::Curve)],
        }
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let (scheme, way) = self.ways().iter().find(|(scheme, _)| offered.contains(scheme))?;
        Some(Box::new(TlsSigner(Arc::clone(&self.0), *scheme, *way)))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        let public = self.0.public();
        Some(public_key_to_spki(&public.kind.algorithm(), &public.bits))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.public().kind {
            KeyKind::Rsa => SignatureAlgorithm::RSA,
            KeyKind::P256 | KeyKind::P384 => SignatureAlgorithm::ECDSA,
            KeyKind::Ed25519 => SignatureAlgorithm::ED25519,
        }
    }
}

impl Signer for TlsSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.0.sign_der(self.2, message).map_err(rustls::Error::General)
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}

impl rcgen::PublicKeyData for TlsKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0.public().bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.0.public().kind.certificates()
    }
}

impl rcgen::SigningKey for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .sign_der(Way::usual(self.0.public().kind), message)
            .map_err(|why| {
                tracing::error!("{}: {why}", self.0.name());
                rcgen::Error::RemoteKeyError
            })
    }
}
