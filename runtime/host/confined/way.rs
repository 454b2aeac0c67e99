//! The way out of the isolates of a confined process: over the link that an event came by.

use std::rc::Rc;

use deno_core::unsync::spawn;
use deno_error::JsErrorBox;
use futures_util::future::LocalBoxFuture;
use http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::Role as Side;
use workerd_lite_ops::egress::{Egress, EgressHandle};
use workerd_lite_ops::loading::LoaderHandle;
use workerd_lite_ops::rpc::Capability;
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::websocket::{SocketLimits, socket_pair};
use workerd_lite_ops::{FetchError, Origin, Request, Response, Role};

use super::event::LinkEvent;
use crate::boundary::{
    Envelope, LoadedWorker, Refused, TlsAt, To, Unanswered, Wire, ask, ask_for_token, carry, dial, tell,
};
use crate::host::agent::Agent;
use crate::identity::Attested;
use crate::websocket;

/// One agent's.
pub(super) struct WayBack {
    sockets: SocketLimits,
    /// Whether anybody is told of its events.
    tailed: bool,
    /// Whose it is, where the agent has loaded that.
    loaded: Option<Rc<LoadedWorker>>,
    /// What the agent loads workers by.
    loader: Option<LoaderHandle>,
}

impl WayBack {
    pub(super) fn of(agent: &Agent, loaded: Option<&Attested>, loader: Option<LoaderHandle>) -> EgressHandle {
        Rc::new(Self {
            sockets: agent.worker.limits.sockets,
            // Who is told of what it has loaded says whoever loads it.
            tailed: loaded.is_none() && !agent.tails.is_empty(),
            // What a policy has loaded goes out as the policy itself does.
            loaded: loaded.filter(|_| agent.worker.role == Role::Agent).map(|attested| {
                Rc::new(LoadedWorker {
                    id: attested.name.rsplit('/').next().unwrap_or_default().to_owned(),
                    code_sha256: attested.code_sha256.clone(),
                })
            }),
            loader,
        })
    }

    fn ask(&self, origin: &Origin, to: To, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let event = LinkEvent::of(&origin.trace);
        let (sockets, loaded) = (self.sockets, self.loaded.clone());
        Box::pin(async move {
            // Held no longer than it takes to ask: a request that is under way keeps no event from its end.
            let (number, connection, headers) = {
                let event = event.ok_or(FetchError::EventEnded)?;
                (event.open.number, event.open.connection.clone(), event.headers)
            };
            let envelope = Envelope {
                to,
                event: number,
                loaded: loaded.as_deref(),
                ..Envelope::default()
            };
            connection.room().await;
            let asking = ask(&connection, connection.next(), envelope, request);
            let asking = asking.map_err(|error| FetchError::Invalid(error.to_string()))?;
            let mut answered = asking.answered(headers).await.map_err(|why| match why {
                Unanswered::Failed(failure, _) => failure.of_fetch(),
                Unanswered::Gone | Unanswered::Broken(_) => FetchError::OutboundWorker,
            })?;
            if let Some(call) = answered.socket {
                let (ours, theirs) = socket_pair();
                spawn(websocket::run_between(Wire::from(call), Side::Client, sockets, theirs));
                answered.response.socket = Some(ours);
            }
            Ok(answered.response)
        })
    }
}

/// Opens a connection of TCP.
fn dialled(
    event: Option<Rc<LinkEvent>>,
    (binding, loaded): (Option<u32>, Option<Rc<LoadedWorker>>),
    request: Request,
) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
    Box::pin(async move {
        let (number, connection) = {
            let event = event.ok_or(FetchError::EventEnded)?;
            (event.open.number, event.open.connection.clone())
        };
        connection.room().await;
        let dialling = dial(&connection, (number, binding, loaded.as_deref()), &request)
            .map_err(|error| FetchError::Invalid(error.to_string()))?;
        let call = dialling.opened().await.map_err(|why| match why {
            Refused::Denied => FetchError::OutboundWorker,
            Refused::Unreached(why) => FetchError::Network(why),
            Refused::Failed(why) => FetchError::Loaded(JsErrorBox::type_error(why)),
        })?;
        let (ours, theirs) = socket_pair();
        spawn(async move {
            if let Err(error) = carry(call, theirs, TlsAt::There).await {
                tracing::error!("{error}");
            }
        });
        Ok(Response {
            socket: Some(ours),
            ..Response::text(StatusCode::OK, "")
        })
    })
}

impl Egress for WayBack {
    fn fetch(
        &self,
        origin: &Origin,
        binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        if is_connect(&request) {
            let by = (binding, self.loaded.clone());
            return dialled(LinkEvent::of(&origin.trace), by, request);
        }
        self.ask(origin, To::out(binding), request)
    }

    fn token(
        &self,
        origin: &Origin,
        audience: &[String],
        claims: &str,
    ) -> LocalBoxFuture<'static, Result<String, FetchError>> {
        let event = LinkEvent::of(&origin.trace).map(|event| (event.open.number, event.open.connection.clone()));
        let (audience, claims) = (audience.to_vec(), claims.to_owned());
        Box::pin(async move {
            let (number, connection) = event.ok_or(FetchError::EventEnded)?;
            ask_for_token(&connection, number, &audience, &claims).await
        })
    }

    fn service(&self, origin: &Origin, service: u32) -> Result<Capability, FetchError> {
        let event = LinkEvent::of(&origin.trace).ok_or(FetchError::EventEnded)?;
        Ok(event.open.bridge.service(service, self.loaded.clone()))
    }

    fn fetch_service(
        &self,
        origin: &Origin,
        service: u32,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        self.ask(origin, To::Service(service), request)
    }

    fn loader(&self) -> Option<LoaderHandle> {
        self.loader.clone()
    }

    fn is_tailed(&self) -> bool {
        self.tailed
    }

    fn tell(&self, origin: &Origin, item: &serde_json::Value) {
        let event = LinkEvent::of(&origin.trace);
        if !event.is_some_and(|event| tell(&event.open.connection, event.open.number, item)) {
            tracing::warn!(target: "worker", "tail workers can not be told of an event: too much is under way");
        }
    }
}
