//! What the policy's `env.<name>.fetch()` goes out with.

use std::sync::Arc;

use deno_core::url::Url;
use tokio::sync::watch;

use super::tls::Identity;
use crate::credentials::Credential;
use crate::rules::HostPattern;

/// A client certificate of a binding.
#[derive(Debug, Clone)]
pub enum Certificate {
    /// From files. The channel gives the newest that was good.
    Files(watch::Receiver<Arc<Identity>>),
    /// The calling agent's own, issued when it is needed. It carries the roots that upstreams are verified by.
    Agent(Vec<rustls_pki_types::CertificateDer<'static>>),
}

/// A binding: a certificate, a credential, or a credential over a certificate.
#[derive(Debug, Clone, Default)]
pub struct Binding {
    /// The client certificate that connections use.
    pub certificate: Option<Certificate>,
    /// The only hosts that the certificate is shown to; every host where there is none.
    pub certificate_hosts: Vec<HostPattern>,
    /// What is attached to requests.
    pub credential: Option<Arc<Credential>>,
    /// Whether its requests carry the request id and the trace context; as the network says without it.
    pub propagate_trace: Option<bool>,
}

impl Binding {
    /// Whether its certificate, if it has one, may be shown to where a request goes.
    pub(super) fn may_identify(&self, url: &Url) -> bool {
        let hosts = &self.certificate_hosts;
        self.certificate.is_none() || hosts.is_empty() || hosts.iter().any(|host| host.matches_url(url))
    }

    /// What it goes out with, for the record.
    pub(super) fn name(&self) -> Option<String> {
        self.credential_name().or_else(|| self.certificate_name())
    }

    pub(super) fn credential_name(&self) -> Option<String> {
        Some(self.credential.as_ref()?.name.clone())
    }

    pub(super) fn certificate_name(&self) -> Option<String> {
        Some(match self.certificate.as_ref()? {
            Certificate::Files(identity) => identity.borrow().name.clone(),
            Certificate::Agent(_) => "agent".to_owned(),
        })
    }
}

impl From<Identity> for Binding {
    /// A certificate that stays what it is.
    fn from(identity: Identity) -> Self {
        let (_, receiver) = watch::channel(Arc::new(identity));
        Self {
            certificate: Some(Certificate::Files(receiver)),
            ..Self::default()
        }
    }
}

impl From<Arc<Credential>> for Binding {
    fn from(credential: Arc<Credential>) -> Self {
        Self {
            credential: Some(credential),
            ..Self::default()
        }
    }
}
