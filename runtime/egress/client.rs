//! HTTP clients of one thread, one for each caller and binding: a connection is never reused across identities.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use tokio::time::Instant;
use workerd_lite_ops::{CallerId, FetchError};

use super::Network;
use super::binding::{Binding, Certificate};
use super::connect_time::Timed;
use super::dns::Resolver;
use super::tls::{Identity, client_config};
use crate::identity::Attested;

/// Which client: whose, and for which binding.
type Key = (CallerId, Option<u32>);

/// One thread's clients, made when they are first needed, and anew when their certificate has changed.
pub(super) struct Clients {
    network: Arc<Network>,
    made: RefCell<HashMap<Key, Made>>,
}

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
struct Made {
    client: reqwest::Client,
    identity: Option<Arc<Identity>>,
    /// When its certificate is to be renewed.
    until: Option<Instant>,
}

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
impl Clients {
    pub(super) fn new(network: Arc<Network>) -> Self {
        Self {
            network,
            made: RefCell::new(HashMap::new()),
        }
    }

    /// The client of a caller for a binding, or for none.
    pub(super) fn get(
        &self,
        caller: CallerId,
        agent: &Attested,
        index: Option<u32>,
        binding: Option<&Binding>,
    ) -> Result<reqwest::Client, FetchError> {
        let certificate = binding.and_then(|binding| binding.certificate.as_ref());
        let mut made = self.made.borrow_mut();
        let slot = made.get(&(caller, index));
        if let Some(slot) = slot {
            let current = match certificate {
                Some(Certificate::Files(newest)) => slot
                    .identity
                    .as_ref()
                    .is_some_and(|old| Arc::ptr_eq(old, &newest.borrow())),
                _ => slot.until.is_none_or(|until| Instant::now() < until),
            };
            if current {
                return Ok(slot.client.clone());
            }
        }
        let (identity, until) = match certificate {
            None => (None, None),
            Some(Certificate::Files(newest)) => (Some(Arc::clone(&newest.borrow())), None),
            Some(Certificate::Agent(roots)) => {
                let (identity, until) = self.issue(agent, roots)?;
                (Some(Arc::new(identity)), Some(until))
            }
        };
        // The old client's requests go on; its idle connections end with it.
        let client = self.build(identity.as_deref())?;
        made.insert(
            (caller, index),
            Made {
                client: client.clone(),
                identity,
                until,
            },
        );
        Ok(client)
    }

    fn issue(
        &self,
        agent: &Attested,
        roots: &[rustls_pki_types::CertificateDer<'static>],
    ) -> Result<(Identity, Instant), FetchError> {
        let failed = |why: String| FetchError::Network(format!("no certificate can be issued: {why}"));
        let issuer = self
            .network
            .identity
            .as_ref()
            .ok_or_else(|| failed("there is no [identity]".into()))?;
        let (chain, key, renew) = issuer.certificate(agent).map_err(failed)?;
        let identity = Identity::from_parts(&agent.name, chain, &key, roots.to_vec())
            .map_err(|error| failed(error.to_string()))?;
        Ok((identity, Instant::now() + renew))
    }

    fn build(&self, identity: Option<&Identity>) -> Result<reqwest::Client, FetchError> {
        let failed =
            |error: &dyn std::fmt::Display| FetchError::Network(format!("the HTTP client can not be made: {error}"));
        let tls = client_config(identity, &self.network.roots).map_err(|error| failed(&error))?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver::new(
                Arc::clone(&self.network.rules),
                &self.network.nameservers,
                self.network.timeouts.connect,
            ))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.network.timeouts.connect)
            .pool_idle_timeout(Duration::from_mins(1))
            .connector_layer(Timed)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| failed(&error))
    }
}
