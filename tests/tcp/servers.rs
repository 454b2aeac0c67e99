//! Servers of TCP for tests. Each listens until the tests end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::harness::{anywhere, upstreams};

/// What a server does with each connection.
#[derive(Clone)]
pub enum Does {
    /// Sends back what it reads, and ends where the other side does.
    Echo,
    /// Says this, and ends.
    Says(&'static [u8]),
    /// Sends so many bytes.
    Sends(usize),
    /// Sends without end.
    Endless,
    /// Reads nothing, and says nothing.
    Nothing,
    /// Speaks TLS, and is an echo under it.
    Tls(TlsAcceptor),
    /// The same, once it was asked.
    StartTls(TlsAcceptor),
    /// Answers "go" with more bytes than that, and then is to speak TLS.
    Injects(TlsAcceptor),
}

pub struct Listening {
    pub port: u16,
    /// Connections that are open.
    pub open: Arc<AtomicUsize>,
    pub accepted: Arc<AtomicUsize>,
}

impl Listening {
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Waits until no more than so many are.
    pub fn comes_to(&self, most: usize) {
        let began = std::time::Instant::now();
        while self.open() > most {
            assert!(began.elapsed().as_secs() < 10, "{} are open", self.open());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

pub fn listen(does: Does) -> Listening {
    let (open, accepted) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let listener = upstreams().block_on(TcpListener::bind(anywhere())).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (counts, all) = (Arc::clone(&open), Arc::clone(&accepted));
    upstreams().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            all.fetch_add(1, Ordering::SeqCst);
            counts.fetch_add(1, Ordering::SeqCst);
            let (does, counts) = (does.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                let _ = serve(stream, does).await;
                counts.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Listening { port, open, accepted }
}

async fn serve(mut stream: TcpStream, does: Does) -> std::io::Result<()> {
    match does {
        Does::Echo => echo(stream).await,
        Does::Says(words) => {
            stream.write_all(words).await?;
            stream.shutdown().await?;
            rest(stream).await
        }
        Does::Sends(bytes) => {
            let piece = vec![7; 1 << 16];
            let mut left = bytes;
            while left > 0 {
                let count = left.min(piece.len());
                stream.write_all(&piece[..count]).await?;
                left -= count;
            }
            stream.shutdown().await?;
            rest(stream).await
        }
        Does::Endless => {
            let piece = vec![7; 1 << 16];
            loop {
                stream.write_all(&piece).await?;
            }
        }
        Does::Nothing => {
            // Until the other side is gone.
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                let mut one = [0; 1];
                if matches!(stream.peek(&mut one).await, Ok(0) | Err(_)) {
                    return Ok(());
                }
            }
        }
        Does::Tls(acceptor) => echo(acceptor.accept(stream).await?).await,
        Does::StartTls(acceptor) => {
            let mut asked = [0; 9];
            stream.read_exact(&mut asked).await?;
            stream.write_all(b"go").await?;
            echo(acceptor.accept(stream).await?).await
        }
        Does::Injects(acceptor) => {
            let mut asked = [0; 9];
            stream.read_exact(&mut asked).await?;
            stream.write_all(b"go and more that was never asked for").await?;
            echo(acceptor.accept(stream).await?).await
        }
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> std::io::Result<()> {
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        stream.write_all(&piece[..count]).await?;
        stream.flush().await?;
    }
    stream.shutdown().await
}

async fn rest(mut stream: TcpStream) -> std::io::Result<()> {
    let mut piece = [0; 1024];
    while stream.read(&mut piece).await? > 0 {}
    Ok(())
}

/// TLS with a certificate of `folder`, which wants one of the client's where it is to be `mutual`.
pub fn acceptor(folder: &Path, name: &str, mutual: bool) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.pem"))).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    let builder = ServerConfig::builder();
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(folder.join("ca.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let verifier = tokio_rustls::rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
}
