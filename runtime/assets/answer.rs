//! The answer to a request for a file.

use deno_core::url::Url;
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use workerd_lite_ops::{Request, Response};

use super::Assets;
use super::content::{Content, Whose};
use super::folder::Asset;
use super::headers;
use super::intent::{Intent, NotFoundHandling};
use super::media_type;
use super::path::{decode, encode, names_no_file};
use super::pattern::Subject;
use super::redirects::Target;

/// Browsers ask whether what they have is what there is.
const FRESH: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");

/// What matters of a request.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    url: Url,
    if_none_match: Vec<HeaderValue>,
    /// Whether the response may be kept: it is not for one user, nor in parts.
    is_cacheable: bool,
}

impl Ask {
    pub(super) fn of(request: &Request) -> Self {
        let headers = &request.headers;
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            if_none_match: headers.get_all(IF_NONE_MATCH).iter().cloned().collect(),
            is_cacheable: !headers.contains_key(AUTHORIZATION) && !headers.contains_key(RANGE),
        }
    }

    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    /// Whether the client has the content of this tag (RFC 9110, section 13.1.2).
    fn has(&self, tag: &str) -> bool {
        let listed = self.if_none_match.iter().filter_map(|value| value.to_str().ok());
        listed.flat_map(|list| list.split(',')).any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        })
    }
}

/// A response that may cross threads.
#[derive(Debug)]
pub(super) enum Answer {
    /// There is no file, and no rule that names the path.
    Nothing(HeaderMap),
    /// A response.
    Response(StatusCode, HeaderMap, Content),
}

impl Answer {
    pub(super) fn into_response(self, whose: Whose<'_>) -> Response {
        let (status, headers, content) = match self {
            Self::Nothing(headers) => (StatusCode::NOT_FOUND, headers, Content::Empty),
            Self::Response(status, headers, content) => (status, headers, content),
        };
        Response {
            status,
            reason: None,
            headers,
            body: content.into_body(whose),
            socket: None,
        }
    }

    fn of(status: StatusCode) -> Self {
        Self::Response(status, HeaderMap::new(), Content::Empty)
    }

    fn redirect(status: StatusCode, to: &str) -> Self {
        let mut headers = HeaderMap::new();
        match HeaderValue::try_from(to) {
            Ok(to) => {
                headers.insert(LOCATION, to);
                Self::Response(status, headers, Content::Empty)
            }
            Err(_) => Self::of(StatusCode::NOT_FOUND),
        }
    }

    fn headers(&mut self) -> &mut HeaderMap {
        match self {
            Self::Nothing(headers) | Self::Response(_, headers, _) => headers,
        }
    }
}

impl Assets {
    /// The answer to a request. It waits for the disk.
    pub(super) fn answer(&self, ask: &Ask, not_found: NotFoundHandling) -> Answer {
        let subject = Subject::from(&ask.url);
        let mut answer = self.found(ask, &subject, not_found);
        headers::apply(&self.headers, &subject, answer.headers());
        answer
    }

    fn found(&self, ask: &Ask, subject: &Subject, not_found: NotFoundHandling) -> Answer {
        let mut path = subject.path.clone();
        let target = self.redirects.find(subject);
        let is_rewritten = target.is_some();
        if let Some(Target { status, to }) = target {
            let Ok(to) = ask.url.join(&to) else {
                return Answer::of(StatusCode::NOT_FOUND);
            };
            if status != StatusCode::OK {
                return Answer::redirect(status, &location(&to, &ask.url));
            }
            if names_no_file(to.path()) {
                return Answer::of(StatusCode::NOT_FOUND);
            }
            to.path().clone_into(&mut path);
        }
        let decoded = decode(&path);
        let Some(intent) = self.folder.intent(&decoded, self.html_handling, not_found) else {
            return if is_rewritten {
                Answer::of(StatusCode::NOT_FOUND)
            } else {
                Answer::Nothing(HeaderMap::new())
            };
        };
        if !matches!(ask.method, Method::GET | Method::HEAD) {
            let mut refused = Answer::of(StatusCode::METHOD_NOT_ALLOWED);
            refused.headers().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let (asset, status) = match intent {
            Intent::Redirect(to) => return moved(&encode(&to), &ask.url),
            Intent::Asset(asset, status) => (asset, status),
        };
        // A file has one path.
        let canonical = encode(&decoded);
        if canonical != path {
            return moved(&canonical, &ask.url);
        }
        respond(ask, asset, status)
    }
}

fn moved(path: &str, url: &Url) -> Answer {
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    Answer::redirect(StatusCode::TEMPORARY_REDIRECT, &format!("{path}{query}"))
}

/// A rule's target as its header names it: within the same site without the host. It has the request's query where it has none.
fn location(to: &Url, from: &Url) -> String {
    let mut to = to.clone();
    if to.query().is_none_or(str::is_empty) {
        to.set_query(from.query());
    }
    if to.origin() == from.origin() {
        to[deno_core::url::Position::BeforePath..].to_owned()
    } else {
        to.into()
    }
}

fn respond(ask: &Ask, asset: Asset, status: StatusCode) -> Answer {
    let mut headers = HeaderMap::new();
    let tag = format!("\"{}\"", asset.tag());
    if let Ok(tag) = HeaderValue::try_from(&tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(kind) = media_type::of(&asset.path) {
        headers.insert(CONTENT_TYPE, kind);
    }
    if ask.is_cacheable {
        headers.insert(CACHE_CONTROL, FRESH);
    }
    if ask.has(&tag) {
        return Answer::Response(StatusCode::NOT_MODIFIED, headers, Content::Empty);
    }
    if ask.method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, asset.length.into());
        return Answer::Response(status, headers, Content::Empty);
    }
    match Content::of(asset) {
        Ok(content) => Answer::Response(status, headers, content),
        Err(error) => {
            tracing::error!(target: "assets", "a file can not be read: {error}");
            Answer::of(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
