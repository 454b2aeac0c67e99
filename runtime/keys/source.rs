//! Where a private key is: in a file, on a token, or in the process that holds keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use serde::Serialize;

use super::pkcs11::TokenKey;
use super::process::KeyFile;
use super::read_private_key;
use super::remote::{RemoteKey, Way};
use super::remote_tls::TlsKey;

/// Where a private key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// In a PEM file.
    File(PathBuf),
    /// On a token.
    Token(Arc<TokenKey>),
    /// In a PEM file, which the process that holds keys reads.
    Held(KeyFile),
}

impl KeySource {
    /// For TLS. Fails where the file holds no key, or one of another kind.
    pub(crate) fn tls(&self) -> Result<Arc<dyn rustls::sign::SigningKey>, String> {
        match self {
            Self::File(path) => {
                let private = read_private_key(path).map_err(|error| error.to_string())?;
                any_supported_type(&private).map_err(|error| format!("{}: {error}", path.display()))
            }
            Self::Token(key) => Ok(Arc::new(TlsKey(Arc::clone(key) as Arc<dyn RemoteKey>))),
            Self::Held(file) => Ok(Arc::new(TlsKey(file.load()?))),
        }
    }

    /// For certificates. Fails in the same cases.
    pub(crate) fn issuing(&self) -> Result<IssuingKey, String> {
        match self {
            Self::File(path) => {
                let private = read_private_key(path).map_err(|error| error.to_string())?;
                rcgen::KeyPair::try_from(&private)
                    .map(|pair| IssuingKey::Software(Box::new(pair)))
                    .map_err(|_| format!("{}: it is a private key of a kind that can not issue", path.display()))
            }
            Self::Token(key) => Ok(IssuingKey::Remote(TlsKey(Arc::clone(key) as Arc<dyn RemoteKey>))),
            Self::Held(file) => Ok(IssuingKey::Remote(TlsKey(file.load()?))),
        }
    }

    /// The file, where it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Token(_) => None,
            Self::Held(file) => Some(file.path()),
        }
    }
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Token(key) => key.uri().fmt(f),
            Self::Held(file) => file.path().display().fmt(f),
        }
    }
}

/// A key that certificates are signed by.
pub(crate) enum IssuingKey {
    Software(Box<rcgen::KeyPair>),
    Remote(TlsKey),
}

impl rcgen::PublicKeyData for IssuingKey {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Software(pair) => pair.der_bytes(),
            Self::Remote(key) => key.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::Software(pair) => rcgen::PublicKeyData::algorithm(&**pair),
            Self::Remote(key) => rcgen::PublicKeyData::algorithm(key),
        }
    }
}

impl rcgen::SigningKey for IssuingKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Self::Software(pair) => pair.sign(message),
            Self::Remote(key) => rcgen::SigningKey::sign(key, message),
        }
    }
}

/// A key that JWTs are signed by.
#[derive(Clone)]
pub(crate) enum JwtKey {
    Software(Algorithm, EncodingKey),
    Remote(Arc<dyn RemoteKey>),
}

impl JwtKey {
    /// A JWT of these claims (RFC 7519).
    pub(crate) fn sign<T: Serialize>(&self, key_id: Option<String>, claims: &T) -> Result<String, String> {
        let (algorithm, key) = match self {
            Self::Software(algorithm, encoding) => {
                let mut header = Header::new(*algorithm);
                header.kid = key_id;
                return jsonwebtoken::encode(&header, claims, encoding).map_err(|_| "its key can not sign".into());
            }
            Self::Remote(key) => (key.public().kind.jwt(), key),
        };
        let mut header = Header::new(algorithm);
        header.kid = key_id;
        let part = |json: serde_json::Result<Vec<u8>>| {
            json.map(|json| BASE64_URL_SAFE_NO_PAD.encode(json))
                .map_err(|error| error.to_string())
        };
        let message = format!(
            "{}.{}",
            part(serde_json::to_vec(&header))?,
            part(serde_json::to_vec(claims))?
        );
        let signature = key.sign(Way::usual(key.public().kind), message.as_bytes())?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}
