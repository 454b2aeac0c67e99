//! Upstreams that go wrong, one for each way that peers do, by Envoy's list of what it calls failures
//! (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on>) and more.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::partner::{Tls, acceptor};
use super::{anywhere, upstreams};

/// A connection that is neither answered nor closed.
async fn hang() {
    tokio::time::sleep(Duration::from_mins(10)).await;
}

pub fn reset(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) {
    let mut seen = Vec::new();
    let mut byte = [0; 1];
    while !seen.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|count| count > 0) {
        seen.push(byte[0]);
    }
}

pub fn listen<F: Future<Output = ()> + Send + 'static>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    upstreams().block_on(async {
        let listener = TcpListener::bind(anywhere()).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        address
    })
}

/// Nobody listens there.
pub fn refuses() -> SocketAddr {
    std::net::TcpListener::bind(anywhere()).unwrap().local_addr().unwrap()
}

/// Connections are reset at once.
pub fn resets() -> SocketAddr {
    listen(|stream| async move { reset(&stream) })
}

/// Reads a request's head, and resets.
pub fn resets_after_the_request() -> SocketAddr {
    listen(|mut stream| async move {
        head(&mut stream).await;
        reset(&stream);
    })
}

/// Answers each request with these bytes, and then hangs, closes or resets.
pub fn says(bytes: &'static [u8], then: Then) -> SocketAddr {
    listen(move |mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(bytes).await;
        match then {
            Then::Hang => hang().await,
            Then::Close => {
                let _ = stream.shutdown().await;
                // Whoever still sends is read, or the system resets.
                let _ = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut [0; 1024])).await;
            }
            Then::Reset => {
                let _ = stream.flush().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                reset(&stream);
            }
        }
    })
}

#[derive(Clone, Copy)]
pub enum Then {
    Hang,
    Close,
    Reset,
}

/// Says these bytes without reading anything.
pub fn greets(bytes: &'static [u8], then: Then) -> SocketAddr {
    listen(move |mut stream| async move {
        let _ = stream.write_all(bytes).await;
        match then {
            Then::Hang => hang().await,
            Then::Close => {}
            Then::Reset => reset(&stream),
        }
    })
}

/// Says the head, and then a byte of the same line again and again, slower than anybody waits.
pub fn drips() -> SocketAddr {
    listen(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-a: ").await;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if stream.write_all(b"x").await.is_err() {
                return;
            }
        }
    })
}

/// More of a head than anybody wants.
pub fn heads_without_end() -> SocketAddr {
    listen(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        let line = format!("x-a: {}\r\n", "y".repeat(1000));
        while stream.write_all(line.as_bytes()).await.is_ok() {}
    })
}

/// Over TLS, with HTTP/2: these frames after the client's first ones.
pub fn frames(folder: &Path, bytes: &'static [u8], then: Then) -> SocketAddr {
    let acceptor = acceptor(&Tls {
        folder,
        certificate: "server",
    });
    listen(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let _ = answer_frames(&mut stream, bytes).await;
            match then {
                Then::Hang => hang().await,
                Then::Close => {
                    let _ = stream.shutdown().await;
                }
                Then::Reset => reset(stream.get_ref().0),
            }
        }
    })
}

async fn answer_frames(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    // The preface, and what comes with it.
    stream.read_exact(&mut [0; 24]).await?;
    // SETTINGS without a word, and the acknowledgement of theirs.
    stream.write_all(b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0").await?;
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await?;
        let length = usize::from(frame[0]) << 16 | usize::from(frame[1]) << 8 | usize::from(frame[2]);
        stream.read_exact(&mut vec![0; length]).await?;
        // HEADERS: the request is there.
        if frame[3] == 1 {
            stream.write_all(bytes).await?;
            return stream.flush().await;
        }
    }
}

/// A handshake that never ends.
pub fn tls_hangs() -> SocketAddr {
    listen(|mut stream| async move {
        let _ = stream.read(&mut [0; 64]).await;
        hang().await;
    })
}

/// A real server of TLS, with one of the harness' certificates.
pub fn tls(folder: &Path, certificate: &'static str) -> SocketAddr {
    upstreams()
        .block_on(super::partner::Partner::start(
            anywhere(),
            Some(Tls { folder, certificate }),
        ))
        .unwrap()
        .address
}
