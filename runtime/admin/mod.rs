//! The owner's own listener: the keys that agents' tokens are verified by, and whether the server lives.

pub(crate) mod inspector;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::watch;

use crate::identity::Issuer;

/// What is served: the newest issuer.
pub(crate) type Issuers = watch::Receiver<Option<Arc<Issuer>>>;

/// Listens, and answers in the background until the runtime ends. Gives the real address.
pub(crate) async fn start(listen: SocketAddr, issuers: Issuers) -> std::io::Result<SocketAddr> {
    #[expect(clippy::disallowed_types, reason = "listeners live in this room")]
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let issuers = issuers.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let issuer = issuers.borrow().clone();
                    async move { Ok::<_, std::convert::Infallible>(answer(&request, issuer.as_deref())) }
                });
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http1().timer(TokioTimer::new());
                builder.http2().timer(TokioTimer::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

fn answer(request: &Request<Incoming>, issuer: Option<&Issuer>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    match (request.uri().path(), issuer) {
        ("/healthz", _) => plain(StatusCode::OK, "ok\n"),
        ("/.well-known/openid-configuration", Some(issuer)) => json(&issuer.discovery()),
        ("/.well-known/jwks.json", Some(issuer)) => json(&issuer.jwks()),
        _ => plain(StatusCode::NOT_FOUND, "Not Found\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}

fn json(value: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(value.to_string()));
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/json"));
    // Less than the time that a new key is published before it signs.
    headers.insert("cache-control", http::HeaderValue::from_static("public, max-age=300"));
    response
}
