//! How the server speaks TLS: its certificate, and which clients' certificates it takes.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use super::by_name::ByName;
use crate::egress::tls::Identity;

/// Whether clients show a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked for one.
    #[default]
    None,
    /// They may; one that does not verify ends the handshake.
    Optional,
    /// They must.
    Required,
}

/// What clients' certificates are verified by.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    /// Roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// What their authorities have taken back. Where there is any list, each certificate below a root needs one of its issuer's that
    /// is in force.
    pub revoked: Vec<CertificateRevocationListDer<'static>>,
}

/// The certificates that clients are shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The one for whoever asks for no other.
    pub default: Identity,
    /// Those for who asks for one of their names.
    pub others: Vec<Identity>,
}

/// How TLS is spoken with these: 1.2 and 1.3, HTTP/2 and HTTP/1.1.
pub(super) fn settings(shown: &Shown, auth: ClientAuth, verification: &Verification) -> Result<ServerConfig, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?;
    let builder = if auth == ClientAuth::None {
        builder.with_no_client_auth()
    } else {
        let mut store = RootCertStore::empty();
        for root in &verification.roots {
            store.add(root.clone()).map_err(|error| told(&error))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider)
            .with_crls(verification.revoked.iter().cloned())
            .enforce_revocation_expiration();
        let verifier = match auth {
            ClientAuth::Optional => verifier.allow_unauthenticated(),
            _ => verifier,
        };
        builder.with_client_cert_verifier(verifier.build().map_err(|error| told(&error))?)
    };
    let by_name = ByName::new(&shown.default, &shown.others)?;
    let mut config = builder.with_cert_resolver(Arc::new(by_name));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if auth == ClientAuth::None {
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| told(&error))?;
    } else {
        // A session that goes on would outlive its certificate, and the roots that it was verified by.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}
