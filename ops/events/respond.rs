//! A handler's response on its way out: its body's coding, and the news of the body's end.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use deno_core::{OpState, ResourceId, op2};
use deno_error::JsErrorBox;
use futures_util::stream::Stream;
use http::StatusCode;

use super::{Events, Opens, end_if_done};
use crate::account::Account;
use crate::body::Body;
use crate::byte_stream::ByteStream;
use crate::content_encoding::ContentEncoding;
use crate::error::BodyError;
use crate::head::{self, Utf8};
use crate::inbox::{Inbox, Message};
use crate::message::Response;
use crate::origin::EventId;
use crate::outgoing::OutgoingBody;
use crate::tcp;
use crate::websocket::{self, SocketEnd};

/// A handler's response. Gives true where the event ended with it: nothing streams and nothing waits.
#[op2]
pub(crate) fn op_event_respond(
    state: &mut OpState,
    #[smi] id: EventId,
    #[smi] status: u16,
    #[string] reason: String,
    #[scoped] headers: Utf8,
    #[scoped] body: OutgoingBody,
    encode: bool,
    settled: bool,
    #[smi] socket: i32,
) -> Result<bool, JsErrorBox> {
    let body = body.take(state).map_err(JsErrorBox::from_err)?;
    let limit = state.borrow::<Events>().limits.headers;
    if headers.len() > limit {
        return Err(JsErrorBox::type_error(format!(
            "the headers of the response are larger than the limit of {limit} bytes"
        )));
    }
    let mut headers = head::split(&headers).map_err(JsErrorBox::from_err)?;
    head::strip_hop_by_hop(&mut headers);
    let status = StatusCode::from_u16(status).map_err(|_| JsErrorBox::range_error("not a status"))?;
    let socket = match u32::try_from(socket) {
        Err(_) if status == StatusCode::SWITCHING_PROTOCOLS => {
            return Err(JsErrorBox::type_error(
                "a response with the status 101 needs a webSocket",
            ));
        }
        Err(_) => None,
        Ok(rid) => Some(socket_of(state, id, rid)?),
    };

    let events = state.borrow_mut::<Events>();
    let inbox = Rc::clone(&events.inbox);
    let Some(entry) = events.entries.get_mut(&id) else {
        return Ok(true);
    };
    if let Some(tail) = &entry.scope.tail {
        tail.responded(status.as_u16());
    }
    let may_tell = entry.head || status == StatusCode::NOT_MODIFIED;
    let account = entry.scope.origin.trace.account();
    let body = recode(body, account, &mut headers, encode, may_tell);
    // RFC 9110, 8.6.
    if status == StatusCode::NO_CONTENT {
        headers.remove(http::header::CONTENT_LENGTH);
    }
    entry.settle(entry.settled || settled);
    let waits = !entry.settled;
    let streams = matches!(body, Body::Stream(_));
    let response = Response {
        socket,
        status,
        reason: (!reason.is_empty() && Some(reason.as_str()) != status.canonical_reason()).then_some(reason),
        headers,
        body: body.map_stream(|stream| {
            Box::pin(Watched {
                stream,
                end: BodyEnd {
                    id,
                    inbox,
                    complete: false,
                },
            })
        }),
    };
    // Nobody waits any longer: the dropped body reports its own end.
    let delivered = entry.reply.take().is_some_and(|reply| reply.send(Ok(response)).is_ok());
    if !streams || !delivered {
        entry.body_ended = true;
    }
    if waits {
        state.borrow::<Events>().expire(id);
    }
    Ok(end_if_done(state, id))
}

/// The end of a WebSocket that an event hands on, where its request asked for one.
fn socket_of(state: &mut OpState, id: EventId, rid: ResourceId) -> Result<SocketEnd, JsErrorBox> {
    let entry = state.borrow::<Events>().entries.get(&id);
    // Of one that has ended nobody gets it.
    match entry.map_or(Opens::WebSocket, |entry| entry.opens) {
        Opens::Nothing => Err(JsErrorBox::type_error(
            "the worker returned a WebSocket for a request that has no `Upgrade: websocket`",
        )),
        Opens::WebSocket => websocket::take(state, rid)
            .ok_or_else(|| JsErrorBox::type_error("the response's WebSocket was accepted, or handed on already")),
        Opens::Tcp => tcp::take(state, rid)
            .ok_or_else(|| JsErrorBox::type_error("the socket was read or written, or handed on already")),
    }
}

/// Brings the body into the coding that its header list announces, and drops a `Content-Length` that is no longer true.
fn recode(
    body: Body,
    account: Option<&Arc<Account>>,
    headers: &mut http::HeaderMap,
    encode: bool,
    may_tell: bool,
) -> Body {
    let announced = ContentEncoding::of(headers);
    let body = if encode {
        body.recode(announced, account)
    } else {
        body.in_coding(announced)
    };
    match body.length() {
        // The header describes what a GET would have brought.
        Some(0) if may_tell => {}
        None if may_tell && announced.is_none() => {}
        // hyper writes it where the status wants one.
        Some(0) => {
            headers.remove(http::header::CONTENT_LENGTH);
        }
        Some(length) => {
            headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
        None => {
            headers.remove(http::header::CONTENT_LENGTH);
        }
    }
    body
}

/// A response body that tells its isolate when it has ended or was dropped.
struct Watched {
    stream: ByteStream,
    end: BodyEnd,
}

struct BodyEnd {
    id: EventId,
    inbox: Rc<Inbox>,
    complete: bool,
}

impl Stream for Watched {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(self.stream.as_mut().poll_next(cx));
        if item.is_none() {
            self.end.complete = true;
        }
        Poll::Ready(item)
    }
}

impl Drop for BodyEnd {
    fn drop(&mut self) {
        self.inbox.push(Message::BodyEnded {
            id: self.id,
            complete: self.complete,
        });
    }
}
