//! WebSockets at both ends: an upstream that does what its path says, in order or not, and a client.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::partner::{Tls, acceptor_for};
use super::{anywhere, upstreams};

/// An upstream.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    /// The heads of requests, with the protocol of TLS and the certificate's subject before them where there was TLS.
    pub heads: Arc<Mutex<Vec<String>>>,
    /// Bytes that were written by `/flood`.
    pub written: Arc<AtomicU64>,
    /// How connections were closed, by the client's close or by nothing.
    pub closes: Arc<Mutex<Vec<Option<u16>>>>,
}

impl Peer {
    pub fn start(tls: Option<&Path>) -> Self {
        upstreams().block_on(async {
            let listener = TcpListener::bind(anywhere()).await.unwrap();
            let peer = Self {
                address: listener.local_addr().unwrap(),
                heads: Arc::default(),
                written: Arc::default(),
                closes: Arc::default(),
            };
            let acceptor = tls.map(|folder| {
                let certificate = "server";
                acceptor_for(&Tls { folder, certificate }, &["h2", "http/1.1"])
            });
            let started = peer.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (peer, acceptor) = (peer.clone(), acceptor.clone());
                    tokio::spawn(async move {
                        match acceptor {
                            None => peer.serve(stream, String::new()).await,
                            Some(acceptor) => {
                                let Ok(stream) = acceptor.accept(stream).await else {
                                    return;
                                };
                                let session = stream.get_ref().1;
                                let protocol = String::from_utf8_lossy(session.alpn_protocol().unwrap_or_default());
                                let certified = session.peer_certificates().is_some_and(|chain| !chain.is_empty());
                                let said = format!("alpn {protocol} certificate {certified}\n");
                                peer.serve(stream, said).await;
                            }
                        }
                    });
                }
            });
            started
        })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn last_head(&self) -> String {
        self.heads.lock().unwrap().last().cloned().unwrap_or_default()
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin, said: String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let field = |name: &str| {
            let mut lines = head.lines();
            lines.find_map(|line| {
                let (field, value) = line.split_once(':')?;
                field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let target = head.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let key = field("sec-websocket-key").unwrap_or_default();
        let protocol =
            field("sec-websocket-protocol").and_then(|list| list.split(',').next().map(|one| one.trim().to_owned()));
        self.heads.lock().unwrap().push(said + &head.to_ascii_lowercase());
        let accept = derive_accept_key(key.as_bytes());
        let good = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
        );
        let chosen = protocol.map_or(String::new(), |one| format!("Sec-WebSocket-Protocol: {one}\r\n"));
        let text = match path.as_str() {
            "/forbidden" => "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno".to_owned(),
            "/redirect" => format!(
                "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
                target.split('?').nth(1).unwrap_or("/")
            ),
            "/accept" => good.replace(&accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") + "\r\n",
            "/h2c" => good.replace("websocket", "h2c") + "\r\n",
            "/extension" => good + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            "/protocol" => good + "Sec-WebSocket-Protocol: other\r\n\r\n",
            _ => good + &chosen + "\r\n",
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        let raw: Option<Vec<u8>> = match path.as_str() {
            // Masked, though a server masks nothing.
            "/masked" => Some(vec![0x81, 0x81, 0, 0, 0, 0, b'x']),
            "/utf8" => Some(vec![0x81, 2, 0xc3, 0x28]),
            "/reserved" => Some(vec![0xc1, 1, b'x']),
            "/opcode" => Some(vec![0x83, 0]),
            "/huge" => Some(frame(0x82, 1 << 30, b"x")),
            "/endless" => Some(frame(0x82, u64::MAX >> 1, b"x")),
            "/control" => Some([vec![0x89, 126, 1, 0], vec![0; 256]].concat()),
            "/code" => Some(vec![0x88, 2, 0x03, 0xe7]),
            "/no-code" => Some(vec![0x88, 2, 0x03, 0xed]),
            "/continues" => Some(vec![0x80, 1, b'x']),
            "/drops" => Some(Vec::new()),
            "/cut" => Some(frame(0x82, 1000, b"x")),
            "/pings" => Some([0x89, 0].repeat(5000)),
            _ => None,
        };
        if let Some(raw) = raw {
            let _ = stream.write_all(&raw).await;
            let _ = stream.flush().await;
            if !matches!(path.as_str(), "/drops" | "/cut") {
                let mut rest = Vec::new();
                let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
                self.closes.lock().unwrap().push(code_of(&rest));
            }
            return;
        }
        self.speak(stream, &path, &head).await;
    }

    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin, path: &str, head: &str) {
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        match path {
            "/closes" => {
                let _ = socket.send(closing(3001, "bye")).await;
            }
            // What it was asked with, in each of the ways that there are.
            "/tells" => {
                let _ = socket.send(head.into()).await;
                let _ = socket.send(head.as_bytes().to_vec().into()).await;
            }
            "/greets" => {
                let _ = socket.send("hello".into()).await;
            }
            "/flood" => loop {
                let sent = socket.send(vec![0_u8; 64 << 10].into());
                if !tokio::time::timeout(Duration::from_secs(3), sent)
                    .await
                    .is_ok_and(|sent| sent.is_ok())
                {
                    return;
                }
                self.written.fetch_add(64 << 10, Ordering::SeqCst);
            },
            _ => {}
        }
        let mut code = None;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Close(frame) => code = frame.map(|frame| frame.code.into()),
                Message::Text(_) | Message::Binary(_) if path != "/silent" => {
                    let sent = socket.send(message).await;
                    if sent.is_err() {
                        break;
                    }
                }
                _ => {}
            }
        }
        self.closes.lock().unwrap().push(code);
    }
}

/// A client of a server's, which asks as this host.
pub struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub fn open(address: &str, host: &str, path: &str) -> Self {
        Self::try_open(address, host, path).unwrap()
    }

    /// Or the status of the answer that opens none.
    pub fn try_open(address: &str, host: &str, path: &str) -> Result<Self, u16> {
        upstreams().block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let request = http::Request::get(format!("ws://{host}{path}"))
                .header("host", host)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .body(())
                .unwrap();
            match tokio_tungstenite::client_async(request, stream).await {
                Ok((socket, _)) => Ok(Self { socket }),
                Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
                Err(error) => panic!("{error}"),
            }
        })
    }

    pub fn send(&mut self, message: impl Into<Message>) {
        upstreams().block_on(self.socket.send(message.into())).unwrap();
    }

    /// Bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        upstreams().block_on(async {
            let stream = self.socket.get_mut();
            stream.write_all(bytes).await?;
            stream.flush().await
        })
    }

    /// The next message that is not a ping: its text, `close CODE REASON`, or `gone`.
    pub fn next(&mut self) -> String {
        upstreams().block_on(async {
            let next = async {
                loop {
                    return match self.socket.next().await {
                        Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
                        Some(Ok(Message::Binary(bytes))) => format!("{} bytes", bytes.len()),
                        Some(Ok(Message::Close(frame))) => {
                            let frame = frame.map(|frame| format!("close {} {}", u16::from(frame.code), frame.reason));
                            // Its own close goes out now.
                            let _ = self.socket.flush().await;
                            frame.unwrap_or_else(|| "close".to_owned())
                        }
                        Some(Ok(_)) => continue,
                        Some(Err(_)) | None => "gone".to_owned(),
                    };
                }
            };
            tokio::time::timeout(Duration::from_secs(10), next)
                .await
                .unwrap_or_else(|_| "nothing".to_owned())
        })
    }
}

/// The code of the close among small frames, which are masked.
fn code_of(mut frames: &[u8]) -> Option<u16> {
    while let [first, length, rest @ ..] = frames {
        let length = usize::from(length & 0x7f);
        if *first == 0x88 && length >= 2 {
            return Some(u16::from_be_bytes([rest.get(4)? ^ rest[0], rest.get(5)? ^ rest[1]]));
        }
        frames = rest.get(4 + length..)?;
    }
    None
}

/// A frame whose length is whatever is said (RFC 6455, section 5.2).
pub fn frame(first: u8, length: u64, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 127];
    frame.extend(length.to_be_bytes());
    frame.extend(content);
    frame
}

pub fn closing(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame {
        code: CloseCode::from(code),
        reason: reason.into(),
    }))
}
