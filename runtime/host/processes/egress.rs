//! Requests of agents in a process: each is judged as one of an isolate in this process is, in the name of the agent whose event it is.

use std::rc::Rc;

use http::header;
use hyper::body::Incoming;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::head::{self, strip_hop_by_hop};
use workerd_lite_ops::{FetchError, Origin, Request, Response};

use super::link::Link;
use crate::boundary::{Failure, Sent, answer, asked, is_ends};

/// Answers what comes over a link.
pub(super) async fn serve(link: &Rc<Link>, request: http::Request<Incoming>) -> http::Response<Sent> {
    if let Some(ended) = is_ends(request.headers()) {
        for event in ended {
            if !link.events.end(event) {
                stray(link);
            }
        }
        return http::Response::new(Sent::default());
    }
    let fetched = match asked(request, link.headers) {
        Ok((envelope, request)) => fetch(link, envelope.event, request).await,
        Err(error) => {
            link.broken(&error);
            Err(FetchError::OutboundWorker)
        }
    };
    let fetched = fetched.map_err(|error| Failure::Fetch(error.to_string()));
    answer(fetched, None, None)
}

/// A process of ours counts for itself: one that does not, and goes on, only costs.
fn stray(link: &Link) {
    if link.events.strays() {
        link.child
            .kill("it asks in the name of events that there are not, or for more than they may");
    }
}

async fn fetch(link: &Rc<Link>, event: u32, mut request: Request) -> Result<Response, FetchError> {
    let Some(event) = link.events.get(event) else {
        stray(link);
        return Err(FetchError::EventEnded);
    };
    event.count_fetch().inspect_err(|_| stray(link))?;
    let limit = event.limits.headers;
    if head::size(&request.headers) > limit {
        return Err(FetchError::Headers("request", limit));
    }
    strip_hop_by_hop(&mut request.headers);
    request.headers.remove(header::HOST);
    request.headers.remove(header::CONTENT_LENGTH);
    let gate = link.gates.get(event.agent).ok_or(FetchError::EventEnded)?;
    let origin = Origin {
        caller: 0,
        trace: Rc::clone(&event.trace),
    };
    let fetching = async {
        let _slot = event.slots.acquire().await;
        gate.fetch(&origin, None, request).await
    };
    metered(event.trace.account().cloned(), fetching).await
}
