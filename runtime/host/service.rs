//! An instance as a `tower` service over `http` types: what `serve` and every other embedder call.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use deno_core::url::Url;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, Method, StatusCode, Uri};
use tower_service::Service;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::fetch::is_forbidden;
use workerd_lite_ops::head::{self, MAX_FIELDS, strip_hop_by_hop};
use workerd_lite_ops::trailers::Trailers;
use workerd_lite_ops::websocket::{is_websocket, mark};
use workerd_lite_ops::{Body, EventError, Request, Response, Termination};

use super::Instance;
use super::agent::Agent;
use super::body::{Outgoing, ResponseBody, head_of, incoming, limited, without_bytes};
use super::broken_body;
use super::client::Client;
use super::error_page;
use super::live_request::LiveRequest;
use super::opened_socket::{AsksForSocket, OpenedSocket};
use super::scheduled;
use super::served::{Outcome, Served};
use crate::audit::shortened;
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
        let served = Served::new(request.headers());
        Box::pin(async move { Ok(instance.answer(request, &served, |_, _| true).await) })
    }
}

impl Instance {
    /// The same. `routed` is told which agent it is for, with its place in the project, if there is one, and says whether that has room
    /// for its client. `served` learns what becomes of it.
    pub(crate) async fn answer<B>(
        self,
        request: http::Request<B>,
        served: &Rc<Served>,
        routed: impl FnOnce(usize, &Agent) -> bool,
    ) -> http::Response<ResponseBody>
    where
        B: http_body::Body<Data = Bytes> + Unpin + 'static,
    {
        let is_head = request.method() == Method::HEAD;
        let answer = answer(&self, request, served, routed).await;
        if is_head { head_of(answer) } else { answer }
    }

    /// Answers a request as it answers a client's.
    pub(crate) async fn client(&self, request: Request) -> Response {
        let Request {
            method,
            url,
            headers,
            body,
            ..
        } = request;
        let asks = is_websocket(&headers);
        let mut asked = http::Request::new(Outgoing::from(body));
        if asks {
            asked.extensions_mut().insert(AsksForSocket);
        }
        *asked.method_mut() = method;
        *asked.headers_mut() = headers;
        let Ok(target) = url.as_str().parse() else {
            return Response::text(
                StatusCode::BAD_REQUEST,
                "Bad Request: the URL is none that HTTP can name\n",
            );
        };
        *asked.uri_mut() = target;
        let served = Served::new(asked.headers());
        let (mut head, body) = answer(self, asked, &served, |_, _| true).await.into_parts();
        Response {
            socket: head
                .extensions
                .remove::<OpenedSocket>()
                .and_then(|socket| socket.take()),
            status: head.status,
            reason: None,
            body: incoming(body, head.version, Trailers::of(&head.headers), None).unwrap_or_default(),
            headers: head.headers,
        }
    }

    /// The response to a request that no agent sees.
    pub(crate) fn refuse(status: StatusCode, text: &str) -> http::Response<ResponseBody> {
        respond(Response::text(status, text))
    }
}

async fn answer<B>(
    instance: &Instance,
    request: http::Request<B>,
    served: &Rc<Served>,
    routed: impl FnOnce(usize, &Agent) -> bool,
) -> http::Response<ResponseBody>
where
    B: http_body::Body<Data = Bytes> + Unpin + 'static,
{
    let (head, body) = request.into_parts();
    let client = head.extensions.get::<Client>().cloned().unwrap_or_default();
    let refused_for = |why| served.outcome.set(Outcome::Refused(why));
    if is_forbidden(&head.method) {
        refused_for("method");
        return respond(Response::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"));
    }
    let Some(url) = url(&head.uri, &head.headers, client.https) else {
        refused_for("host");
        return respond(Response::text(
            StatusCode::BAD_REQUEST,
            "Bad Request: the Host is not valid\n",
        ));
    };
    let mut headers = head.headers;
    let trailers = Trailers::of(&headers);
    strip_hop_by_hop(&mut headers);
    if head.extensions.get::<AsksForSocket>().is_some() {
        mark(&mut headers);
    }
    let trace = Rc::clone(&served.trace);
    if let Some(address) = client.address {
        trace.is_from(address);
    }
    let routed_to = match instance.route(&url, path(&head.uri), &mut headers).await {
        Ok(routed_to) => routed_to,
        Err(why) => {
            served.outcome.set(why.into());
            let host = shortened(url.host_str().unwrap_or_default());
            let request_id = trace.request_id();
            tracing::error!(target: "worker", request_id = &*request_id, "the settings of the agent of {host} can not be read: {why}");
            let status = why.status();
            let reason = status.canonical_reason().unwrap_or_default();
            return respond(Response::text(
                status,
                format!("{reason}: the agent's settings can not be read: {why}\n"),
            ));
        }
    };
    let mut live = instance.feed().map(|feed| {
        let agent = routed_to.as_ref().map(|(_, agent)| &**agent);
        LiveRequest::begin(feed, agent, &trace, (&head.method, &url, &headers))
    });
    let Some((place, agent)) = routed_to else {
        // It names no agent: who asks may not know which there are.
        refused_for("no_agent");
        let response = Response::text(StatusCode::NOT_FOUND, "Not Found\n");
        return respond(refused(live, "no agent answers for this host", response));
    };
    let account = agent.worker.account.as_ref();
    if let Some(account) = account {
        account.statistics().in_flight.fetch_add(1, Ordering::Relaxed);
        let _ = served.account.set(Arc::clone(account));
    }
    let limited_by = |what| served.outcome.set(Outcome::Limit(what));
    let agent = &agent;
    if !routed(place, agent) {
        metrics::shed();
        limited_by("clients");
        let text = "Service Unavailable: the agent has as many clients as it may have\n";
        let response = Response::text(StatusCode::SERVICE_UNAVAILABLE, text);
        return respond(refused(live, "the agent has as many clients as it may have", response));
    }
    let limits = agent.worker.effective_limits();
    if head::size(&headers) > limits.headers || headers.len() > MAX_FIELDS {
        limited_by("headers");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let response = Response::text(status, "Request Header Fields Too Large\n");
        let why = "the request has more headers than limits.headers_kb lets in";
        return respond(refused(live, why, response));
    }
    let Some(mut body) = incoming(body, head.version, trailers, limits.request_body) else {
        limited_by("request_body");
        let response = Response::text(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large\n");
        let why = "the request's body is larger than limits.request_body_mb";
        return respond(refused(live, why, response));
    };
    if matches!(body, Body::Empty) {
        body = without_bytes(&head.method, &headers);
    }
    body = broken_body::asked(body, served);
    if let Some(live) = &mut live {
        body = live.body(&headers, body);
    }
    let request = Request {
        method: head.method,
        url,
        headers,
        body,
        cf: instance.front().cf(client.tls.as_ref(), head.version),
    };
    // Only a browser's page needs them.
    let asked = instance.shows_errors().then(|| request.headers.clone());
    // Where a worker is developed, whoever asks may have its other handlers called.
    let handling = pin!(async {
        if instance.shows_errors() && scheduled::asks(&request.url) {
            Box::pin(instance.scheduled_by((place, agent), &request.url, Rc::clone(&trace))).await
        } else {
            instance.dispatch((place, agent), request, Rc::clone(&trace)).await
        }
    });
    let dispatched = tokio::time::timeout(limits.wall, handling).await;
    let response = match dispatched.unwrap_or(Err(EventError::Terminated(Termination::Wall))) {
        Ok(response) if response.body.length() > limits.response_body.or(Some(u64::MAX)) => {
            limited_by("response_body");
            let why = "the response's body is larger than limits.response_body_mb";
            let request_id = trace.request_id();
            tracing::error!(target: "worker", worker = agent.worker.label(), agent = agent.worker.name, tenant = agent.tenant, request_id = &*request_id, "{why}");
            let response = Response::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n");
            refused(live.take(), why, response)
        }
        Ok(mut response) => {
            served.outcome.set(Outcome::Ok);
            response.body = limited(response.body, limits.response_body);
            broken_body::watched(response, served, agent)
        }
        Err(EventError::Terminated(why)) => {
            served.outcome.set(why.into());
            let status = why.status();
            let request_id = trace.request_id();
            let limit = limits.told(why);
            tracing::error!(target: "worker", worker = agent.worker.label(), agent = agent.worker.name, tenant = agent.tenant, request_id = &*request_id, "an event was ended: {why}{limit}");
            instance.ended(agent, why, &request_id);
            if let Some(live) = &mut live {
                live.ended(why);
            }
            let reason = status.canonical_reason().unwrap_or_default();
            // Clients of a server learn nothing of its insides.
            let limit = if instance.shows_errors() { limit } else { String::new() };
            Response::text(status, format!("{reason}: the worker was stopped: {why}{limit}\n"))
        }
        Err(error @ EventError::Exception { .. }) => {
            served.outcome.set(Outcome::Error("exception"));
            let request_id = trace.request_id();
            tracing::error!(target: "worker", worker = agent.worker.label(), agent = agent.worker.name, tenant = agent.tenant, request_id = &*request_id, "the handler failed: {}", error.details());
            let graph = agent.graph().filter(|_| asked.is_some() || live.is_some());
            let text = graph.map(|graph| error_page::text(&error, graph));
            if let (Some(live), Some(text)) = (&mut live, &text) {
                live.failed(text.clone());
            }
            match (&asked, text) {
                (Some(asked), Some(text)) => {
                    let policy = trace.policy_failure();
                    let policy = policy
                        .map(|why| format!("\n\nThe outbound worker failed, which the agent is not told:\n{why}"));
                    error_page::response(&(text + &policy.unwrap_or_default()), asked)
                }
                _ => Response::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
            }
        }
        Err(EventError::Shutdown) => {
            served.outcome.set(Outcome::Error("shutdown"));
            Response::text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n")
        }
    };
    let response = match live {
        Some(live) => live.answered(response),
        None => response,
    };
    respond_for(response, account.cloned())
}

/// A response that no agent gave, and why for who looks on.
fn refused(live: Option<LiveRequest>, why: &str, response: Response) -> Response {
    let Some(mut live) = live else { return response };
    live.failed(why.to_owned());
    live.answered(response)
}

/// The path of a request as it was sent.
fn path(uri: &Uri) -> &str {
    // That of `OPTIONS *` is none.
    if uri.path().starts_with('/') { uri.path() } else { "/" }
}

/// The request's absolute URL: by its target where that is absolute, else by `Host`.
fn url(uri: &Uri, headers: &HeaderMap, https: bool) -> Option<Url> {
    let authority = match uri.authority() {
        // A target without a scheme is a tunnel's, and one of another scheme is not ours (RFC 9112, sections 3.2.2 and 3.2.3): whoever
        // stands in front may have gone by `Host`.
        Some(_) if !matches!(uri.scheme_str(), Some("http" | "https")) => return None,
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
    if let Some(socket) = response.socket {
        answer.extensions_mut().insert(OpenedSocket::new(socket));
    }
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    if let Some(names) = answer.body().announces() {
        answer.headers_mut().insert(http::header::TRAILER, names);
    }
    let reason = match response.reason {
        Some(reason) => hyper::ext::ReasonPhrase::try_from(reason.into_bytes()).ok(),
        // hyper writes "<none>" for a status that it knows no words for.
        None if response.status.canonical_reason().is_none() => Some(hyper::ext::ReasonPhrase::from_static(b"")),
        None => None,
    };
    if let Some(reason) = reason {
        answer.extensions_mut().insert(reason);
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
        for target in ["y.example:80", "ftp://y.example/", "ws://y.example/a"] {
            assert_eq!(url_of(target, "x.example"), None, "{target}");
        }
    }
}
