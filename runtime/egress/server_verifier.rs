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
    /// Nothing where there is no authority.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    named: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerVerifier {
    /// `named` are certificates of authorities, of servers, or both. Where there is a list of what is `revoked`, each certificate below an
    /// authority needs one of its issuer's that is in force. Fails where one of these is none.
    pub(super) fn new(
        mut authorities: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        revoked: &[CertificateRevocationListDer<'static>],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        for certificate in named.iter().filter(|certificate| may_issue(certificate)) {
            authorities.add(certificate.clone())?;
        }
        let authorities = if authorities.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider))
                .with_crls(revoked.iter().cloned())
                .enforce_revocation_expiration();
            Some(builder.build().map_err(|error| Error::General(error.to_string()))?)
        };
        Ok(Self {
            authorities,
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
        let refusal = match &self.authorities {
            Some(authorities) => {
                match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                    Ok(verified) => return Ok(verified),
                    Err(refusal) => refusal,
                }
            }
            None => CertificateError::UnknownIssuer.into(),
        };
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
