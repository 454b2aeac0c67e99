//! Which certificates of upstreams are trusted: those that an authority has issued, and those that the owner names
//! themselves.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use x509_parser::certificate::X509Certificate;

/// An authority's certificate in a server's place.
#[derive(Debug, thiserror::Error)]
#[error("CaUsedAsEndEntity")]
pub(super) struct AuthorityAsServer;

/// Verifies by WebPKI first. What that refuses is trusted where the owner has named this very certificate in `ca`, which
/// says of a server what WebPKI has no notion of: that it is its own authority. Dates and names hold for it as well.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    /// Each with authorities and lists of what these have revoked. That one says of a certificate that it was revoked is enough.
    authorities: Vec<Arc<WebPkiServerVerifier>>,
    named: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// What is trusted.
pub(super) struct Trusted<'a> {
    pub(super) roots: RootCertStore,
    /// Certificates of authorities, of servers, or both.
    pub(super) named: &'a [CertificateDer<'static>],
    /// Where there is a list, each certificate below an authority needs one of its issuer's that is in force.
    pub(super) revoked: &'a [CertificateRevocationListDer<'static>],
}

impl Trusted<'_> {
    /// The roots, with the authorities that are named.
    fn authorities(&self) -> Result<RootCertStore, Error> {
        let mut authorities = self.roots.clone();
        for certificate in self.named.iter().filter(|certificate| may_issue(certificate)) {
            authorities.add(certificate.clone())?;
        }
        Ok(authorities)
    }
}

impl ServerVerifier {
    /// `own` is what the identity trusts, or the system, and `shared` what all do. Fails where a list or an authority is none.
    pub(super) fn new(own: Trusted<'_>, shared: Trusted<'_>, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let named = own.named.iter().chain(shared.named).cloned().collect();
        let mut authorities = own.authorities()?;
        let mut verifiers = Vec::new();
        let mut add = |authorities: RootCertStore, revoked: &[CertificateRevocationListDer<'static>]| {
            if authorities.is_empty() {
                return Ok(());
            }
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider))
                .with_crls(revoked.iter().cloned())
                .enforce_revocation_expiration();
            verifiers.push(builder.build().map_err(|error| Error::General(error.to_string()))?);
            Ok::<_, Error>(())
        };
        if shared.revoked.is_empty() {
            authorities.extend(shared.authorities()?.roots);
        } else {
            // Others have no list among these, and need none.
            add(shared.authorities()?, &[shared.revoked, own.revoked].concat())?;
        }
        add(authorities, own.revoked)?;
        Ok(Self {
            authorities: verifiers,
            named,
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = Error::from(CertificateError::UnknownIssuer);
        let mut refusal = unknown.clone();
        for authorities in &self.authorities {
            match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                Ok(verified) => return Ok(verified),
                Err(other) => {
                    let is_final = is_about_revocation(&other);
                    if is_final || refusal == unknown {
                        refusal = other;
                    }
                    if is_final {
                        break;
                    }
                }
            }
        }
        if is_about_revocation(&refusal) || !self.named.contains(end_entity) {
            return Err(told(refusal, end_entity));
        }
        check_named(end_entity, server_name, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether an authority is known, and has revoked it or may have.
fn is_about_revocation(refusal: &Error) -> bool {
    matches!(
        refusal,
        Error::InvalidCertificate(
            CertificateError::Revoked
                | CertificateError::UnknownRevocationStatus
                | CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. }
        ) | Error::InvalidCertRevocationList(_)
    )
}

/// WebPKI has no error of its own for what is met most of all: a self-signed certificate as `openssl req -x509` makes it.
fn told(refusal: Error, certificate: &CertificateDer<'_>) -> Error {
    let is_other = matches!(refusal, Error::InvalidCertificate(CertificateError::Other(_)));
    let parsed = x509_parser::parse_x509_certificate(certificate);
    if is_other && parsed.is_ok_and(|(_, parsed)| parsed.is_ca()) {
        return CertificateError::Other(OtherError(Arc::new(AuthorityAsServer))).into();
    }
    refusal
}

/// Whether a certificate may be an authority's: not where it says that it is none.
fn may_issue(certificate: &CertificateDer<'_>) -> bool {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok((_, parsed)) => !matches!(parsed.basic_constraints(), Ok(Some(constraints)) if !constraints.value.ca),
        // Whoever adds it says what is wrong with it.
        Err(_) => true,
    }
}

/// What WebPKI demands of a server's certificate, but for an issuer: dates, purpose and names.
fn check_named(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|_| Error::from(CertificateError::BadEncoding))?;
    let time = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = parsed.validity();
    if time < validity.not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if time > validity.not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    if !is_for_servers(&parsed) {
        return Err(CertificateError::InvalidPurpose.into());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)
}

fn is_for_servers(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(Some(usage)) => usage.value.any || usage.value.server_auth,
        Ok(None) => true,
        Err(_) => false,
    }
}
