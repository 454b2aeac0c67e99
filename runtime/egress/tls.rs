//! TLS: client identities and roots, read and checked before the server starts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use super::server_verifier::{ServerVerifier, Trusted};
use crate::identity::Issued;
use crate::keys::process::HeldKey;
use crate::keys::{Dates, Invalid, KeyFileError, KeySource, read_certificates, read_lists};

/// Why an identity or a root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds something else.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// What a file holds cannot be used.
    #[error("{path}: {why}")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A list of revoked certificates can not be read.
    #[error("{0}")]
    List(String),
    /// There is no such key.
    #[error("{0}")]
    Key(String),
    /// The key is not the certificate's.
    #[error("{key} is not the private key of the certificate in {cert}")]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file or URI.
        key: String,
    },
}

/// A client certificate with its key, and the roots that its upstreams are verified by. The key never leaves Rust.
#[derive(Clone)]
pub struct Identity {
    /// The name that the configuration gives it.
    pub name: String,
    key: Arc<CertifiedKey>,
    dates: Dates,
    roots: Vec<CertificateDer<'static>>,
    /// What the authorities of these have revoked.
    revoked: Vec<CertificateRevocationListDer<'static>>,
    /// Its key, where that was made by the process that holds keys.
    held: Option<Arc<HeldKey>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads an identity and checks that its parts belong together. Whether its certificate holds now is another question.
    pub fn load(name: &str, cert: &Path, key: &KeySource, roots: &[PathBuf]) -> Result<Self, TlsError> {
        let unusable = |path: &Path, why: String| TlsError::Unusable {
            path: path.to_owned(),
            why,
        };
        let chain = read_certificates(cert)?;
        let dates = Dates::of_chain(&chain).map_err(|why| unusable(cert, why))?;
        let certified = CertifiedKey::new(chain, key.tls().map_err(TlsError::Key)?);
        match certified.keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                return Err(TlsError::Mismatch {
                    cert: cert.to_owned(),
                    key: key.to_string(),
                });
            }
            Err(error) => return Err(unusable(cert, error.to_string())),
        }
        let mut all = Vec::new();
        for root in roots {
            all.extend(read_roots(root)?);
        }
        Ok(Self {
            name: name.to_owned(),
            key: Arc::new(certified),
            dates,
            roots: all,
            revoked: Vec::new(),
            held: None,
        })
    }

    /// The same, with lists of what authorities have revoked. Where there is any, each certificate below a root needs one of its issuer's
    /// that is in force.
    pub fn with_lists(mut self, lists: &[PathBuf]) -> Result<Self, TlsError> {
        self.revoked = read_revoked(lists)?;
        Ok(self)
    }

    /// An identity that was issued to an agent.
    pub(crate) fn issued(name: &str, issued: Issued, roots: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let dates = Dates::of_chain(&issued.chain)?;
        Ok(Self {
            name: name.to_owned(),
            key: Arc::new(CertifiedKey::new(issued.chain, issued.key)),
            dates,
            roots,
            revoked: Vec::new(),
            held: issued.held,
        })
    }

    /// Whether its key has gone with the process that made it.
    pub(super) fn is_lost(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_lost())
    }

    /// The certificate with its key.
    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// When its certificate holds.
    pub fn dates(&self) -> &Dates {
        &self.dates
    }

    /// Whether its certificate holds now. Warns where that ends soon.
    pub(crate) fn check_dates(&self) -> Result<(), Invalid> {
        self.dates.check()?;
        self.dates.warn_of_end(&format!("the certificate {:?}", self.name));
        Ok(())
    }
}

/// All certificates of a file that upstreams are verified by. Fails where one of them can verify nothing.
pub fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = read_certificates(path)?;
    for root in &found {
        RootCertStore::empty()
            .add(root.clone())
            .map_err(|error| TlsError::Unusable {
                path: path.to_owned(),
                why: error.to_string(),
            })?;
    }
    Ok(found)
}

/// Lists of what authorities have revoked.
pub type Lists = Arc<Vec<CertificateRevocationListDer<'static>>>;

/// All lists of some files. Tells of those that are no longer in force.
pub fn read_revoked(paths: &[PathBuf]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let mut all = Vec::new();
    for path in paths {
        let (lists, is_late) = read_lists(path).map_err(TlsError::List)?;
        if is_late {
            tracing::error!(
                "{}: the list of revoked certificates is no longer in force: upstreams of its issuer are refused",
                path.display()
            );
        }
        all.extend(lists);
    }
    Ok(all)
}

/// A client configuration with HTTP/2 and HTTP/1.1, for one identity or for none. `shared` are roots for all, and what their authorities
/// have revoked.
pub(super) fn client_config(
    identity: Option<&Identity>,
    shared: (&[CertificateDer<'static>], &[CertificateRevocationListDer<'static>]),
) -> Result<ClientConfig, rustls::Error> {
    let mut authorities = RootCertStore::empty();
    // An identity with roots of its own trusts these and the configured ones, not the world's.
    let own = identity.map_or(&[][..], |identity| &identity.roots);
    if own.is_empty() {
        authorities.roots.extend_from_slice(&system_roots().roots);
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let revoked = identity.map_or(&[][..], |identity| &identity.revoked);
    let own = Trusted {
        roots: authorities,
        named: own,
        revoked,
    };
    let shared = Trusted {
        roots: RootCertStore::empty(),
        named: shared.0,
        revoked: shared.1,
    };
    let verifier = ServerVerifier::new(own, shared, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
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
