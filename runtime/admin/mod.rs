//! The owner's own listener: the keys that agents' tokens are verified by, whether the server lives, and a page that
//! shows what happens.

pub(crate) mod inspector;
mod live;
mod local;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use crate::audit::Feed;
use crate::identity::Issuer;
use crate::listen::{ListenAddress, Listener, accept, successor_comes};

/// An answer, whole or as a stream.
type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What is served, which changes as the project does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owned {
    /// Whose keys are published.
    pub(crate) issuer: Option<Arc<Issuer>>,
    /// By which names the listener is asked, beside this machine's own.
    pub(crate) hosts: Vec<String>,
    /// Whether the server stops: it is not ready, and its place is free for another.
    pub(crate) stops: bool,
}

/// How many connections there may be at once.
const CONNECTIONS: usize = 64;

/// How long a connection may wait for its next request.
const IDLE: std::time::Duration = std::time::Duration::from_secs(30);

/// Where the owner's listener is for authors whose project does not say.
pub(crate) fn page() -> ListenAddress {
    ListenAddress::local(8788)
}

/// Answers in the background until that is aborted.
pub(crate) fn start(listeners: Arc<[Listener]>, owned: watch::Receiver<Owned>, feed: Option<Arc<Feed>>) -> AbortHandle {
    let answering = tokio::spawn(async move {
        let mut known = owned.clone();
        let succeeded = async {
            if known.wait_for(|owned| owned.stops).await.is_ok() {
                successor_comes(&listeners).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let mut succeeded = std::pin::pin!(succeeded);
        let rooms = Arc::new(Semaphore::new(CONNECTIONS));
        let mut leaves = false;
        let mut turn = 0;
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = accept(&listeners, &mut turn) => accepted,
                // What has come by now is answered.
                () = std::future::ready(()), if leaves => break,
                () = succeeded.as_mut(), if !leaves => {
                    leaves = true;
                    continue;
                }
            };
            let Ok(stream) = accepted else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            // Whoever finds no room is not let in: descriptors are the clients' too.
            let Ok(room) = Arc::clone(&rooms).try_acquire_owned() else {
                continue;
            };
            let (owned, feed) = (owned.clone(), feed.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let owned = owned.borrow().clone();
                    let response = match &feed {
                        Some(feed) if request.uri().path().starts_with("/dev") => live::answer(&request, feed),
                        _ => answer(&request, &owned),
                    };
                    async move { Ok::<_, Infallible>(response) }
                });
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
                builder.http2().timer(TokioTimer::new()).keep_alive_interval(IDLE);
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                drop(room);
            });
        }
    });
    answering.abort_handle()
}

/// What whoever starts and watches servers asks for: whether this one lives, and whether it is ready for requests.
const HEALTH: [&str; 3] = ["/healthz", "/livez", "/readyz"];

fn answer(request: &Request<Incoming>, owned: &Owned) -> Answer {
    let issuer = owned.issuer.as_deref();
    let names = owned
        .hosts
        .iter()
        .map(String::as_str)
        .chain(issuer.and_then(Issuer::host));
    // That it is alive is no secret: what asks so may have any name for it.
    if !HEALTH.contains(&request.uri().path()) && !local::is_known(request, names) {
        return plain(
            StatusCode::FORBIDDEN,
            "Forbidden: asked by a name of another's: see [admin] hosts\n",
        );
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    match (request.uri().path(), issuer) {
        ("/readyz", _) if owned.stops => plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        ("/healthz" | "/livez" | "/readyz", _) => plain(StatusCode::OK, "ok\n"),
        ("/metrics", _) => metrics(),
        ("/.well-known/openid-configuration", Some(issuer)) => json(&issuer.discovery()),
        ("/.well-known/jwks.json", Some(issuer)) => json(&issuer.jwks()),
        _ => plain(StatusCode::NOT_FOUND, "Not Found\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Full::from(text).boxed());
    *response.status_mut() = status;
    response
}

fn metrics() -> Answer {
    let mut response = Response::new(Full::from(crate::metrics::text()).boxed());
    let kind = http::HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert("content-type", kind);
    response
}

fn json(value: &serde_json::Value) -> Answer {
    let mut response = Response::new(Full::from(value.to_string()).boxed());
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/json"));
    // Less than the time that a new key is published before it signs.
    headers.insert("cache-control", http::HeaderValue::from_static("public, max-age=300"));
    response
}
