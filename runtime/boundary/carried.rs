//! A connection of TCP over a link: what a script's end says, with a head of five bytes before each piece. Both directions end for
//! themselves, as TCP's do.

use std::cell::RefCell;
use std::future::{pending, poll_fn};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::sync::oneshot;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::start_tls::StartTls;
use workerd_lite_ops::websocket::{Frame, OVERHEAD, SocketEnd};

use super::heads::Sender;
use super::link::{Call, Gone, Incoming, LinkError, Outgoing};

/// Bytes of a piece at most, and of a text.
const PIECE: usize = 32 << 10;
const TEXT: usize = 4 << 10;

/// What a piece is.
const BYTES: u8 = 0;
/// Nothing more comes.
const CLOSES: u8 = 1;
/// It broke, and why.
const FAILS: u8 = 2;
/// It is to go on under TLS, and what came of that: nothing where it does, else why not.
const ASKS_TLS: u8 = 3;
const TELLS_TLS: u8 = 4;

/// Bytes before what a piece carries.
const HEAD: usize = 5;

const UNREAD: &str = "the server has sent something before TLS that was not read";

/// One connection.
struct Carried<'a> {
    end: &'a SocketEnd,
    /// Who is at the other end of the link.
    from: Sender,
    /// In a process: who waits for TLS. In the parent: what will be told of it.
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
pub(crate) async fn carry(call: Call, end: SocketEnd, from: Sender) -> Result<(), LinkError> {
    // How much waits here is bounded by the end's own room.
    end.accept(ExternalMemory::new(usize::MAX));
    let Call { outgoing, incoming } = call;
    let carried = Carried {
        end: &end,
        from,
        asks: RefCell::default(),
        told: RefCell::default(),
    };
    tokio::select! {
        biased;
        came = carried.incoming(incoming) => came,
        () = carried.outgoing(outgoing) => Ok(()),
    }
}

fn piece(kind: u8, carries: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEAD + carries.len());
    out.put_u8(kind);
    out.put_u32_le(u32::try_from(carries.len()).unwrap_or(u32::MAX));
    out.put_slice(carries);
    out.freeze()
}

fn text(kind: u8, text: &str) -> Bytes {
    piece(kind, text[..text.floor_char_boundary(TEXT)].as_bytes())
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
            return pending().await;
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
                Some(Frame::Binary(mut bytes) | Frame::Text(mut bytes)) => {
                    while !bytes.is_empty() {
                        let part = bytes.split_to(bytes.len().min(PIECE));
                        outgoing.send(piece(BYTES, &part)).await?;
                    }
                }
                Some(Frame::Close(..)) => {
                    closed = true;
                    outgoing.send(piece(CLOSES, &[])).await?;
                }
                Some(Frame::Failed(why)) => outgoing.send(text(FAILS, &why)).await?,
                Some(Frame::StartTls(asks)) if self.from == Sender::Parent && asks.name.is_none() => {
                    self.asks.replace(Some(asks));
                    outgoing.send(piece(ASKS_TLS, &[])).await?;
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
                match (kind, self.from) {
                    (BYTES, _) => {
                        if self.asks.borrow().is_some() {
                            return self.fail(UNREAD);
                        }
                        poll_fn(|cx| self.end.poll_room(cx)).await;
                        let paid = match memory.reserve(carried.len() + OVERHEAD) {
                            Ok(paid) => paid,
                            Err(error) => return self.fail(&error.to_string()),
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
                        return self.fail(&why);
                    }
                    (ASKS_TLS, Sender::Process) if carried.is_empty() && self.told.borrow().is_none() => {
                        let (asks, told) = StartTls::new(None);
                        self.told.replace(Some(told));
                        self.end.push(Frame::StartTls(asks));
                    }
                    (TELLS_TLS, Sender::Parent) => {
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

    fn fail(&self, why: &str) -> Result<Told, LinkError> {
        if let Some(asks) = self.asks.take() {
            asks.answer(Err(why.to_owned()));
        }
        self.end.push(Frame::Failed(why.to_owned()));
        Ok(Told::All)
    }
}

/// The first piece, where it has come whole.
fn next(came: &mut BytesMut) -> Result<Option<(u8, Bytes)>, LinkError> {
    let Some([kind, length @ ..]) = came.first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let (kind, length) = (*kind, u32::from_le_bytes(*length) as usize);
    if length > if kind == BYTES { PIECE } else { TEXT } {
        return Err(LinkError::Head(
            "a connection over the link says more at once than it may",
        ));
    }
    if came.len() < HEAD + length {
        return Ok(None);
    }
    came.advance(HEAD);
    Ok(Some((kind, came.split_to(length).freeze())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_they_were_written_and_only_whole() {
        let whole = piece(BYTES, b"bytes");
        for cut in 0..whole.len() {
            assert!(next(&mut BytesMut::from(&whole[..cut])).unwrap().is_none());
        }
        let mut two = BytesMut::from(&[&whole[..], &piece(CLOSES, &[])[..]].concat()[..]);
        assert_eq!(next(&mut two).unwrap(), Some((BYTES, Bytes::from_static(b"bytes"))));
        assert_eq!(next(&mut two).unwrap(), Some((CLOSES, Bytes::new())));
        assert!(two.is_empty());
        let mut long = BytesMut::from(&[FAILS, 0, 0, 1, 0][..]);
        assert!(next(&mut long).is_err(), "too long is known by its beginning");
    }
}
