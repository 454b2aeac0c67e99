//! An upstream: a real server, over TLS that demands a client certificate or over plain HTTP, which answers with what
//! it received.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// A running upstream.
#[derive(Clone)]
pub struct Partner {
    pub address: SocketAddr,
    /// How many requests have arrived.
    pub requests: Arc<AtomicUsize>,
    /// How many connections are open.
    pub open: Arc<AtomicUsize>,
}

/// How its TLS is set up.
pub struct Tls<'a> {
    pub folder: &'a Path,
    /// Which server certificate: `server`, `expired`, `other` or `self-signed`.
    pub certificate: &'a str,
}

impl Partner {
    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://partner.localhost:{}{path}", self.address.port())
    }

    /// Listens. Without TLS it speaks plain HTTP.
    pub async fn start(listen: SocketAddr, tls: Option<Tls<'_>>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let partner = Self {
            address: listener.local_addr()?,
            requests: Arc::default(),
            open: Arc::default(),
        };
        let acceptor = tls.map(|tls| acceptor(&tls));
        let started = partner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (partner, acceptor) = (partner.clone(), acceptor.clone());
                partner.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match acceptor {
                        None => partner.serve(stream, None).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                let certificate = stream
                                    .get_ref()
                                    .1
                                    .peer_certificates()
                                    .and_then(|chain| chain.first())
                                    .map(|leaf| subject(leaf));
                                partner.serve(stream, certificate).await;
                            }
                        }
                    }
                    partner.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(started)
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, certificate: Option<String>) {
        let service = service_fn(|request| {
            let certificate = certificate.clone();
            self.requests.fetch_add(1, Ordering::SeqCst);
            async move { Ok::<_, Infallible>(answer(request, certificate.as_deref()).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().max_headers(20_000);
        builder.http2().max_header_list_size(1 << 20);
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }
}

pub fn acceptor(tls: &Tls<'_>) -> tokio_rustls::TlsAcceptor {
    acceptor_for(tls, &["h2", "http/1.1"])
}

/// The same, for these protocols.
pub fn acceptor_for(tls: &Tls<'_>, protocols: &[&str]) -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(tls.folder.join("ca.pem")).unwrap())
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let chain = CertificateDer::pem_file_iter(tls.folder.join(format!("{}.pem", tls.certificate)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(tls.folder.join(format!("{}.key", tls.certificate))).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

fn subject(certificate: &[u8]) -> String {
    x509_parser::parse_x509_certificate(certificate)
        .unwrap()
        .1
        .subject()
        .to_string()
}

type Answer = Response<http_body_util::combinators::BoxBody<Bytes, std::io::Error>>;

fn full(bytes: impl Into<Bytes>) -> Answer {
    Response::new(
        http_body_util::Full::new(bytes.into())
            .map_err(|never| match never {})
            .boxed(),
    )
}

async fn answer(request: Request<Incoming>, certificate: Option<&str>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if path == "/stall" {
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
    if path == "/echo" {
        return Response::new(body.map_err(std::io::Error::other).boxed());
    }
    if path == "/slow" {
        let stream = futures_util::stream::unfold(0, |count| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let text = if count < 200 { "x" } else { "whole" };
            (count <= 200).then(|| (Ok(Frame::data(Bytes::from_static(text.as_bytes()))), count + 1))
        });
        return Response::new(http_body_util::StreamBody::new(stream).boxed());
    }
    if path == "/cut" {
        let cut = Chunks::new(3, Some(Box::pin(tokio::time::sleep(Duration::from_millis(100)))));
        let mut response = Response::new(cut.boxed());
        response
            .headers_mut()
            .insert("content-length", "100000000".parse().unwrap());
        return response;
    }
    if let Some(mebibytes) = path.strip_prefix("/download/") {
        let chunks = Chunks::new(mebibytes.parse::<usize>().unwrap() * 16, None);
        return Response::new(chunks.boxed());
    }
    if path == "/gzip" {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all("compressed ".repeat(1000).as_bytes()).unwrap();
        let mut response = full(encoder.finish().unwrap());
        response
            .headers_mut()
            .insert("content-encoding", "gzip".parse().unwrap());
        return response;
    }
    if let Some(target) = head.uri.query().filter(|_| path == "/redirect") {
        let mut response = full("");
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert("location", target.parse().unwrap());
        return response;
    }
    if let Some(fields) = path.strip_prefix("/fields/") {
        let mut response = full("");
        for field in 0..fields.parse::<usize>().unwrap() {
            let name: http::HeaderName = format!("x-field-{field}").parse().unwrap();
            response.headers_mut().insert(name, "v".parse().unwrap());
        }
        return response;
    }
    if path == "/reflect" {
        return reflect(&head);
    }
    let mut received = 0;
    let mut body = body;
    while let Some(Ok(frame)) = body.frame().await {
        received += frame.data_ref().map_or(0, Bytes::len);
    }
    let headers: serde_json::Map<_, _> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let seen = serde_json::json!({
        "method": head.method.as_str(),
        "path": head.uri.path_and_query().map(ToString::to_string),
        "version": format!("{:?}", head.version),
        "certificate": certificate,
        "headers": headers,
        "received": received,
    });
    let mut response = full(format!("{seen:#}\n"));
    response
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    if path == "/cookie" {
        let cookie = "session=secret; Path=/".parse().unwrap();
        response.headers_mut().insert("set-cookie", cookie);
    }
    response
}

/// Says everything that it was sent, in headers and in a body of small pieces.
fn reflect(head: &http::request::Parts) -> Answer {
    let mut text = head.uri.to_string();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("\n{name}: {value}"));
    }
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(3)
        .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
    let mut response = Response::new(body.boxed());
    for (index, line) in text.lines().enumerate() {
        let name: http::HeaderName = format!("x-seen-{index}").parse().unwrap();
        response.headers_mut().insert(name, line.parse().unwrap());
    }
    response
}

/// 64 KiB chunks, and an end or a failure.
struct Chunks {
    left: usize,
    fail: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Chunks {
    fn new(left: usize, fail: Option<Pin<Box<tokio::time::Sleep>>>) -> Self {
        Self { left, fail }
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        static CHUNK: [u8; 65536] = [b'x'; 65536];
        if self.left == 0 {
            let Some(fail) = self.fail.as_mut() else {
                return Poll::Ready(None);
            };
            std::task::ready!(fail.as_mut().poll(cx));
            return Poll::Ready(Some(Err(std::io::Error::other("cut"))));
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK)))))
    }
}
