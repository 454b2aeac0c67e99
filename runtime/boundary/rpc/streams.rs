//! Streams over a link: each is a call that its sender opens before the message that takes it along. Bytes pass within the windows that
//! all bodies have.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::rpc::{PipeWriter, Stream, pipe};
use workerd_lite_ops::{Body, BodyError, ByteStream};

use super::table::Described;
use crate::boundary::heads::{DRAWS, STREAMS};
use crate::boundary::link::{Call, Connection, Gone, Incoming, LinkError, Outgoing};
use crate::boundary::pieces::{BYTES, FAILS, next, parts, text};

/// Opens a stream's call, for an event that may not have begun. Gives how the message names it.
pub(super) fn open(link: &Connection, (event, early): (u32, bool), stream: Stream) -> Result<Described, LinkError> {
    let number = link.next();
    let head = |kind: u8| {
        move |out: &mut BytesMut| {
            out.put_u8(kind);
            out.put_u32_le(event);
            out.put_u8(early.into());
        }
    };
    match stream {
        Stream::Readable(body) => {
            let described = Described {
                call: number,
                written: false,
                length: body.length(),
                coding: body.coding(),
            };
            let empty = matches!(body, Body::Empty);
            let Call { outgoing, incoming } = link.call(number, empty, head(STREAMS))?;
            spawn(async move {
                if !empty {
                    send(body.into_stream(), outgoing).await;
                }
                // It is read until its reader has said that it is not wanted, or that nothing is said back.
                let _ = incoming.head().await;
            });
            Ok(described)
        }
        Stream::Writable(writer) => {
            let call = link.call(number, true, head(DRAWS))?;
            spawn(write(call.incoming, writer));
            Ok(Described {
                call: number,
                written: true,
                length: None,
                coding: None,
            })
        }
    }
}

/// Sends a stream, until it ends or nobody wants it. Why it failed is said where a script says so.
async fn send(mut stream: ByteStream, outgoing: Outgoing) {
    let sent = async {
        while let Some(bytes) = stream.next().await {
            match bytes {
                Ok(bytes) => {
                    for part in parts(&bytes) {
                        outgoing.send(part).await?;
                    }
                }
                Err(BodyError::Script(why)) => {
                    outgoing.send(text(FAILS, &why.to_string())).await?;
                    return Err(Gone);
                }
                Err(_) => return Err(Gone),
            }
        }
        Ok(())
    };
    let sent = tokio::select! {
        biased;
        sent = sent => sent,
        () = outgoing.stopped() => Err(Gone),
    };
    if sent.is_ok() {
        outgoing.end();
    }
}

/// What comes of a stream.
struct Pieces {
    incoming: Incoming,
    came: BytesMut,
    over: bool,
}

impl Pieces {
    fn new(incoming: Incoming) -> Self {
        Self {
            incoming,
            came: BytesMut::new(),
            over: false,
        }
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let ended = loop {
            match next(&mut self.came) {
                Ok(Some((BYTES, bytes))) => return Poll::Ready(Some(Ok(bytes))),
                Ok(Some((FAILS, why))) => break Some(BodyError::Script(String::from_utf8_lossy(&why).into())),
                Ok(Some(_)) | Err(_) => break Some(BodyError::Cut),
                Ok(None) => {}
            }
            match ready!(self.incoming.poll_bytes(cx)) {
                Some(Ok(bytes)) => self.came.extend_from_slice(&bytes),
                None if self.came.is_empty() => break None,
                Some(Err(_)) | None => break Some(BodyError::Cut),
            }
        };
        self.over = true;
        Poll::Ready(ended.map(Err))
    }
}

/// Writes what comes.
async fn write(incoming: Incoming, writer: PipeWriter) {
    if incoming.head().await.is_err() {
        return;
    }
    let mut pieces = Pieces::new(incoming);
    loop {
        match poll_fn(|cx| pieces.poll_next(cx)).await {
            Some(Ok(bytes)) => {
                if !writer.write(bytes).await {
                    return;
                }
            }
            Some(Err(BodyError::Script(why))) => {
                writer.fail(why.to_string()).await;
                return;
            }
            // Dropped without an end, its reader is told that the rest is missing.
            Some(Err(_)) => return,
            None => {
                writer.end().await;
                return;
            }
        }
    }
}

/// The stream of a call that the other end has opened.
pub(super) fn take(call: Call, described: &Described) -> Stream {
    let Call { outgoing, incoming } = call;
    if described.written {
        outgoing.head(false, |_| {});
        let (writer, stream) = pipe(None);
        spawn(send(stream, outgoing));
        return Stream::Writable(writer);
    }
    drop(outgoing);
    let length = described.length;
    if described.coding.is_none() && incoming.ended_with() == Some(0) && length == Some(0) {
        return Stream::Readable(Body::Empty);
    }
    let mut pieces = Pieces::new(incoming);
    let stream = futures_util::stream::poll_fn(move |cx| pieces.poll_next(cx));
    Stream::Readable(Body::Stream(StreamBody {
        stream: stream.boxed_local(),
        length,
        coding: described.coding,
        trailers: None,
    }))
}
