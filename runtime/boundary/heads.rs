//! Requests' and responses' heads as they are on a link. Both ends read all of it anew.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use deno_core::url::Url;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::fetch::{parse_method, parse_url};
use workerd_lite_ops::trailers::Trailers;
use workerd_lite_ops::{Body, EventError, Request, Response, Termination};

use super::aim::{self, Aim};
use super::cursor::{Cursor, put, put_fields};
use super::failure::Failure;
use super::link::LinkError;
use super::loaded::{self, LoadedWorker};

/// The longest text of a failure, in bytes.
const LONGEST_TEXT: usize = 32 << 10;

/// What a head says of its body, in bits.
const HAS_TRAILERS: u8 = 64;
const HAS_LENGTH: u8 = 1;
const IS_CODED: u8 = 2;
/// What an answer is, in bits: it brings a WebSocket, or a text for its status, or it tells of a failure.
const HAS_SOCKET: u8 = 4;
const HAS_REASON: u8 = 8;
const HAS_FAILED: u8 = 16;
/// What a request is, in bits: a loaded worker asks.
const HAS_LOADED: u8 = 32;

/// What a head begins with: what its call is.
const TO_AGENT: u8 = 0;
const TO_OUT: u8 = 1;
const TO_SERVICE: u8 = 2;
pub(super) const CALLS: u8 = 3;
pub(super) const TELLS: u8 = 4;
pub(super) const DIALS: u8 = 5;
const TO_AIMED: u8 = 6;
pub(super) const BEGINS: u8 = 7;
pub(super) const WATCHES: u8 = 8;
pub(super) const STREAMS: u8 = 9;
pub(super) const DRAWS: u8 = 10;
const TO_BINDING: u8 = 11;
pub(super) const JOINS: u8 = 12;
pub(super) const TOKENS: u8 = 13;

/// What a request is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum To {
    /// An agent, by its place among the process's.
    Agent(u32),
    /// The network, as far as the policy lets it.
    #[default]
    Out,
    /// One of its agent's services, by its place.
    Service(u32),
    /// The network, by one of its policy's bindings.
    Binding(u32),
}

impl To {
    /// The network, by a binding where there is one.
    pub(crate) fn out(binding: Option<u32>) -> Self {
        binding.map_or(Self::Out, Self::Binding)
    }

    /// The binding.
    pub(crate) const fn binding(self) -> Option<u32> {
        match self {
            Self::Binding(binding) => Some(binding),
            _ => None,
        }
    }
}

/// Whose a request is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) to: To,
    /// The event that asks. A request that begins an event has that event's number by its call's.
    pub(crate) event: u32,
    /// The id of the client's request.
    pub(crate) request_id: Option<&'a str>,
    /// Which entrypoint of an agent it is for, where that is not what clients ask.
    pub(crate) aim: Option<Aim<'a>>,
    /// The worker that asks, where that is one that the agent has loaded.
    pub(crate) loaded: Option<&'a LoadedWorker>,
}

/// A body as its sender describes it.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) length: Option<u64>,
    coded: bool,
    /// What may follow it.
    pub(super) trailers: Option<Trailers>,
}

impl Described {
    fn of(body: &Body) -> Self {
        Self {
            length: body.length(),
            coded: body.coding().is_some(),
            trailers: body.trailers(),
        }
    }

    fn bits(&self) -> u8 {
        let length = if self.length.is_some() { HAS_LENGTH } else { 0 };
        let trailers = if self.trailers.is_some() { HAS_TRAILERS } else { 0 };
        length | trailers | if self.coded { IS_CODED } else { 0 }
    }

    fn read(bits: u8, cursor: &mut Cursor<'_>) -> Result<Self, LinkError> {
        let length = (bits & HAS_LENGTH != 0).then(|| cursor.u64()).transpose()?;
        let announced = (bits & HAS_TRAILERS != 0).then(|| cursor.bytes()).transpose()?;
        let trailers = announced.map(|names| {
            let names = HeaderValue::from_bytes(names).map_err(|_| LinkError::Head("its trailers have no names"))?;
            Ok::<_, LinkError>(Trailers::of(&HeaderMap::from_iter([(header::TRAILER, names)])))
        });
        Ok(Self {
            length,
            coded: bits & IS_CODED != 0,
            trailers: trailers.transpose()?,
        })
    }

    /// Writes what its bits say that there is.
    fn write(&self, out: &mut BytesMut) {
        if let Some(length) = self.length {
            out.put_u64_le(length);
        }
        if let Some(trailers) = &self.trailers {
            put(out, trailers.announcement().as_ref().map_or(&[], HeaderValue::as_bytes));
        }
    }

    /// The coding that a script decodes, where its fields say so as well.
    pub(super) fn coding(&self, headers: &HeaderMap) -> Option<ContentEncoding> {
        self.coded.then(|| ContentEncoding::of(headers)).flatten()
    }
}

/// A request's head.
#[derive(Debug)]
pub(super) struct RequestHead<'a> {
    pub(super) envelope: Envelope<'a>,
    pub(super) loaded: Option<LoadedWorker>,
    /// What the event reads as `request.cf`, in JSON.
    pub(super) cf: Option<Arc<str>>,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Described,
}

pub(super) fn write_request(out: &mut BytesMut, envelope: Envelope<'_>, request: &Request) {
    let body = Described::of(&request.body);
    let (kind, to) = match envelope.to {
        To::Agent(place) if envelope.aim.is_some() => (TO_AIMED, place),
        To::Agent(place) => (TO_AGENT, place),
        To::Out => (TO_OUT, 0),
        To::Service(place) => (TO_SERVICE, place),
        To::Binding(place) => (TO_BINDING, place),
    };
    out.put_u8(kind);
    let loaded = if envelope.loaded.is_some() { HAS_LOADED } else { 0 };
    out.put_u8(body.bits() | loaded);
    out.put_u32_le(to);
    out.put_u32_le(envelope.event);
    put(out, envelope.request_id.unwrap_or_default().as_bytes());
    put(out, request.cf.as_deref().unwrap_or_default().as_bytes());
    put(out, request.method.as_str().as_bytes());
    put(out, request.url.as_str().as_bytes());
    if let Some(aim) = envelope.aim {
        aim::write(out, aim);
    }
    if envelope.loaded.is_some() {
        loaded::write(out, envelope.loaded);
    }
    body.write(out);
    put_fields(out, &request.headers);
}

/// Who has sent a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The parent, which has judged URLs and methods when they came.
    Parent,
    /// A process, which may be in anybody's hands.
    Process,
}

/// Reads a request, which may have so many bytes of headers.
pub(super) fn read_request(head: &[u8], limit: usize, sender: Sender) -> Result<RequestHead<'_>, LinkError> {
    const INVALID: LinkError = LinkError::Head("its method or URL is not valid");
    let mut cursor = Cursor::new(head);
    let (kind, bits) = (cursor.byte()?, cursor.byte()?);
    let (to, event) = (cursor.u32()?, cursor.u32()?);
    let to = match kind {
        TO_AGENT | TO_AIMED => To::Agent(to),
        TO_OUT => To::Out,
        TO_SERVICE => To::Service(to),
        TO_BINDING => To::Binding(to),
        _ => return Err(LinkError::Head("it is for nobody")),
    };
    let request_id = Some(cursor.text()?).filter(|id| !id.is_empty());
    // Of a request on its way out it means nothing.
    let cf = Some(cursor.text()?).filter(|cf| !cf.is_empty() && sender == Sender::Parent);
    let (method, url) = (cursor.text()?, cursor.text()?);
    let (method, url) = match sender {
        Sender::Parent => (
            Method::from_bytes(method.as_bytes()).map_err(|_| INVALID)?,
            Url::parse(url).map_err(|_| INVALID)?,
        ),
        Sender::Process => (
            parse_method(method).map_err(|_| INVALID)?,
            parse_url(url).map_err(|_| INVALID)?,
        ),
    };
    let aim = (kind == TO_AIMED).then(|| aim::read(&mut cursor)).transpose()?;
    let loaded = if bits & HAS_LOADED != 0 {
        loaded::read(&mut cursor)?
    } else {
        None
    };
    let body = Described::read(bits, &mut cursor)?;
    Ok(RequestHead {
        loaded,
        envelope: Envelope {
            to,
            event,
            request_id,
            aim,
            loaded: None,
        },
        cf: cf.map(Into::into),
        method,
        url,
        headers: cursor.fields(limit)?,
        body,
    })
}

/// A response's head.
#[derive(Debug)]
pub(super) struct ResponseHead {
    /// CPU time that its event has used.
    pub(super) cpu: Duration,
    pub(super) status: StatusCode,
    pub(super) reason: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Described,
    pub(super) has_socket: bool,
}

fn micros(cpu: Duration) -> u64 {
    u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn write_response(out: &mut BytesMut, response: &Response, cpu: Duration) {
    let body = Described::of(&response.body);
    let socket = if response.socket.is_some() { HAS_SOCKET } else { 0 };
    let reason = if response.reason.is_some() { HAS_REASON } else { 0 };
    out.put_u8(body.bits() | socket | reason);
    out.put_u64_le(micros(cpu));
    out.put_u16_le(response.status.as_u16());
    if let Some(reason) = &response.reason {
        put(out, reason.as_bytes());
    }
    body.write(out);
    put_fields(out, &response.headers);
}

pub(super) fn write_failure(out: &mut BytesMut, failure: &Failure, cpu: Duration) {
    let cut = |text: &str| text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned();
    let (word, text, stack) = match failure {
        Failure::Event(EventError::Terminated(why)) => (why.word(), String::new(), String::new()),
        Failure::Event(EventError::Shutdown) => ("shutdown", String::new(), String::new()),
        Failure::Event(EventError::Exception { summary, stack }) => ("exception", cut(summary), cut(stack)),
        Failure::Fetch(text) => ("fetch", cut(text), String::new()),
    };
    out.put_u8(HAS_FAILED);
    out.put_u64_le(micros(cpu));
    for text in [word, &text, &stack] {
        put(out, text.as_bytes());
    }
}

/// Reads an answer, which may have so many bytes of headers, or why there is none, with the CPU time that its event has used.
pub(super) fn read_answer(head: &[u8], limit: usize) -> Result<Result<ResponseHead, (Failure, Duration)>, LinkError> {
    let mut cursor = Cursor::new(head);
    let bits = cursor.byte()?;
    let cpu = Duration::from_micros(cursor.u64()?);
    if bits & HAS_FAILED != 0 {
        let (word, text, stack) = (cursor.text()?, cursor.text()?, cursor.text()?);
        return Ok(Err((failure(word, text, stack)?, cpu)));
    }
    let status = StatusCode::from_u16(cursor.u16()?).map_err(|_| LinkError::Head("its status is none"))?;
    let reason = (bits & HAS_REASON != 0).then(|| cursor.text()).transpose()?;
    // It is written into a client's connection.
    if reason.is_some_and(|reason| http::HeaderValue::from_str(reason).is_err()) {
        return Err(LinkError::Head("its status has a text that is none"));
    }
    let has_socket = bits & HAS_SOCKET != 0;
    if status.is_informational() != has_socket || (has_socket && status != StatusCode::SWITCHING_PROTOCOLS) {
        return Err(LinkError::Head("its status is no response's"));
    }
    let body = Described::read(bits, &mut cursor)?;
    Ok(Ok(ResponseHead {
        cpu,
        status,
        reason: reason.map(ToOwned::to_owned),
        headers: cursor.fields(limit)?,
        body,
        has_socket,
    }))
}

fn failure(word: &str, text: &str, stack: &str) -> Result<Failure, LinkError> {
    if text.len() > LONGEST_TEXT || stack.len() > LONGEST_TEXT {
        return Err(LinkError::Head("its failure has too long a text"));
    }
    Ok(match word {
        "shutdown" => Failure::Event(EventError::Shutdown),
        "exception" => Failure::Event(EventError::Exception {
            summary: text.to_owned(),
            stack: stack.to_owned(),
        }),
        "fetch" => Failure::Fetch(text.to_owned()),
        other => {
            // Of its own end no process tells.
            let why = Termination::named(other).filter(|why| *why != Termination::Process);
            let why = why.ok_or(LinkError::Head("nobody knows why it failed"))?;
            Failure::Event(EventError::Terminated(why))
        }
    })
}
