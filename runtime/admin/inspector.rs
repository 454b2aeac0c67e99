//! The Chrome DevTools Protocol, as Node.js and Deno serve it: a list of targets over HTTP, and a `WebSocket` for each.
//! <https://chromedevtools.github.io/devtools-protocol/#endpoints>

use std::net::SocketAddr;
use std::sync::Arc;

use deno_core::futures::channel::mpsc;
use deno_core::{InspectorSessionChannels, InspectorSessionKind, InspectorSessionProxy};
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use super::local::is_local;
use super::{Answer, plain};
use crate::isolate::{Inspection, Target};

/// Listens for debuggers. Gives the real address.
#[expect(clippy::disallowed_types, reason = "listeners live in this room")]
pub(crate) async fn bind(listen: SocketAddr) -> std::io::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves debuggers in the background until that is aborted.
#[expect(clippy::disallowed_types, reason = "listeners live in this room")]
pub(crate) fn start(
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    inspection: Arc<Inspection>,
) -> AbortHandle {
    let serving = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let inspection = Arc::clone(&inspection);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let response = answer(request, address, &inspection);
                    async move { Ok::<_, std::convert::Infallible>(response) }
                });
                let mut builder = hyper::server::conn::http1::Builder::new();
                builder.timer(TokioTimer::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                let _ = connection.with_upgrades().await;
            });
        }
    });
    serving.abort_handle()
}

fn answer(request: Request<Incoming>, address: SocketAddr, inspection: &Inspection) -> Answer {
    if !is_local(&request, |origin, _| origin.starts_with("devtools://")) {
        return plain(StatusCode::FORBIDDEN, "Forbidden: debuggers of this machine only\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    match request.uri().path() {
        "/json" | "/json/list" => {
            let targets: Vec<Value> = inspection
                .targets()
                .iter()
                .map(|target| describe(target, address))
                .collect();
            listed(&json!(targets))
        }
        "/json/version" => listed(&json!({
            "Browser": concat!("workerd-lite/", env!("CARGO_PKG_VERSION")),
            "Protocol-Version": "1.3",
            "V8-Version": deno_core::v8::VERSION_STRING,
        })),
        path => {
            let id = path.trim_start_matches('/');
            match inspection.targets().into_iter().find(|target| target.id == id) {
                Some(target) => attach(request, target),
                None => plain(StatusCode::NOT_FOUND, "Not Found\n"),
            }
        }
    }
}

/// Where a debugger attaches.
pub(crate) fn socket_url(target: &Target, address: SocketAddr) -> String {
    format!("ws://{address}/{}", target.id)
}

fn describe(target: &Target, address: SocketAddr) -> Value {
    let socket = format!("{address}/{}", target.id);
    json!({
        "id": target.id,
        "type": "node",
        "title": target.title,
        "description": "workerd-lite",
        "url": target.url,
        "devtoolsFrontendUrl": format!("devtools://devtools/bundled/js_app.html?ws={socket}&experiments=true&v8only=true"),
        "webSocketDebuggerUrl": socket_url(target, address),
    })
}

fn listed(value: &Value) -> Answer {
    let mut response = Response::new(Full::from(value.to_string()).boxed());
    let kind = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// Answers a `WebSocket`'s handshake (RFC 6455) and begins a session.
fn attach(mut request: Request<Incoming>, target: Target) -> Answer {
    let is_upgrade = request
        .headers()
        .get(UPGRADE)
        .is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let accept = request
        .headers()
        .get(SEC_WEBSOCKET_KEY)
        .map(|key| derive_accept_key(key.as_bytes()));
    let (true, Some(accept)) = (
        is_upgrade,
        accept.and_then(|accept| HeaderValue::from_str(&accept).ok()),
    ) else {
        return plain(StatusCode::UPGRADE_REQUIRED, "a WebSocket is expected\n");
    };
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrading.await {
            session(upgraded, target).await;
        }
    });
    let mut response = plain(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Carries messages between a debugger and an isolate until either ends.
async fn session(upgraded: Upgraded, target: Target) {
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let (mut to_debugger, mut from_debugger) = socket.split();
    let (to_isolate, orders) = mpsc::unbounded();
    let (answers, mut from_isolate) = mpsc::unbounded();
    let proxy = InspectorSessionProxy {
        channels: InspectorSessionChannels::Regular {
            tx: answers,
            rx: orders,
        },
        kind: InspectorSessionKind::NonBlocking {
            wait_for_disconnect: false,
        },
    };
    if target.sessions.unbounded_send(proxy).is_err() {
        return;
    }
    loop {
        tokio::select! {
            order = from_debugger.next() => match order {
                Some(Ok(Message::Text(order))) => {
                    if to_isolate.unbounded_send(order.to_string()).is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            answer = from_isolate.next() => match answer {
                Some(answer) => {
                    if to_debugger.send(Message::text(answer.content)).await.is_err() {
                        break;
                    }
                }
                None => break,
            },
        }
    }
    let _ = to_debugger.close().await;
}
