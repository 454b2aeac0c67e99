//! HTTP clients of one thread, one for each caller and binding: a connection is never reused across identities.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use reqwest::redirect::Policy;
use tokio::time::Instant;
use workerd_lite_ops::{CallerId, FetchError};

use super::Network;
use super::agents::Agents;
use super::binding::{Binding, Certificate};
use super::connector::Connector;
use super::dns::Resolver;
use super::http_client::HttpClient;
use super::places::Places;
use super::tls::{Identity, Lists, client_config};
use super::{token_request, token_thread};
use crate::credentials::Answered;
use crate::identity::Attested;
use crate::limits::HeadLimits;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoClient {
    /// The binding's certificate does not hold now, or none can be issued.
    #[error("{0}")]
    Certificate(String),
    /// Its parts do not fit together.
    #[error("the HTTP client can not be made: {0}")]
    Build(String),
}

impl From<NoClient> for FetchError {
    fn from(error: NoClient) -> Self {
        Self::Network(error.to_string())
    }
}

/// Which client: whose, and for which binding.
type Key = (CallerId, Option<u32>);

/// One thread's clients, made when they are first needed, and anew when their certificate has changed.
#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
pub(super) struct Clients {
    network: Arc<Network>,
    /// Who calls.
    agents: Agents,
    /// The most bytes of a response's headers.
    headers: usize,
    made: RefCell<HashMap<Key, Made>>,
    /// What asks token endpoints, and the lists that it knows.
    tokens: RefCell<Option<(Lists, reqwest::Client)>>,
}

struct Made {
    client: Rc<HttpClient>,
    revoked: Lists,
    identity: Option<Arc<Identity>>,
    /// When its certificate is to be renewed.
    until: Option<Instant>,
}

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
impl Clients {
    pub(super) fn new(network: Arc<Network>, agents: Agents, headers: usize) -> Self {
        Self {
            network,
            agents,
            headers,
            made: RefCell::default(),
            tokens: RefCell::default(),
        }
    }

    /// The client of a caller for a binding, or for none. Fails while the binding's certificate does not hold, whether
    /// or not there is a client from before: what else is served goes on.
    pub(super) fn get(
        &self,
        caller: CallerId,
        agent: &Attested,
        index: Option<u32>,
        binding: Option<&Binding>,
    ) -> Result<Rc<HttpClient>, NoClient> {
        let certificate = binding.and_then(|binding| binding.certificate.as_ref());
        check(certificate)?;
        let mut made = self.made.borrow_mut();
        let revoked = self.network.lists();
        let slot = made.get(&(caller, index));
        let slot = slot.filter(|slot| self.network.revoked.is_none() || Arc::ptr_eq(&slot.revoked, &revoked));
        if let Some(slot) = slot {
            let current = if let Some(Certificate::Files(newest)) = certificate {
                let old = slot.identity.as_ref();
                old.is_some_and(|old| Arc::ptr_eq(old, &newest.borrow()))
            } else {
                let is_lost = slot.identity.as_ref().is_some_and(|identity| identity.is_lost());
                !is_lost && slot.until.is_none_or(|until| Instant::now() < until)
            };
            if current {
                return Ok(Rc::clone(&slot.client));
            }
        }
        let (identity, until) = self.identity(agent, certificate)?;
        // The old client's requests go on; its idle connections end with it.
        let client = self.build(caller, identity.as_deref())?;
        made.insert(
            (caller, index),
            Made {
                client: Rc::clone(&client),
                revoked,
                identity,
                until,
            },
        );
        Ok(client)
    }

    /// What opens a connection of a caller's for a binding, or for none, over which no HTTP is spoken.
    pub(super) fn connector(
        &self,
        caller: CallerId,
        agent: &Attested,
        binding: Option<&Binding>,
    ) -> Result<Connector, NoClient> {
        let certificate = binding.and_then(|binding| binding.certificate.as_ref());
        check(certificate)?;
        let (identity, _) = self.identity(agent, certificate)?;
        Ok(self.connector_of(caller, identity.as_deref())?.without_alpn())
    }

    /// What a certificate stands for now, and until when it is to be used.
    fn identity(
        &self,
        agent: &Attested,
        certificate: Option<&Certificate>,
    ) -> Result<(Option<Arc<Identity>>, Option<Instant>), NoClient> {
        Ok(match certificate {
            None => (None, None),
            Some(Certificate::Files(newest)) => (Some(Arc::clone(&newest.borrow())), None),
            Some(Certificate::Agent(roots)) => {
                let (identity, until) = self.issue(agent, roots)?;
                (Some(Arc::new(identity)), Some(until))
            }
        })
    }

    /// This caller's clients are not kept any longer.
    pub(super) fn forget(&self, caller: CallerId) {
        self.made.borrow_mut().retain(|(whose, _), _| *whose != caller);
    }

    /// Asks a token endpoint, on the thread of [`token_thread`]. Fails where that can not be begun; who waits hears of it.
    pub(super) fn ask_for_token(&self, request: http::Request<Vec<u8>>, answered: Answered) -> Result<(), NoClient> {
        let thread = token_thread::handle().ok_or_else(|| NoClient::Build("the system has no thread for it".into()))?;
        let _entered = thread.enter();
        let revoked = self.network.lists();
        let mut tokens = self.tokens.borrow_mut();
        let client = match &*tokens {
            Some((lists, client)) if self.network.revoked.is_none() || Arc::ptr_eq(lists, &revoked) => client.clone(),
            _ => tokens.insert((revoked, self.for_tokens()?)).1.clone(),
        };
        thread.spawn(async move { answered(token_request::by_client(client, request).await) });
        Ok(())
    }

    /// A client for token requests, which are the host's own: without certificates and credentials, over the same resolver,
    /// and without redirects.
    fn for_tokens(&self) -> Result<reqwest::Client, NoClient> {
        let failed = |error: &dyn std::fmt::Display| NoClient::Build(error.to_string());
        let tls =
            client_config(None, (&self.network.roots, &self.network.lists()[..])).map_err(|error| failed(&error))?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(self.resolver())
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.network.timeouts.connect)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| failed(&error))
    }

    fn resolver(&self) -> Resolver {
        let Network {
            rules,
            nameservers,
            timeouts,
            ..
        } = &*self.network;
        Resolver::new(Arc::clone(rules), nameservers, timeouts.lookup.min(timeouts.connect))
    }

    fn issue(
        &self,
        agent: &Attested,
        roots: &[rustls_pki_types::CertificateDer<'static>],
    ) -> Result<(Identity, Instant), NoClient> {
        let failed = |why: String| NoClient::Certificate(format!("no certificate can be issued: {why}"));
        let issuer = self
            .network
            .identity
            .as_ref()
            .ok_or_else(|| failed("there is no [identity]".into()))?;
        let issued = issuer.certificate(agent).map_err(failed)?;
        let renew = issued.renew;
        let identity = Identity::issued(&agent.name, issued, roots.to_vec()).map_err(failed)?;
        let now = Instant::now();
        Ok((identity, now.checked_add(renew).unwrap_or(now)))
    }

    fn build(&self, caller: CallerId, identity: Option<&Identity>) -> Result<Rc<HttpClient>, NoClient> {
        let connector = self.connector_of(caller, identity)?;
        Ok(Rc::new(HttpClient::new(connector, HeadLimits::of(self.headers))))
    }

    fn connector_of(&self, caller: CallerId, identity: Option<&Identity>) -> Result<Connector, NoClient> {
        let most = self.agents.get(caller).map(|known| known.connections);
        let places = Places::new(most.unwrap_or_default());
        let lists = self.network.lists();
        let shared = (&*self.network.roots, &**lists);
        let tls = client_config(identity, shared).map_err(|error| NoClient::Build(error.to_string()))?;
        Ok(Connector::new(
            self.resolver(),
            tls,
            self.network.timeouts.connect,
            places,
        ))
    }
}

/// Fails while a certificate does not hold.
fn check(certificate: Option<&Certificate>) -> Result<(), NoClient> {
    let Some(Certificate::Files(newest)) = certificate else {
        return Ok(());
    };
    let newest = newest.borrow();
    newest.dates().check().map_err(|why| {
        let name = &newest.name;
        NoClient::Certificate(format!(
            "the client certificate {name:?} {why}: renew its files, they are read again when they change"
        ))
    })
}
