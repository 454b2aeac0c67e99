//! A hostile upstream: it records what reaches it, and answers as a case wants.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use deno_core::url::{Url, form_urlencoded};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::{Body, FetchError, Request, Response};

use super::answer::{Answer, Echo};
use crate::egress::{Upstream, Via};

/// A request that went out.
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) via: Via,
    /// Its URL and headers.
    pub(super) text: Vec<u8>,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// What there is of its body so far.
    pub(super) body: Rc<RefCell<Vec<u8>>>,
    /// The credentials, certificates and secrets that it carried.
    pub(super) carried: BTreeSet<String>,
}

/// What upstreams do.
#[derive(Debug, Clone)]
pub(super) enum Behaviour {
    /// All answer so.
    All(Answer),
    /// The one that the agent asks for answers so, and others, whom the policy asks first, say no.
    Asked(String, Answer),
    /// What is asked for by this path leads elsewhere.
    Redirects(String, Answer),
    /// All answer with nothing.
    Quiet,
    /// The one that the agent asks for answers with nothing, and others, whom the policy asks first, so.
    Others(String, Word),
    /// Nobody can be reached.
    Down,
    /// All fail, with a body that is none.
    Failing,
}

/// What an authority answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// 403.
    Denies,
    /// 200, and JSON each of whose members says no.
    SaysNo,
    /// It answers nothing.
    Unreachable,
    /// 500.
    Fails,
    /// 200, and text that is no JSON.
    Nonsense,
    /// 200, and nothing.
    Empty,
}

/// JSON by which authorities say no.
const NO: &str = r#"{"allow":false,"allowed":false,"ok":false,"result":false,"valid":false,"active":false,"authorized":false,"permitted":false,"granted":false,"deny":true,"denied":true,"decision":"deny","effect":"deny","status":"denied"}"#;

impl Word {
    fn said(self, host: &str) -> Result<Response, FetchError> {
        let json = |status, text| {
            let mut response = Response::text(status, text);
            let json = HeaderValue::from_static("application/json");
            response.headers.insert(header::CONTENT_TYPE, json);
            response
        };
        Ok(match self {
            Self::Denies => json(StatusCode::FORBIDDEN, NO),
            Self::SaysNo => json(StatusCode::OK, NO),
            Self::Unreachable => return Err(FetchError::Network(format!("{host}: Connection refused"))),
            Self::Fails => Response::text(StatusCode::INTERNAL_SERVER_ERROR, "<html>"),
            Self::Nonsense => Response::text(StatusCode::OK, "<html>"),
            Self::Empty => Response::text(StatusCode::OK, ""),
        })
    }
}

/// Records requests.
#[derive(Default)]
pub(super) struct Recorder {
    /// Where credentials' tokens come from: those are given, or nothing that a policy sends with them would be seen.
    tokens: Vec<String>,
    behaviour: RefCell<Option<Behaviour>>,
    seen: RefCell<Vec<Seen>>,
}

impl Recorder {
    /// One that gives tokens at these endpoints.
    pub(super) fn giving(tokens: Vec<String>) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }

    pub(super) fn expect(&self, behaviour: Behaviour) {
        *self.behaviour.borrow_mut() = Some(behaviour);
    }

    pub(super) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.borrow_mut())
    }
}

impl Recorder {
    fn gives_tokens(&self, url: &Url) -> bool {
        self.tokens.iter().any(|endpoint| url.as_str() == endpoint)
    }
}

/// A token as RFC 6749 has it, and as GitHub does.
fn token() -> Response {
    const TOKEN: &str = r#"{"access_token":"attacked-token","token":"attacked-token","token_type":"bearer","expires_in":3600,"expires_at":"2099-01-01T00:00:00Z"}"#;
    let mut response = Response::text(StatusCode::OK, TOKEN);
    let json = HeaderValue::from_static("application/json");
    response.headers.insert(header::CONTENT_TYPE, json);
    response
}

impl Upstream for Recorder {
    fn answer(&self, via: Via, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let mut text = request.url.to_string().into_bytes();
        for value in request.headers.values() {
            text.push(b' ');
            text.extend_from_slice(value.as_bytes());
        }
        if request.method == Method::POST && via.credential.is_none() && self.gives_tokens(&request.url) {
            return Box::pin(async { Ok(token()) });
        }
        let host = request.url.host_str().unwrap_or_default();
        let response = match self.behaviour.borrow().clone() {
            Some(Behaviour::Asked(asked, _)) if asked != host => Ok(Response::text(StatusCode::FORBIDDEN, "")),
            Some(Behaviour::Others(asked, word)) if asked != host => word.said(host),
            Some(Behaviour::Redirects(path, answer)) => {
                // Whom the policy asks on its own leads nowhere.
                let is_asked = request.url.path().ends_with(&path);
                Ok(if is_asked {
                    answered(&answer, &text)
                } else {
                    Response::text(StatusCode::OK, "")
                })
            }
            Some(Behaviour::All(answer) | Behaviour::Asked(_, answer)) => Ok(answered(&answer, &text)),
            Some(Behaviour::Down) => Err(FetchError::Network(format!("{host}: Connection refused"))),
            Some(Behaviour::Failing) => Ok(Response::text(StatusCode::INTERNAL_SERVER_ERROR, "<html>")),
            Some(Behaviour::Quiet | Behaviour::Others(..)) | None => Ok(Response::text(StatusCode::OK, "")),
        };
        let body = Rc::<RefCell<Vec<u8>>>::default();
        self.seen.borrow_mut().push(Seen {
            method: request.method,
            url: request.url,
            via,
            text,
            headers: request.headers,
            body: Rc::clone(&body),
            carried: BTreeSet::new(),
        });
        Box::pin(async move {
            if let Ok(sent) = request.body.collect().await {
                *body.borrow_mut() = sent.to_vec();
            }
            response
        })
    }
}

fn answered(answer: &Answer, text: &[u8]) -> Response {
    match answer {
        Answer::Redirect { redirect, to } => redirect_to(*redirect, to),
        Answer::Echo { echo } => echoed(*echo, text),
    }
}

fn redirect_to(status: u16, to: &str) -> Response {
    let mut response = Response::text(StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND), "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers.insert(header::LOCATION, to);
    }
    response
}

fn echoed(echo: Echo, text: &[u8]) -> Response {
    let value = HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("unprintable"));
    let mut response = Response {
        status: StatusCode::OK,
        reason: None,
        headers: HeaderMap::new(),
        body: Body::Full(Bytes::copy_from_slice(text)),
        socket: None,
    };
    let only = |response: &mut Response, name| {
        response.headers.insert(name, value.clone());
        response.body = Body::Empty;
    };
    match echo {
        Echo::Headers => only(&mut response, header::HeaderName::from_static("x-seen")),
        Echo::Cookie => only(&mut response, header::SET_COOKIE),
        Echo::Location => {
            only(&mut response, header::LOCATION);
            response.status = StatusCode::CREATED;
        }
        Echo::Reason => {
            response.reason = value.to_str().ok().map(ToOwned::to_owned);
            response.body = Body::Empty;
        }
        Echo::Body => {}
        Echo::Error => response.status = StatusCode::INTERNAL_SERVER_ERROR,
        Echo::Pieces => {
            let pieces: Vec<_> = text.chunks(3).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            response.body = Body::stream(futures_util::stream::iter(pieces).boxed_local(), None);
        }
        Echo::Gzip => {
            response
                .headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            let plain = Body::Full(Bytes::copy_from_slice(text));
            response.body = plain.recode(ContentEncoding::of(&response.headers), None);
        }
        Echo::Base64 => response.body = Body::Full(BASE64_STANDARD.encode(text).into()),
        Echo::Percent => {
            let encoded: String = form_urlencoded::byte_serialize(text).collect();
            response.body = Body::Full(encoded.into());
        }
    }
    response
}
