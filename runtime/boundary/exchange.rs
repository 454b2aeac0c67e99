//! Requests and responses over a link: what one end asks and the other one answers.

use std::time::Duration;

use deno_core::unsync::spawn;
use http::Method;
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::websocket::{SocketEnd, is_handshake};
use workerd_lite_ops::{Body, Request, Response};

use super::body::{begin, received, send};
use super::failure::Failure;
use super::heads::{self, Envelope, RequestHead, Sender};
use super::link::{Call, Connection, Incoming, LinkError, Outgoing};
use super::loaded::LoadedWorker;

/// A request that the other end has.
pub(crate) struct Asking {
    incoming: Incoming,
    /// Its own direction, where a socket may come of it.
    outgoing: Option<Outgoing>,
}

/// Whether a socket may come of a request.
fn opens(request: &Request) -> bool {
    is_handshake(request) || is_connect(request)
}

/// Sends a request by a call of this number.
pub(crate) fn ask(
    link: &Connection,
    number: u32,
    envelope: Envelope<'_>,
    request: Request,
) -> Result<Asking, LinkError> {
    let opens = opens(&request);
    let empty = matches!(request.body, Body::Empty) && !opens;
    let Call { outgoing, incoming } = link.call(number, empty, |out| heads::write_request(out, envelope, &request))?;
    let outgoing = if opens {
        Some(outgoing)
    } else {
        if !empty && let Some(rest) = begin(request.body, outgoing) {
            spawn(send(rest));
        }
        None
    };
    Ok(Asking { incoming, outgoing })
}

/// What came back.
pub(crate) struct Answered {
    /// Without its socket.
    pub(crate) response: Response,
    /// What the WebSocket, or the connection, passes over that it brings.
    pub(crate) socket: Option<Call>,
    /// CPU time that the event has used so far.
    pub(crate) cpu: Duration,
}

/// Why nothing came back.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The other end has failed, and its event has used so much CPU time.
    Failed(Failure, Duration),
    /// It has given up, or is gone.
    Gone,
    /// It breaks a rule.
    Broken(LinkError),
}

impl Asking {
    /// Waits for the response, which may have so many bytes of headers. Dropping this gives the request up.
    pub(crate) async fn answered(self, limit: usize) -> Result<Answered, Unanswered> {
        let head = self.incoming.head().await.map_err(|_| Unanswered::Gone)?;
        let head = heads::read_answer(&head, limit).map_err(Unanswered::Broken)?;
        let head = head.map_err(|(failure, cpu)| Unanswered::Failed(failure, cpu))?;
        let (body, socket) = match (head.has_socket, self.outgoing) {
            (true, Some(outgoing)) => {
                let incoming = self.incoming;
                (Body::Empty, Some(Call { outgoing, incoming }))
            }
            (true, None) => {
                return Err(Unanswered::Broken(LinkError::Head("nobody asked for a WebSocket")));
            }
            (false, outgoing) => {
                if let Some(outgoing) = outgoing {
                    outgoing.end();
                }
                (received(self.incoming, head.body, &head.headers), None)
            }
        };
        let response = Response {
            status: head.status,
            reason: head.reason,
            headers: head.headers,
            body,
            socket: None,
        };
        let cpu = head.cpu;
        Ok(Answered { response, socket, cpu })
    }
}

/// A request that has come, of which the body may still come.
pub(crate) struct Asked<'a> {
    head: RequestHead<'a>,
    call: Call,
}

/// What is needed to answer.
pub(crate) struct Answering {
    outgoing: Outgoing,
    /// The other direction, where a socket may come of it.
    incoming: Option<Incoming>,
}

impl<'a> Asked<'a> {
    /// Reads a request, which may have so many bytes of headers.
    pub(crate) fn read((head, sender): (&'a [u8], Sender), call: Call, limit: usize) -> Result<Self, LinkError> {
        let head = heads::read_request(head, limit, sender)?;
        Ok(Self { head, call })
    }

    pub(crate) const fn envelope(&self) -> Envelope<'a> {
        self.head.envelope
    }

    /// Whether it asks for a connection.
    pub(crate) fn connects(&self) -> bool {
        self.head.method == Method::CONNECT
    }

    /// The worker that asks, where the agent has loaded it.
    pub(crate) fn loaded(&self) -> Option<LoadedWorker> {
        self.head.loaded.clone()
    }

    /// The request, once its first bytes have had the time to come.
    pub(crate) fn request(self) -> (impl FnOnce() -> Request + 'static, Answering) {
        let RequestHead {
            cf,
            method,
            url,
            headers,
            body,
            ..
        } = self.head;
        let Call { outgoing, incoming } = self.call;
        let mut request = Request {
            method,
            url,
            headers,
            body: Body::Empty,
            cf,
        };
        let (mut incoming, mut kept) = (Some(incoming), None);
        if opens(&request) {
            kept = incoming.take();
        }
        let answering = Answering {
            outgoing,
            incoming: kept,
        };
        let made = move || {
            if let Some(incoming) = incoming {
                request.body = received(incoming, body, &request.headers);
            }
            request
        };
        (made, answering)
    }
}

impl Answering {
    /// Waits until nobody waits for the answer.
    pub(crate) async fn unwanted(&self) {
        self.outgoing.stopped().await;
    }

    /// Answers, and sends the body to its end. Gives what a socket passes over, where the answer brings one.
    pub(crate) async fn answer(self, answer: Result<Response, Failure>, cpu: Duration) -> Option<(Call, SocketEnd)> {
        let Self { outgoing, incoming } = self;
        let mut response = match answer {
            Ok(response) => response,
            Err(failure) => {
                outgoing.head(true, |out| heads::write_failure(out, &failure, cpu));
                return None;
            }
        };
        if response.socket.is_some() && incoming.is_none() {
            // Nobody asked for it: it ends.
            response.socket = None;
        }
        let ends = response.socket.is_none() && matches!(response.body, Body::Empty);
        outgoing.head(ends, |out| heads::write_response(out, &response, cpu));
        if let (Some(socket), Some(incoming)) = (response.socket, incoming) {
            return Some((Call { outgoing, incoming }, socket));
        }
        if !ends && let Some(rest) = begin(response.body, outgoing) {
            send(rest).await;
        }
        None
    }
}
