//! What comes before HTTP on a client's connection: what a proxy says of its client, and TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client_stream::ClientStream;
use crate::listen::{Proxied, Remote, Stream, read_proxied};
use crate::metrics;
use crate::rules::Forwarders;
use crate::server_tls::{ServerTls, told};

/// What whoever speaks HTTP reads where TLS is spoken.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: 54\r\n\r\nBad Request: TLS is spoken here: ask by https, please\n";

/// How long what it still sends is read and dropped, so that it reads our answer.
const LINGERS: Duration = Duration::from_secs(1);

/// The first byte of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

/// A connection that speaks HTTP from here on.
pub(super) struct Opened {
    pub(super) stream: ClientStream,
    /// Whose it is.
    pub(super) remote: Remote,
    /// What TLS told of it, as members of `request.cf`. Nothing where it is plain.
    pub(super) tls: Option<Arc<str>>,
}

/// How connections are opened.
pub(super) struct Opening {
    /// Who must say whose connection it is.
    pub(super) proxies: Arc<Forwarders>,
    pub(super) tls: Option<ServerTls>,
}

impl Opening {
    /// Whether this one speaks HTTP at once.
    pub(super) fn is_plain(&self, stream: &Stream) -> bool {
        self.tls_of(stream).is_none() && !self.is_proxy(stream.remote())
    }

    /// TLS is for the network: who may connect to a socket that is a file is said by its permissions.
    pub(super) fn tls_of(&self, stream: &Stream) -> Option<&ServerTls> {
        self.tls.as_ref().filter(|_| matches!(stream, Stream::Tcp(_)))
    }

    fn is_proxy(&self, remote: Remote) -> bool {
        match remote {
            Remote::Address(address) => self.proxies.has(address),
            Remote::Unix => self.proxies.has_unix(),
            Remote::Gone => false,
        }
    }

    /// Reads what comes first. Nothing where the client has its answer already.
    ///
    /// # Errors
    /// Where that is not what must come: the connection is closed.
    pub(super) async fn open(&self, mut stream: Stream) -> io::Result<Option<Opened>> {
        let mut remote = stream.remote();
        if self.is_proxy(remote) {
            if let Proxied::Client(client) = read_proxied(&mut stream).await? {
                remote = client;
            }
        }
        let Some(tls) = self.tls_of(&stream) else {
            let stream = ClientStream::Plain(stream);
            return Ok(Some(Opened {
                stream,
                remote,
                tls: None,
            }));
        };
        match stream.first_byte().await? {
            Some(HANDSHAKE) => {}
            Some(byte) if byte.is_ascii_uppercase() => {
                metrics::handshake(false);
                refuse(stream).await?;
                return Ok(None);
            }
            Some(_) => {
                metrics::handshake(false);
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it speaks neither TLS nor HTTP",
                ));
            }
            None => return Ok(None),
        }
        let accepted = tls.acceptor().accept(stream).await;
        metrics::handshake(accepted.is_ok());
        let stream = accepted?;
        let Some(facts) = told(stream.get_ref().1) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the client's certificate can not be read",
            ));
        };
        let stream = ClientStream::Tls(Box::new(stream));
        Ok(Some(Opened {
            stream,
            remote,
            tls: Some(facts),
        }))
    }
}

async fn refuse(mut stream: Stream) -> io::Result<()> {
    stream.write_all(PLAIN).await?;
    stream.shutdown().await?;
    let mut dropped = [0; 4096];
    let rest = async { while matches!(stream.read(&mut dropped).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(LINGERS, rest).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PLAIN;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(PLAIN).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
    }
}
