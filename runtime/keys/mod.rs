//! Certificates and private keys: in files, on tokens, and in a process of their own. PEM is read; of everything else it is said what it is, and by which
//! command it becomes PEM.

mod content;
mod dates;
mod der;
mod encoding;
mod error;
mod pem;
pub(crate) mod permissions;
pub mod pkcs11;
pub mod process;
mod public;
mod recognise;
mod remote;
mod remote_tls;
mod revocation;
mod signing;
mod source;
pub(crate) mod text;

use std::path::Path;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) use dates::WARNING;
pub use dates::{Dates, Invalid};
pub use error::KeyFileError;
use error::Wanted;
pub use public::KeyKind;
pub(crate) use remote::RemoteKey;
pub(crate) use remote_tls::TlsKey;
pub(crate) use revocation::read_lists;
pub(crate) use signing::signing_key;
pub use source::KeySource;
pub(crate) use source::{IssuingKey, JwtKey};

/// All certificates of a PEM file. Fails where there is none.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, KeyFileError> {
    pem::certificates(&read(path)?).map_err(|why| why.of(Wanted::Certificate, Some(path)))
}

/// The first private key of a PEM file. Fails where there is none, and where others may write the file.
pub fn read_private_key(path: &Path) -> Result<PrivateKeyDer<'static>, KeyFileError> {
    permissions::check(path).map_err(KeyFileError::said)?;
    pem::private_key(&read(path)?).map_err(|why| why.of(Wanted::PrivateKey, Some(path)))
}

/// The first private key in PEM that is a secret's value, which is from this file, if from any.
pub(crate) fn private_key(pem: &str, path: Option<&Path>) -> Result<PrivateKeyDer<'static>, KeyFileError> {
    pem::private_key(pem.as_bytes()).map_err(|why| why.of(Wanted::PrivateKey, path))
}

/// Why a file that is no text is no secret.
pub(crate) fn no_text(bytes: &[u8], path: &Path) -> KeyFileError {
    pem::Unreadable::Content(recognise::of(bytes)).of(Wanted::PrivateKey, Some(path))
}

/// The first private key in PEM of a file's bytes. `path` is for words alone.
fn held_key(bytes: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, KeyFileError> {
    pem::private_key(bytes).map_err(|why| why.of(Wanted::PrivateKey, Some(path)))
}

fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    std::fs::read(path).map_err(|error| KeyFileError::unreadable(path, &error))
}
