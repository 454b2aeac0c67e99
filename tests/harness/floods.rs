//! Upstreams that say the same again and again, for as long as the connection is there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::faults::listen;
use super::partner::{Tls, acceptor};

/// A running upstream.
pub struct Flood {
    pub address: SocketAddr,
    /// How many connections have begun, and how many of them were closed by the other side.
    begun: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

impl Flood {
    /// Over plain HTTP/1: once a request is there, these bytes until the connection is closed.
    pub fn http1(again: &'static [u8]) -> Self {
        Self::start(move |flood| {
            let (begun, closed) = (Arc::clone(&flood.begun), Arc::clone(&flood.closed));
            listen(move |mut stream| {
                let (begun, closed) = (Arc::clone(&begun), Arc::clone(&closed));
                async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    begun.fetch_add(1, Ordering::SeqCst);
                    pour(stream, again).await;
                    closed.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
    }

    /// Over TLS and HTTP/2: once a request is there, the first bytes, and then the others until the connection is closed.
    pub fn http2(folder: &Path, first: &'static [u8], again: &'static [u8]) -> Self {
        let acceptor = acceptor(&Tls {
            folder,
            certificate: "server",
        });
        Self::start(move |flood| {
            let (begun, closed) = (Arc::clone(&flood.begun), Arc::clone(&flood.closed));
            listen(move |stream| {
                let (acceptor, begun, closed) = (acceptor.clone(), Arc::clone(&begun), Arc::clone(&closed));
                async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    if request(&mut stream).await.is_err() || stream.write_all(first).await.is_err() {
                        return;
                    }
                    begun.fetch_add(1, Ordering::SeqCst);
                    pour(stream, again).await;
                    closed.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
    }

    fn start(listen: impl FnOnce(&Self) -> SocketAddr) -> Self {
        let mut flood = Self {
            address: ([127, 0, 0, 1], 0).into(),
            begun: Arc::default(),
            closed: Arc::default(),
        };
        flood.address = listen(&flood);
        flood
    }

    /// How many connections have begun, and how many of them go on.
    pub fn connections(&self) -> (usize, usize) {
        let closed = self.closed.load(Ordering::SeqCst);
        let begun = self.begun.load(Ordering::SeqCst);
        (begun, begun - closed)
    }
}

/// Until a request's HEADERS are there, as a server begins.
async fn request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 24]).await?;
    // SETTINGS without a word, and the acknowledgement of theirs.
    stream.write_all(b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0").await?;
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await?;
        let length = usize::from(frame[0]) << 16 | usize::from(frame[1]) << 8 | usize::from(frame[2]);
        stream.read_exact(&mut vec![0; length]).await?;
        if frame[3] == 1 {
            return Ok(());
        }
    }
}

/// Says this until the connection is closed. What comes back is read, so that nothing holds it up.
async fn pour(stream: impl AsyncRead + AsyncWrite + Send + 'static, again: &[u8]) {
    let (mut from, mut to) = tokio::io::split(stream);
    let reading = tokio::spawn(async move { tokio::io::copy(&mut from, &mut tokio::io::sink()).await });
    let many = again.repeat(16 * 1024 / again.len());
    while !reading.is_finished() && to.write_all(&many).await.is_ok() {}
    reading.abort();
}
