//! A connection of TCP over a link: what a script's end says, with a head of five bytes before each piece. Both directions end for
//! themselves, as TCP's do.

use std::cell::RefCell;
use std::future::{pending, poll_fn};

use bytes::BytesMut;
use tokio::sync::oneshot;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::start_tls::StartTls;
use workerd_lite_ops::websocket::{Frame, OVERHEAD, SocketEnd};

use super::link::{Call, Gone, Incoming, LinkError, Outgoing};
use super::pieces::{BYTES, FAILS, next, parts, piece, text};

/// Nothing more comes.
const CLOSES: u8 = 2;
/// It is to go on under TLS, and what came of that: nothing where it does, else why not.
const ASKS_TLS: u8 = 3;
const TELLS_TLS: u8 = 4;

/// The longest name of a server, in bytes.
const NAME: usize = 255;

const UNREAD: &str = "the server has sent something before TLS that was not read";

/// Where TLS is performed that a script asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsAt {
    /// Behind the other end of the link.
    There,
    /// Behind this one. A policy may name another server than the one that was connected to; an agent may not.
    Here { names: bool },
}

/// One connection.
struct Carried<'a> {
    end: &'a SocketEnd,
    tls: TlsAt,
    /// Where TLS is there: who waits for it. Where it is here: what will be told of it.
    asks: RefCell<Option<StartTls>>,
    told: RefCell<Option<oneshot::Receiver<Result<(), String>>>>,
}

/// How what comes has ended.
enum Told {
    /// All of it was told.
    All,
    /// Nobody reads it any longer.
    Unread,
}

/// Carries what is said until one side is gone. Fails where the other end says what ours does not.
pub(crate) async fn carry(call: Call, end: SocketEnd, tls: TlsAt) -> Result<(), LinkError> {
    // How much waits here is bounded by the end's own room.
    end.accept(ExternalMemory::new(usize::MAX));
    let Call { outgoing, incoming } = call;
    let carried = Carried {
        end: &end,
        tls,
        asks: RefCell::default(),
        told: RefCell::default(),
    };
    tokio::select! {
        biased;
        came = carried.incoming(incoming) => came,
        () = carried.outgoing(outgoing) => Ok(()),
    }
}

impl Carried<'_> {
    /// What will be told of TLS.
    async fn told(&self) -> Result<(), String> {
        poll_fn(|cx| match &mut *self.told.borrow_mut() {
            Some(told) => std::pin::Pin::new(told)
                .poll(cx)
                .map(|told| told.unwrap_or_else(|_| Err("the connection is over".to_owned()))),
            None => std::task::Poll::Pending,
        })
        .await
    }

    /// Says what the end says, until its other side is gone. Where nobody at the other end of the link wants it, what comes from there
    /// goes on.
    async fn outgoing(&self, outgoing: Outgoing) {
        if self.say(&outgoing).await.is_err() {
            pending::<()>().await;
        }
    }

    async fn say(&self, outgoing: &Outgoing) -> Result<(), Gone> {
        let mut closed = false;
        loop {
            let frame = tokio::select! {
                biased;
                // What comes under TLS is said behind this.
                told = self.told() => {
                    self.told.take();
                    let why = told.err().map(|why| if why.is_empty() { "it failed".to_owned() } else { why });
                    outgoing.send(text(TELLS_TLS, why.as_deref().unwrap_or_default())).await?;
                    continue;
                }
                frame = self.end.next() => frame,
            };
            match frame {
                Some(Frame::Binary(bytes) | Frame::Text(bytes)) => {
                    for part in parts(&bytes) {
                        outgoing.send(part).await?;
                    }
                }
                Some(Frame::Close(..)) => {
                    closed = true;
                    outgoing.send(piece(CLOSES, &[])).await?;
                }
                Some(Frame::Failed(why)) => outgoing.send(text(FAILS, &why)).await?,
                Some(Frame::StartTls(asks)) if self.tls == TlsAt::There => {
                    let name = asks.name.clone().unwrap_or_default();
                    if name.len() > NAME {
                        asks.answer(Err("the name of the server is too long".to_owned()));
                        continue;
                    }
                    self.asks.replace(Some(asks));
                    outgoing.send(piece(ASKS_TLS, name.as_bytes())).await?;
                }
                Some(Frame::StartTls(asks)) => {
                    asks.answer(Err("the other side performs no TLS".to_owned()));
                }
                None if closed => {
                    outgoing.finish();
                    return Ok(());
                }
                // Dropped without an end, the other side knows that this was not all.
                None => return Ok(()),
            }
        }
    }

    /// Tells the end what comes, until nothing more does. Where nobody reads it any longer, what is said goes on to its own end.
    async fn incoming(&self, incoming: Incoming) -> Result<(), LinkError> {
        match self.tell(&incoming).await? {
            Told::All => Ok(()),
            // It is kept: an end that is dropped is told of, and may stop what is still said.
            Told::Unread => pending().await,
        }
    }

    async fn tell(&self, incoming: &Incoming) -> Result<Told, LinkError> {
        const BROKEN: LinkError = LinkError::Head("a connection over the link says what ours does not");
        let traffic = self.end.traffic();
        // What is not read waits where it comes from.
        let Some(memory) = self.end.peer().await else {
            return Ok(Told::Unread);
        };
        let mut came = BytesMut::new();
        loop {
            while let Some((kind, carried)) = next(&mut came)? {
                match (kind, self.tls) {
                    (BYTES, _) => {
                        if self.asks.borrow().is_some() {
                            return Ok(self.fail(UNREAD));
                        }
                        poll_fn(|cx| self.end.poll_room(cx)).await;
                        let paid = match memory.reserve(carried.len() + OVERHEAD) {
                            Ok(paid) => paid,
                            Err(error) => return Ok(self.fail(&error.to_string())),
                        };
                        if !self.end.push(Frame::Binary(paid.hold(carried))) {
                            return Ok(Told::Unread);
                        }
                    }
                    (CLOSES, _) if carried.is_empty() => {
                        self.end.push(Frame::Close(1000, String::new()));
                    }
                    (FAILS, _) => {
                        let why = String::from_utf8(carried.to_vec()).map_err(|_| BROKEN)?;
                        return Ok(self.fail(&why));
                    }
                    (ASKS_TLS, TlsAt::Here { names })
                        if carried.len() <= if names { NAME } else { 0 } && self.told.borrow().is_none() =>
                    {
                        let name = String::from_utf8(carried.to_vec()).map_err(|_| BROKEN)?;
                        let (asks, told) = StartTls::new(Some(name).filter(|name| !name.is_empty()));
                        self.told.replace(Some(told));
                        self.end.push(Frame::StartTls(asks));
                    }
                    (TELLS_TLS, TlsAt::There) => {
                        let asks = self.asks.take().ok_or(BROKEN)?;
                        let why = String::from_utf8_lossy(&carried).into_owned();
                        asks.answer(if why.is_empty() { Ok(()) } else { Err(why) });
                    }
                    _ => return Err(BROKEN),
                }
            }
            let bytes = tokio::select! {
                biased;
                bytes = poll_fn(|cx| incoming.poll_bytes(cx)) => bytes,
                () = traffic.unread() => return Ok(Told::Unread),
            };
            match bytes {
                Some(Ok(bytes)) => came.extend_from_slice(&bytes),
                Some(Err(_)) | None => return Ok(Told::All),
            }
        }
    }

    fn fail(&self, why: &str) -> Told {
        if let Some(asks) = self.asks.take() {
            asks.answer(Err(why.to_owned()));
        }
        self.end.push(Frame::Failed(why.to_owned()));
        Told::All
    }
}
