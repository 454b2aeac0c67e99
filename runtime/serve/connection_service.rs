//! The service of one connection: it hands requests to the project that serves now.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use http::{StatusCode, Version};
use hyper::body::Incoming;
use tower_service::Service;
use workerd_lite_ops::account::{Account, Kind, Later};
use workerd_lite_ops::websocket::SocketLimits;

use super::access::Access;
use super::load_shedding::Client;
use super::switched::Sockets;
use super::tracked_body::TrackedBody;
use super::{forwarded, malformed};
use crate::host::{Agent, AsksForSocket, Instance, OpenedSocket, Outcome};
use crate::limits::files::{CLIENTS, Held};
use crate::listen::Remote;
use crate::websocket::Offer;

/// The service of one connection.
#[derive(Clone)]
pub(super) struct ConnectionService {
    pub(super) current: CurrentProject,
    pub(super) client: Arc<Client>,
    /// For whom the connection works: the agent that was asked last.
    pub(super) works_for: Later,
    pub(super) places: Rc<RefCell<Places>>,
    /// Who is at the other end: a client, or a proxy of its.
    pub(super) remote: Remote,
    /// What TLS told of it, as members of `request.cf`. Nothing where the connection is plain.
    pub(super) tls: Option<Arc<str>>,
    /// What it has become, or what its requests have.
    pub(super) sockets: Sockets,
}

impl ConnectionService {
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }
}

/// The agents that a connection has asked for, each of which has a number of clients.
#[derive(Default)]
pub(super) struct Places(Vec<(Arc<Account>, Held)>);

impl Places {
    /// Whether there is a place with this agent. One request at a time is for one agent at a time.
    fn take(&mut self, agent: &Agent, is_http1: bool) -> bool {
        let Some(account) = &agent.worker.account else {
            return true;
        };
        if self.0.iter().any(|(known, _)| Arc::ptr_eq(known, account)) {
            return true;
        }
        let most = agent.worker.effective_limits().clients;
        let Some(held) = CLIENTS.take(account, Kind::Client, most) else {
            return false;
        };
        if is_http1 {
            self.0.clear();
        }
        self.0.push((Arc::clone(account), held));
        true
    }
}

impl Service<http::Request<Incoming>> for ConnectionService {
    type Response = http::Response<TrackedBody>;
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Incoming>) -> Self::Future {
        let exchange = self.client.asks(request.version());
        let client = Arc::clone(&self.client);
        let places = Rc::clone(&self.places);
        let instance = self.current.0.borrow().clone();
        let works_for = self.works_for.clone();
        let (remote, tls) = (self.remote, self.tls.clone());
        let unread = instance.client_timeouts().unread;
        let sockets = self.sockets.clone();
        let offer = Offer::of(&mut request);
        let upgrading = offer.is_some().then(|| hyper::upgrade::on(&mut request));
        if offer.is_some() {
            request.extensions_mut().insert(AsksForSocket);
        }
        let mut of_agent = None;
        Box::pin(async move {
            let is_http1 = request.version() < Version::HTTP_2;
            let mut refusal = malformed::refusal(&request);
            if refusal.is_none() {
                malformed::name_target(&mut request);
                let (forwarders, naming) = (instance.forwarders(), instance.match_header());
                match forwarded::apply(&mut request, remote, forwarders, naming, tls.as_ref()) {
                    Ok(client) => {
                        request.extensions_mut().insert(client);
                    }
                    Err(text) => refusal = Some((StatusCode::BAD_REQUEST, text)),
                }
            }
            let (mut access, request) = Access::begin(request, remote, instance.access_log());
            let served = Rc::clone(&access.served);
            let mut is_last = refusal.is_some();
            let routed = |place: usize, agent: &Agent| {
                client.is_for(place);
                of_agent = Some(agent.worker.effective_limits().sockets);
                if let Some(account) = &agent.worker.account {
                    works_for.set(account);
                }
                let taken = places.borrow_mut().take(agent, is_http1);
                if !taken {
                    is_last = true;
                    client.is_refused();
                }
                taken
            };
            let mut answer = match refusal {
                Some((status, text)) => {
                    access.served.outcome.set(Outcome::Refused("malformed"));
                    Instance::refuse(status, text)
                }
                None => instance.answer(request, &served, routed).await,
            };
            drop(served);
            access.answered(answer.status());
            let opened = answer.extensions_mut().remove::<OpenedSocket>();
            let opened = opened.and_then(|opened| opened.take());
            if let (Some(end), Some(offer), Some(upgrading), Some(limits)) = (opened, offer, upgrading, of_agent) {
                let compression = offer.answer(&mut answer, limits.compression);
                let limits = SocketLimits { compression, ..limits };
                client.is_answered();
                let kept = (access, exchange);
                sockets.open(upgrading, is_http1, (limits, end), kept, &works_for);
                return Ok(answer.map(TrackedBody::none));
            }
            if is_http1 && (is_last || client.hears_the_last()) {
                let close = http::HeaderValue::from_static("close");
                answer.headers_mut().insert(http::header::CONNECTION, close);
            }
            client.is_answered();
            Ok(answer.map(|body| TrackedBody::new(body, access, exchange, unread)))
        })
    }
}

/// The project that serves now. Connections outlive projects.
#[derive(Clone)]
pub(super) struct CurrentProject(pub(super) Rc<RefCell<Instance>>);
