//! A body is whole or an error: large ones of fast servers over TLS, streams of HTTP/2 that are reset, before their end and behind it.

use bytes::Bytes;
use h2::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::faults::listen;
use crate::harness::partner::{Tls, acceptor_for};
use crate::harness::raw::{Asker, By, Next, Raw, outcome};
use crate::harness::{Project, upstreams};

const LARGE: usize = 3 << 20;

const ANSWER: &[u8] = b"HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 7\r\n\r\ntoo big";

#[test]
fn a_fast_server_over_tls_is_read_to_its_end() {
    let asker = Asker::new("");
    let large = Raw::start(Some(&asker.certs()), |_| {
        let mut said = format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").into_bytes();
        said.resize(said.len() + LARGE, b'z');
        (said, Next::Keep)
    });
    // Records of a few bytes, which take many times what they carry, faster than they are read.
    let certs = asker.certs();
    let folder = certs.clone();
    let small = listen(move |stream| {
        let acceptor = acceptor_for(
            &Tls {
                folder: &folder,
                certificate: "server",
            },
            &["http/1.1"],
        );
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n")
                .await;
            for _ in 0..30_000 {
                let _ = stream.write(b"zz").await;
            }
            let _ = stream.flush().await;
            let _ = stream.shutdown().await;
        }
    });
    for by in [By::Policy, By::Agent] {
        for (port, length) in [(large.address.port(), LARGE), (small.port(), 60_000)] {
            for _ in 0..3 {
                let answer = asker.ask(by, &format!("https://partner.localhost:{port}/"), "{}");
                let body = answer["body"].as_str().unwrap_or_default();
                assert_eq!(body.len(), length, "{by:?}: {}", answer["error"]);
            }
        }
    }
}

/// An upstream may answer before it has read a request, and close: its kernel resets the connection then, and the answer is read.
#[test]
fn an_answer_before_the_end_of_a_request_is_read() {
    let asker = Asker::new("buffers_mb = 128, ");
    let folder = asker.certs();
    let plain = listen(move |mut stream| async move {
        let _ = stream.set_nodelay(true);
        let _ = stream.read(&mut [0; 100]).await;
        let _ = stream.write_all(ANSWER).await;
    });
    let secured = listen(move |stream| {
        let certificate = "server";
        let acceptor = acceptor_for(
            &Tls {
                folder: &folder,
                certificate,
            },
            &["http/1.1"],
        );
        async move {
            let _ = stream.set_nodelay(true);
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let _ = stream.read(&mut [0; 100]).await;
            let _ = stream.write_all(ANSWER).await;
            let _ = stream.flush().await;
        }
    });
    // The agent's own bodies: of a length, and as a stream.
    asker.project.write(
        "agent.js",
        "export default { async fetch(request) {
           const { searchParams } = new URL(request.url);
           const blob = new Blob([new Uint8Array(4 << 20)]);
           const body = searchParams.get('how') === 'stream' ? blob.stream() : blob;
           const response = await fetch(searchParams.get('to'), { method: 'POST', body, duplex: 'half' });
           return new Response(`${response.status} ${await response.text()}`);
         } };",
    );
    let server = asker.project.serve(&[]);
    for to in [
        format!("http://{plain}/"),
        format!("https://partner.localhost:{}/", secured.port()),
    ] {
        for how in ["whole", "stream"] {
            for _ in 0..5 {
                let answer = server.get(&format!("/?how={how}&to={to}"));
                assert_eq!(answer.body, "413 too big", "{how} {to}: {}", server.log());
            }
        }
    }
}

/// What an upstream of HTTP/2 says, and what becomes of it.
#[test]
fn a_stream_that_is_reset_before_its_end_is_cut() {
    let asker = Asker::new("");
    let certs = asker.certs();
    let address = listen(move |stream| {
        let certificate = "server";
        let acceptor = acceptor_for(
            &Tls {
                folder: &certs,
                certificate,
            },
            &["h2"],
        );
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let Ok(mut served) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((request, mut respond))) = served.accept().await {
                let path = request.uri().path().to_owned();
                let mut body = respond.send_response(http::Response::new(()), false).unwrap();
                let is_whole = path.ends_with("/whole");
                let _ = body.send_data(Bytes::from_static(b"some"), is_whole);
                let reason = match path.split('/').nth(1) {
                    Some("no-error") => Reason::NO_ERROR,
                    Some("cancel") => Reason::CANCEL,
                    _ => Reason::INTERNAL_ERROR,
                };
                tokio::spawn(async move {
                    // What was said leaves first. The request's body is there still, so that the stream is.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    body.send_reset(reason);
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    drop(request);
                });
            }
        }
    });
    for by in [By::Policy, By::Agent] {
        for reason in ["no-error", "cancel", "internal"] {
            let url = |path: &str| format!("https://partner.localhost:{}/{reason}{path}", address.port());
            let came_to = outcome(&asker.ask(by, &url("/cut"), "{}"));
            assert!(came_to.starts_with("TypeError"), "{by:?} {reason}: {came_to}");
            assert_eq!(
                outcome(&asker.ask(by, &url("/whole"), "{}")),
                "200 some",
                "{by:?} {reason}"
            );
        }
    }
}

#[test]
fn a_request_whose_stream_is_reset_is_cut() {
    let project = Project::new(&[(
        "worker.js",
        "let told = 'nothing';
         export default { async fetch(request) {
           if (request.method === 'GET') return new Response(told);
           told = 'begun';
           try { told = 'whole: ' + await request.text(); } catch (error) { told = 'cut'; }
           return new Response('ok');
         } };",
    )]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let address = server.address.clone();
        upstreams().block_on(async move {
            let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let request = http::Request::post(format!("http://{address}/")).body(()).unwrap();
            let (_answer, mut body) = client.send_request(request, false).unwrap();
            body.send_data(Bytes::from_static(b"some"), false).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            body.send_reset(reason);
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        });
        let told = server.get("/").body;
        assert!(!told.starts_with("whole") && told != "nothing", "{reason:?}: {told}");
    }
}
