//! An instance as a `tower` service over `http` types: what `serve` and every other embedder call.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use deno_core::url::Url;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, StatusCode, Uri};
use tower_service::Service;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::fetch::is_forbidden;
use workerd_lite_ops::head::{MAX_FIELDS, strip_hop_by_hop};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request, Response, Termination};

use super::Instance;
use super::agent::Agent;
use super::body::{ResponseBody, incoming, limited};
use super::client::Client;
use super::error_page;
use super::live_request::LiveRequest;
use crate::metrics;

/// Takes requests of any `http_body` and never fails: what goes wrong is a response. Dropping the future cancels the
/// event and all that it caused. A request's URL is its target where that is absolute, else it comes from `Host`.
impl<B> Service<http::Request<B>> for Instance
where
    B: http_body::Body<Data = Bytes> + Unpin + 'static,
{
    type Response = http::Response<ResponseBody>;
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let instance = self.clone();
        Box::pin(async move { Ok(instance.answer(request, |_, _| true).await) })
    }
}

impl Instance {
    /// The same. `routed` is told which agent it is for, with its place in the project, if there is one, and says whether that has room
    /// for its client.
    pub(crate) async fn answer<B>(
        self,
        request: http::Request<B>,
        routed: impl FnOnce(usize, &Agent) -> bool,
    ) -> http::Response<ResponseBody>
    where
        B: http_body::Body<Data = Bytes> + Unpin + 'static,
    {
        answer(&self, request, routed).await
    }

    /// The response to a request that no agent sees.
    pub(crate) fn refuse(status: StatusCode, text: &str) -> http::Response<ResponseBody> {
        respond(Response::text(status, text))
    }
}

async fn answer<B>(
    instance: &Instance,
    request: http::Request<B>,
    routed: impl FnOnce(usize, &Agent) -> bool,
) -> http::Response<ResponseBody>
where
    B: http_body::Body<Data = Bytes> + Unpin + 'static,
{
    let (head, body) = request.into_parts();
    let client = head.extensions.get::<Client>().copied().unwrap_or_default();
    let Some(url) = url(&head.uri, &head.headers, client.https) else {
        return respond(Response::text(
            StatusCode::BAD_REQUEST,
            "Bad Request: the Host is not valid\n",
        ));
    };
    if is_forbidden(&head.method) {
        return respond(Response::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"));
    }
    let mut headers = head.headers;
    strip_hop_by_hop(&mut headers);
    let Some((place, agent)) = instance.route(&url, path(&head.uri), &mut headers) else {
        // It names no agent: who asks may not know which there are.
        return respond(Response::text(StatusCode::NOT_FOUND, "Not Found\n"));
    };
    let account = agent.worker.account.as_ref();
    if !routed(place, agent) {
        metrics::shed();
        return respond(Response::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Service Unavailable: the agent has as many clients as it may have\n",
        ));
    }
    let limits = agent.worker.effective_limits();
    if size(&headers) > limits.headers || headers.len() > MAX_FIELDS {
        return respond(Response::text(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large\n",
        ));
    }
    let Some(body) = incoming(body, limits.request_body) else {
        return respond(Response::text(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large\n"));
    };
    let request = Request {
        method: head.method,
        url,
        headers,
        body,
    };
    let trace = Trace::of(&request.headers);
    if let Some(address) = client.address {
        trace.is_from(address);
    }
    let trace = Rc::new(trace);
    let live = instance
        .feed()
        .map(|feed| LiveRequest::begin(feed, agent, &trace, &request));
    // Only a browser's page needs them.
    let asked = instance.shows_errors().then(|| request.headers.clone());
    let mut failure = None;
    let handling = instance.dispatch(place, request, Rc::clone(&trace));
    let dispatched = tokio::time::timeout(limits.wall, handling).await;
    let response = match dispatched.unwrap_or(Err(EventError::Terminated(Termination::Wall))) {
        Ok(response) if response.body.length() > limits.response_body.or(Some(u64::MAX)) => {
            tracing::error!(target: "worker", worker = agent.worker.label(), "the response's body is larger than limits.response_body_mb");
            Response::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n")
        }
        Ok(mut response) => {
            response.body = limited(response.body, limits.response_body);
            response
        }
        Err(EventError::Terminated(why)) => {
            let status = why.status();
            let request_id = trace.request_id();
            tracing::error!(target: "worker", worker = agent.worker.label(), request_id = &*request_id, "an event was ended: {why}");
            instance.ended(agent, why, &request_id);
            let reason = status.canonical_reason().unwrap_or_default();
            Response::text(status, format!("{reason}: the worker was stopped: {why}\n"))
        }
        Err(error @ EventError::Exception { .. }) => {
            tracing::error!(target: "worker", worker = agent.worker.label(), "the handler failed: {}", error.details());
            match &asked {
                Some(asked) => {
                    let text = error_page::text(&error, &agent.worker.graph);
                    let response = error_page::response(&text, asked);
                    failure = Some(text);
                    response
                }
                None => Response::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
            }
        }
        Err(EventError::Shutdown) => Response::text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n"),
    };
    if let Some(live) = live {
        live.end(response.status, failure);
    }
    respond_for(response, account.cloned())
}

/// The path of a request as it was sent.
fn path(uri: &Uri) -> &str {
    // That of `OPTIONS *` is none.
    if uri.path().starts_with('/') { uri.path() } else { "/" }
}

/// Bytes of names and values together.
fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 2)
        .sum()
}

/// The request's absolute URL: by its target where that is absolute, else by `Host`.
fn url(uri: &Uri, headers: &HeaderMap, https: bool) -> Option<Url> {
    let authority = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(http::header::HOST)
            .map_or(Some("localhost"), |host| host.to_str().ok())?,
    };
    if authority.is_empty() || authority.contains(['/', '\\', '@', '?', '#', '\t']) {
        return None;
    }
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let path = if path.starts_with('/') { path } else { "/" };
    let scheme = if https { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{authority}{path}")).ok()
}

fn respond(response: Response) -> http::Response<ResponseBody> {
    respond_for(response, None)
}

fn respond_for(response: Response, account: Option<Arc<Account>>) -> http::Response<ResponseBody> {
    let mut answer = http::Response::new(ResponseBody::new(response.body, account));
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    if let Some(reason) = response.reason {
        if let Ok(reason) = hyper::ext::ReasonPhrase::try_from(reason.into_bytes()) {
            answer.extensions_mut().insert(reason);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(target: &str, host: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        url(&target.parse().unwrap(), &headers, false).map(Into::into)
    }

    #[test]
    fn the_host_makes_the_url() {
        assert_eq!(url_of("/a?b", "x.example:8787").unwrap(), "http://x.example:8787/a?b");
        assert_eq!(url_of("http://y.example/a", "x.example").unwrap(), "http://y.example/a");
        for host in ["", " ", "a\tb", "a/b", "a@b", "a b", "a\\b", "[::", "a:99999"] {
            assert_eq!(url_of("/", host), None, "{host}");
        }
    }
}
