//! Requests of agents in a process: each is judged as one of an isolate in this process is, in the name of the agent whose event it is.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use deno_core::unsync::spawn;
use http::{Method, header};
use tokio_tungstenite::tungstenite::protocol::Role;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::head::{self, strip_hop_by_hop};
use workerd_lite_ops::websocket::{is_handshake, mark};
use workerd_lite_ops::{Body, FetchError, Request, Response};

use super::events::Event;
use super::link::Link;
use super::room::Room;
use crate::boundary::{Answering, Asked, Call, Failure, LinkError, LoadedWorker, Sender, To, Wire};
use crate::websocket;

/// Answers what comes over a link. Fails where no process of ours says that.
pub(super) fn called(link: &Rc<Link>, head: &[u8], call: Call) -> Result<(), LinkError> {
    let asked = Asked::read((head, Sender::Process), call, link.headers)?;
    let envelope = asked.envelope();
    let to = envelope.to;
    match to {
        To::Agent(_) => return Err(LinkError::Head("the parent has no agents for a process")),
        To::Binding(_) if !link.is_policys => return Err(LinkError::Head("agents have no bindings")),
        To::Binding(_) | To::Out | To::Service(_) => {}
    }
    let (event, loaded) = (event(link, envelope.event)?, asked.loaded());
    let room = Room::of(link, head.len());
    let (request, answering) = asked.request();
    let link = Rc::clone(link);
    spawn(async move {
        let event = match event {
            Ok(event) => event,
            Err(error) => return refuse(answering, &error).await,
        };
        let work = async {
            let fetching = async {
                // It has that until it is answered.
                let _room = room?;
                fetch(&link, (&event, loaded.as_ref()), to, request()).await
            };
            let fetched = tokio::select! {
                biased;
                fetched = fetching => fetched,
                () = answering.unwanted() => return None,
            };
            let fetched = fetched.and_then(|mut response| {
                response.body = link.counted(event.agent, response.body)?;
                Ok(response)
            });
            let fetched = fetched.map_err(|error| Failure::Fetch(error.to_string()));
            answering.answer(fetched, Duration::ZERO).await
        };
        // What an event has asked for ends with it, whatever its process does; but for a WebSocket, which may be handed on.
        let socket = tokio::select! {
            biased;
            socket = work => socket,
            () = event.over() => None,
        };
        if let Some((call, end)) = socket
            && let Some(_counted) = link.open_socket(event.limits.sockets.at_once)
        {
            websocket::run_between(Wire::from(call), Role::Server, event.limits.sockets, end).await;
        }
    });
    Ok(())
}

async fn refuse(answering: Answering, error: &FetchError) {
    let failure = Failure::Fetch(error.to_string());
    answering.answer(Err(failure), Duration::ZERO).await;
}

/// The event in whose name something is asked for, which is counted. Fails where that is so too often.
pub(super) fn event(link: &Link, number: u32) -> Result<Result<Rc<Event>, FetchError>, LinkError> {
    let event = link.events.get(number).ok_or(FetchError::EventEnded);
    let event = event.and_then(|event| event.count_fetch().map(|()| event));
    if event.is_err() {
        // A process of ours counts for itself, and asks for this where an event has just ended.
        link.stray()?;
    }
    Ok(event)
}

async fn fetch(
    link: &Link,
    (event, loaded): (&Event, Option<&LoadedWorker>),
    to: To,
    mut request: Request,
) -> Result<Response, FetchError> {
    let limit = event.limits.headers;
    if head::size(&request.headers) > limit {
        return Err(FetchError::Headers("request", limit));
    }
    let asks = is_handshake(&request);
    if asks && request.method != Method::GET {
        return Err(FetchError::Invalid("a request for a WebSocket is a GET".into()));
    }
    strip_hop_by_hop(&mut request.headers);
    request.headers.remove(header::HOST);
    // A script is told how long the body is, as by an agent in this process. An empty one is nothing on a link, and told by its length alone.
    let is_empty = request
        .headers
        .remove(header::CONTENT_LENGTH)
        .is_some_and(|length| length == "0");
    let has_body = !matches!(request.method, Method::GET | Method::HEAD);
    if is_empty && has_body && matches!(request.body, Body::Empty) {
        request.body = Body::Full(Bytes::new());
    }
    request.tell_length();
    if asks {
        mark(&mut request.headers);
    }
    let gate = link.gate(event.agent, loaded)?;
    let origin = event.origin();
    let fetching = async {
        let _slot = event.slots.acquire().await;
        match to {
            To::Service(service) => gate.fetch_service(&origin, service, request).await,
            to => gate.fetch(&origin, to.binding(), request).await,
        }
    };
    metered(event.trace.account().cloned(), fetching).await
}
