//! Requests and responses as they are on a link. What HTTP/2 has rules for that would change a message, or fail one, is in fields of ours:
//! its method, URL, status and length; and fields that HTTP/2 does not carry have another name meanwhile. Both ends read all of it anew.

use std::time::Duration;

use deno_error::JsErrorBox;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::fetch::{is_forbidden, parse_method, parse_url};
use workerd_lite_ops::head::{self, MAX_FIELDS};
use workerd_lite_ops::{Body, EventError, FetchError, Request, Response, Termination};

use super::body::{Over, Sent, Trailers, received};
use super::ended::{ENDED, ended};
use super::link::LinkError;

/// How the names of fields begin that are ours, and those of the message's that have another name meanwhile.
const OURS: &str = "wl-";
const ESCAPED: &str = "wl-h-";

const METHOD: HeaderName = HeaderName::from_static("wl-method");
const URL: HeaderName = HeaderName::from_static("wl-url");
const TO: HeaderName = HeaderName::from_static("wl-to");
const EVENT: HeaderName = HeaderName::from_static("wl-event");
const REQUEST_ID: HeaderName = HeaderName::from_static("wl-request-id");
const CF: HeaderName = HeaderName::from_static("wl-cf");
const LENGTH: HeaderName = HeaderName::from_static("wl-length");
const CODED: HeaderName = HeaderName::from_static("wl-coded");
const STATUS: HeaderName = HeaderName::from_static("wl-status");
const REASON: HeaderName = HeaderName::from_static("wl-reason");
const FAILED: HeaderName = HeaderName::from_static("wl-failed");
const CPU: HeaderName = HeaderName::from_static("wl-cpu");
const OVER: HeaderName = HeaderName::from_static("wl-over");

/// The longest text of a failure, in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// What a request's event, and whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The agent, by its place among the process's.
    pub(crate) to: usize,
    /// The event that asks, or that begins. Each link counts its own.
    pub(crate) event: u32,
    /// The id of the client's request.
    pub(crate) request_id: Option<String>,
    /// What the event reads as `request.cf`, in JSON. Of a request on its way out it means nothing.
    pub(crate) cf: Option<String>,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An event brought none.
    Event(EventError),
    /// A request on its way out brought none, and what its script is told.
    Fetch(String),
}

impl Failure {
    /// What the script is told that made the request.
    pub(crate) fn of_fetch(self) -> FetchError {
        match self {
            Self::Fetch(text) => FetchError::Loaded(JsErrorBox::type_error(text)),
            Self::Event(_) => FetchError::OutboundWorker,
        }
    }

    /// Why an event brought no response.
    pub(crate) fn of_event(self) -> EventError {
        match self {
            Self::Event(error) => error,
            Self::Fetch(_) => EventError::Shutdown,
        }
    }
}

/// What is told of an event with its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// CPU time that it has used.
    pub(crate) cpu: Duration,
    /// Whether it is over: what it still does is told of later.
    pub(crate) over: bool,
}

impl Answer {
    fn write(self, headers: &mut HeaderMap) {
        let micros = u64::try_from(self.cpu.as_micros()).unwrap_or(u64::MAX);
        headers.insert(CPU, HeaderValue::from(micros));
        if self.over {
            headers.insert(OVER, HeaderValue::from_static("1"));
        }
    }

    fn take(headers: &mut HeaderMap) -> Option<Self> {
        let cpu = Duration::from_micros(number(headers.remove(CPU)?)?);
        let over = headers.remove(OVER).is_some();
        Some(Self { cpu, over })
    }
}

/// Fields that HTTP/2 does not carry, or has rules for (RFC 9113, section 8.2.2).
fn is_special(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "transfer-encoding"
            | "upgrade"
            | "te"
            | "content-length"
            | "host"
            | "date"
    )
}

fn escaped(headers: HeaderMap) -> HeaderMap {
    let needs = |name: &HeaderName| is_special(name.as_str()) || name.as_str().starts_with(OURS);
    if !headers.keys().any(needs) {
        return headers;
    }
    let mut all = HeaderMap::with_capacity(headers.len());
    for (name, value) in &headers {
        let name = if needs(name) {
            match HeaderName::try_from(format!("{ESCAPED}{name}")) {
                Ok(name) => name,
                Err(_) => continue,
            }
        } else {
            name.clone()
        };
        all.append(name, value.clone());
    }
    all
}

/// The message's own fields: what is left once ours were taken.
fn opened(headers: HeaderMap, limit: usize) -> Result<HeaderMap, LinkError> {
    if headers.len() > MAX_FIELDS || head::size(&headers) > limit {
        return Err(LinkError::Head("it has more fields than a message may have"));
    }
    if !headers
        .keys()
        .any(|name| is_special(name.as_str()) || name.as_str().starts_with(OURS))
    {
        return Ok(headers);
    }
    let mut all = HeaderMap::with_capacity(headers.len());
    for (name, value) in &headers {
        let name = match name.as_str().strip_prefix(ESCAPED) {
            Some(own) => HeaderName::from_bytes(own.as_bytes()).map_err(|_| LinkError::Head("a field has no name"))?,
            // HTTP/2's own, which nobody wrote.
            None if is_special(name.as_str()) => continue,
            None if name.as_str().starts_with(OURS) => return Err(LinkError::Head("it has a field that nobody knows")),
            None => name.clone(),
        };
        all.append(name, value.clone());
    }
    Ok(all)
}

fn number<T: std::str::FromStr>(value: HeaderValue) -> Option<T> {
    value.to_str().ok()?.parse().ok()
}

fn describe(body: &Body, headers: &mut HeaderMap) {
    if let Some(length) = body.length() {
        headers.insert(LENGTH, HeaderValue::from(length));
    }
    if body.coding().is_some() {
        headers.insert(CODED, HeaderValue::from_static("1"));
    }
}

/// A body's length, and whether a script decodes it, as its sender says.
fn described(headers: &mut HeaderMap) -> Result<(Option<u64>, bool), LinkError> {
    let length = match headers.remove(LENGTH) {
        Some(length) => Some(number(length).ok_or(LinkError::Head("its length is no number"))?),
        None => None,
    };
    Ok((length, headers.remove(CODED).is_some()))
}

/// A request for the other end.
pub(crate) fn ask(envelope: &Envelope, request: Request) -> Result<http::Request<Sent>, LinkError> {
    let text = |text: &str| HeaderValue::from_str(text).map_err(|_| LinkError::Head("it can not be written"));
    let mut headers = escaped(request.headers);
    describe(&request.body, &mut headers);
    headers.insert(METHOD, text(request.method.as_str())?);
    headers.insert(URL, text(request.url.as_str())?);
    headers.insert(TO, HeaderValue::from(envelope.to));
    headers.insert(EVENT, HeaderValue::from(envelope.event));
    if let Some(id) = &envelope.request_id {
        headers.insert(REQUEST_ID, text(id)?);
    }
    if let Some(cf) = &envelope.cf {
        let cf = HeaderValue::from_bytes(cf.as_bytes());
        headers.insert(CF, cf.map_err(|_| LinkError::Head("it can not be written"))?);
    }
    let mut asked = http::Request::new(Sent::new(request.body, None));
    *asked.method_mut() = Method::POST;
    *asked.uri_mut() = http::Uri::from_static("http://link/");
    *asked.headers_mut() = headers;
    Ok(asked)
}

/// Reads a request, of which `limit` says how many bytes of headers it may have.
pub(crate) fn asked(request: http::Request<Incoming>, limit: usize) -> Result<(Envelope, Request), LinkError> {
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    let mut take = |name: &HeaderName, why| headers.remove(name).ok_or(LinkError::Head(why));
    let method = take(&METHOD, "it has no method")?;
    let url = take(&URL, "it has no URL")?;
    let to = take(&TO, "it is for no agent")?;
    let event = take(&EVENT, "it is of no event")?;
    let request_id = headers.remove(REQUEST_ID);
    let cf = headers.remove(CF);
    let invalid = |_| LinkError::Head("its method or URL is not valid");
    let text = |value: &HeaderValue| {
        value
            .to_str()
            .map(ToOwned::to_owned)
            .map_err(|_| LinkError::Head("it is no text"))
    };
    let method = parse_method(&text(&method)?).map_err(invalid)?;
    if is_forbidden(&method) {
        return Err(LinkError::Head("its method is forbidden"));
    }
    let url = parse_url(&text(&url)?).map_err(invalid)?;
    let envelope = Envelope {
        to: number(to).ok_or(LinkError::Head("it is for no agent"))?,
        event: number(event).ok_or(LinkError::Head("it is of no event"))?,
        request_id: request_id.as_ref().map(text).transpose()?,
        cf: cf.and_then(|cf| String::from_utf8(cf.as_bytes().to_vec()).ok()),
    };
    let (length, coded) = described(&mut headers)?;
    let headers = opened(headers, limit)?;
    let coding = coded.then(|| ContentEncoding::of(&headers)).flatten();
    let request = Request {
        method,
        url,
        body: received(body, length, coding, None),
        headers,
        cf: None,
    };
    Ok((envelope, request))
}

/// An answer for the other end, with what is told of its event, or what will be told of it behind the body.
pub(crate) fn answer(
    result: Result<Response, Failure>,
    known: Option<Answer>,
    later: Option<Box<dyn FnOnce() -> Answer>>,
) -> http::Response<Sent> {
    let (mut headers, body) = match result {
        // Whoever asks for one is refused before: `host/confined/way.rs`, `host/processes`.
        Ok(response) if response.socket.is_some() => failed(Failure::Fetch("no WebSocket passes a link".to_owned())),
        Ok(response) => {
            let mut headers = escaped(response.headers);
            describe(&response.body, &mut headers);
            headers.insert(STATUS, HeaderValue::from(response.status.as_u16()));
            let reason = response.reason.and_then(|reason| HeaderValue::from_str(&reason).ok());
            if let Some(reason) = reason {
                headers.insert(REASON, reason);
            }
            (headers, response.body)
        }
        Err(failure) => failed(failure),
    };
    if let Some(known) = known {
        known.write(&mut headers);
    }
    let trailers = later.map(|later| -> Trailers {
        Box::new(move || {
            let mut trailers = HeaderMap::new();
            later().write(&mut trailers);
            trailers
        })
    });
    let mut answered = http::Response::new(Sent::new(body, trailers));
    *answered.headers_mut() = headers;
    answered
}

fn failed(failure: Failure) -> (HeaderMap, Body) {
    let cut = |mut text: String| {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT / 2));
        text
    };
    let (word, text) = match failure {
        Failure::Event(EventError::Terminated(why)) => (why.word(), String::new()),
        Failure::Event(EventError::Shutdown) => ("shutdown", String::new()),
        // The summary has no end of a line in it that is not written as two letters.
        Failure::Event(EventError::Exception { summary, stack }) => {
            let summary = cut(summary).replace('\n', " ");
            ("exception", format!("{summary}\n{}", cut(stack)))
        }
        Failure::Fetch(text) => ("fetch", cut(text)),
    };
    let mut headers = HeaderMap::new();
    headers.insert(FAILED, HeaderValue::from_static(word));
    (headers, Body::Full(text.into()))
}

/// Reads an answer, of which `limit` says how many bytes of headers it may have. `over` hears what is told of its event, or nothing where
/// that is given up.
pub(crate) async fn answered(
    response: http::Response<Incoming>,
    limit: usize,
    over: Option<Box<dyn FnOnce(Option<Answer>)>>,
) -> Result<Result<Response, Failure>, LinkError> {
    let (head, body) = response.into_parts();
    let mut headers = head.headers;
    let now = Answer::take(&mut headers);
    let over = match (over, now) {
        (Some(over), Some(now)) => {
            over(Some(now));
            None
        }
        (over, _) => over,
    };
    if let Some(word) = headers.remove(FAILED) {
        let text = http_body_util::Limited::new(body, LONGEST_TEXT + 1).collect().await;
        let text = text.map_err(|_| LinkError::Head("it has no text of its failure"))?;
        if let Some(over) = over {
            over(text.trailers().and_then(|trailers| Answer::take(&mut trailers.clone())));
        }
        let text = text.to_bytes();
        return failure(&word, &String::from_utf8_lossy(&text)).map(Err);
    }
    let status = headers.remove(STATUS).ok_or(LinkError::Head("it has no status"))?;
    let status = StatusCode::from_bytes(status.as_bytes()).map_err(|_| LinkError::Head("its status is none"))?;
    let reason = headers.remove(REASON);
    let (length, coded) = described(&mut headers)?;
    let headers = opened(headers, limit)?;
    let coding = coded.then(|| ContentEncoding::of(&headers)).flatten();
    let over = over.map(|over| -> Over {
        Box::new(move |trailers| over(trailers.and_then(|trailers| Answer::take(&mut trailers.clone()))))
    });
    Ok(Ok(Response {
        status,
        reason: reason.and_then(|reason| reason.to_str().map(ToOwned::to_owned).ok()),
        body: received(body, length, coding, over),
        headers,
        socket: None,
    }))
}

fn failure(word: &HeaderValue, text: &str) -> Result<Failure, LinkError> {
    let word = word.to_str().unwrap_or_default();
    Ok(match word {
        "shutdown" => Failure::Event(EventError::Shutdown),
        "exception" => {
            let (summary, stack) = text.split_once('\n').unwrap_or((text, ""));
            Failure::Event(EventError::Exception {
                summary: summary.to_owned(),
                stack: stack.to_owned(),
            })
        }
        "fetch" => Failure::Fetch(text.to_owned()),
        other => {
            let why = Termination::named(other).ok_or(LinkError::Head("nobody knows why it failed"))?;
            Failure::Event(EventError::Terminated(why))
        }
    })
}

/// Tells the other end that these events are over.
pub(crate) fn ends(events: &[u32]) -> http::Request<Sent> {
    let mut told = http::Request::new(Sent::default());
    *told.method_mut() = Method::POST;
    *told.uri_mut() = http::Uri::from_static("http://link/");
    if let Some(list) = ended(events) {
        told.headers_mut().insert(ENDED, list);
    }
    told
}

/// The events that are over, where a request is about that.
pub(crate) fn is_ends(head: &HeaderMap) -> Option<Vec<u32>> {
    let list = head.get(ENDED)?.to_str().ok()?;
    Some(list.split(',').filter_map(|event| event.parse().ok()).collect())
}
