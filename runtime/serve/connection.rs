//! One client's connection: HTTP/1.1, or HTTP/2 with prior knowledge.

use std::convert::Infallible;
use std::net::TcpStream;
use std::time::Duration;

use deno_core::unsync::spawn;
use deno_core::url::Url;
use http::{HeaderMap, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::watch;
use workerd_lite_ops::head::strip_hop_by_hop;
use workerd_lite_ops::{EventError, Request, Response};

use super::body::{ResponseBody, incoming};
use crate::host::Instance;

/// How long a client may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Connection {
    pub(super) instance: Instance,
    pub(super) dev: bool,
    pub(super) stopping: watch::Receiver<bool>,
}

/// hyper's tasks stay on the thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn(future);
    }
}

impl Connection {
    pub(super) async fn run(mut self, stream: TcpStream) {
        #[expect(clippy::disallowed_types, reason = "connections come in through this room")]
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else {
            return;
        };
        let _ = stream.set_nodelay(true);
        let mut builder = auto::Builder::new(Local);
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        builder.http2().timer(TokioTimer::new());
        let (instance, dev) = (self.instance, self.dev);
        let service = service_fn(move |request| {
            let instance = instance.clone();
            async move { Ok::<_, Infallible>(answer(&instance, request, dev).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            _ = self.stopping.wait_for(|stop| *stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!("a connection ended early: {error}");
        }
    }
}

async fn answer(instance: &Instance, request: http::Request<Incoming>, dev: bool) -> http::Response<ResponseBody> {
    let (head, body) = request.into_parts();
    let Some(url) = url(&head.uri, &head.headers) else {
        return respond(Response::text(
            StatusCode::BAD_REQUEST,
            "Bad Request: the Host is not valid\n",
        ));
    };
    if head.method == http::Method::CONNECT || head.method == http::Method::TRACE {
        return respond(Response::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"));
    }
    let mut headers = head.headers;
    strip_hop_by_hop(&mut headers);
    let request = Request {
        method: head.method,
        url,
        headers,
        body: incoming(body),
    };
    respond(match instance.handle(request).await {
        Ok(response) => response,
        Err(EventError::Exception { summary, stack }) => {
            let text = if stack.is_empty() { &summary } else { &stack };
            tracing::error!(target: "worker", "the handler failed: {text}");
            let shown = if dev { text.as_str() } else { "Internal Server Error" };
            Response::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{shown}\n"))
        }
        Err(EventError::Shutdown) => Response::text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n"),
    })
}

/// The request's absolute URL: by its target where that is absolute, else by `Host`.
fn url(uri: &Uri, headers: &HeaderMap) -> Option<Url> {
    let authority = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(http::header::HOST)
            .map_or(Some("localhost"), |host| host.to_str().ok())?,
    };
    if authority.contains(['/', '\\', '@', '?', '#']) {
        return None;
    }
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let path = if path.starts_with('/') { path } else { "/" };
    Url::parse(&format!("http://{authority}{path}")).ok()
}

fn respond(response: Response) -> http::Response<ResponseBody> {
    let mut answer = http::Response::new(ResponseBody::new(response.body));
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
        url(&target.parse().unwrap(), &headers).map(Into::into)
    }

    #[test]
    fn the_host_makes_the_url() {
        assert_eq!(url_of("/a?b", "x.example:8787").unwrap(), "http://x.example:8787/a?b");
        assert_eq!(url_of("http://y.example/a", "x.example").unwrap(), "http://y.example/a");
        for host in ["a/b", "a@b", "a b", "a\\b", "[::", "a:99999"] {
            assert_eq!(url_of("/", host), None, "{host}");
        }
    }
}
