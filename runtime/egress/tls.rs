//! TLS: client identities and roots, read and checked before the server starts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Seconds.
const DAY: i64 = 24 * 60 * 60;

/// How long before its end a certificate is warned of, in seconds.
pub(crate) const WARNING: i64 = 7 * DAY;

/// Why an identity or a root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read or is no PEM.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key is not the certificate's.
    #[error("{key} is not the private key of the certificate in {cert}")]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// A client certificate with its key, and the roots that its upstreams are verified by. The key never leaves Rust.
#[derive(Clone)]
pub struct Identity {
    /// The name that the configuration gives it.
    pub name: String,
    key: Arc<CertifiedKey>,
    roots: Vec<CertificateDer<'static>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads an identity and checks that its parts belong together.
    pub fn load(name: &str, cert: &Path, key: &Path, roots: &[PathBuf]) -> Result<Self, TlsError> {
        let chain = certificates(cert)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, &error))?;
        let signing = aws_lc_rs::sign::any_supported_type(&private).map_err(|error| file(key, &error))?;
        let certified = CertifiedKey::new(chain, signing);
        match certified.keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                return Err(TlsError::Mismatch {
                    cert: cert.to_owned(),
                    key: key.to_owned(),
                });
            }
            Err(error) => return Err(file(cert, &error)),
        }
        let mut all = Vec::new();
        for root in roots {
            all.extend(certificates(root)?);
        }
        Ok(Self {
            name: name.to_owned(),
            key: Arc::new(certified),
            roots: all,
        })
    }
}

impl Identity {
    /// An identity that was made here.
    pub(crate) fn from_parts(
        name: &str,
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'static>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            name: name.to_owned(),
            key: Arc::new(CertifiedKey::new(chain, aws_lc_rs::sign::any_supported_type(key)?)),
            roots,
        })
    }

    /// Whether its certificate holds now.
    pub(crate) fn check_dates(&self) -> Result<(), String> {
        let dates = self.dates()?;
        let left = dates.left();
        if dates.starts_in() > 0 {
            return Err("the certificate is not valid yet".into());
        }
        if left <= 0 {
            return Err("the certificate has expired".into());
        }
        if left < WARNING {
            tracing::warn!("the certificate {:?} expires in {} days", self.name, left / DAY);
        }
        Ok(())
    }

    /// When its certificate holds. Fails where it is none.
    pub fn dates(&self) -> Result<Dates, String> {
        Dates::of(self.key.cert.first().ok_or("there is no certificate")?)
    }
}

/// Whose a certificate is, and when it holds. Times are seconds since 1970.
#[derive(Debug, Clone)]
pub struct Dates {
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// From when.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
}

impl Dates {
    /// Reads a certificate. Fails where it is none.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
        let validity = certificate.validity();
        Ok(Self {
            subject: certificate.subject().to_string(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// How many seconds it still holds; less than none where it has expired.
    pub fn left(&self) -> i64 {
        self.not_after - now()
    }

    /// How many seconds until it holds; less than none where it does.
    pub fn starts_in(&self) -> i64 {
        self.not_before - now()
    }
}

fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|now| i64::try_from(now.as_secs()).ok())
        .unwrap_or(i64::MAX)
}

/// All certificates of a PEM file.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| file(path, &error))?
        .collect();
    let found = found.map_err(|error| file(path, &error))?;
    if found.is_empty() {
        return Err(file(path, &"it holds no certificate"));
    }
    Ok(found)
}

fn file(path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// A client configuration with HTTP/2 and HTTP/1.1, for one identity or for none.
pub(super) fn client_config(
    identity: Option<&Identity>,
    shared_roots: &[CertificateDer<'static>],
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // An identity with roots of its own trusts these and the configured ones, not the world's.
    let own = identity.map_or(&[][..], |identity| &identity.roots);
    if own.is_empty() {
        roots.roots.extend_from_slice(&system_roots().roots);
    }
    for root in shared_roots.iter().chain(own) {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    // Without any root no certificate is good.
    let builder = builder.with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
            Arc::clone(&identity.key),
        ))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The system's roots, read once and only when the first request needs them.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            tracing::warn!("no root certificates were found on this system: only hosts under [network] ca are trusted");
        }
        store
    })
}
