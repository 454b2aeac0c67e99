//! The service of one connection: it hands requests to the project that serves now.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use http::Version;
use hyper::body::Incoming;
use tower_service::Service;
use workerd_lite_ops::account::{Account, Later};

use super::load_shedding::Client;
use super::malformed;
use super::tracked_body::TrackedBody;
use crate::host::Instance;

/// The service of one connection.
#[derive(Clone)]
pub(super) struct ConnectionService {
    pub(super) current: CurrentProject,
    pub(super) client: Arc<Client>,
    /// For whom the connection works: the agent that was asked last.
    pub(super) works_for: Later,
}

impl ConnectionService {
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }
}

impl Service<http::Request<Incoming>> for ConnectionService {
    type Response = http::Response<TrackedBody>;
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        self.client.asks(request.version());
        let (client, asking) = (Arc::clone(&self.client), Arc::clone(&self.client));
        let instance = self.current.0.borrow().clone();
        let works_for = self.works_for.clone();
        Box::pin(async move {
            let refusal = malformed::refusal(&request);
            let is_last = refusal.is_some() && request.version() < Version::HTTP_2;
            let mut answer = if let Some((status, text)) = refusal {
                Instance::refuse(status, text)
            } else {
                let routed = move |agent: usize, account: Option<&Arc<Account>>| {
                    asking.is_for(agent);
                    if let Some(account) = account {
                        works_for.set(account);
                    }
                };
                instance.answer(request, routed).await
            };
            if is_last || client.hears_the_last() {
                let close = http::HeaderValue::from_static("close");
                answer.headers_mut().insert(http::header::CONNECTION, close);
            }
            client.is_answered();
            Ok(answer.map(|body| TrackedBody::new(body, client)))
        })
    }
}

/// The project that serves now. Connections outlive projects.
#[derive(Clone)]
pub(super) struct CurrentProject(pub(super) Rc<RefCell<Instance>>);
