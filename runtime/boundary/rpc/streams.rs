//! Streams over a link: each is a call that its sender opens before the message that takes it along. Bytes pass within the windows that
//! all bodies have; why a stream failed does not.

use std::future::poll_fn;

use bytes::BufMut as _;
use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use workerd_lite_ops::rpc::{PipeWriter, Stream, pipe};
use workerd_lite_ops::{Body, BodyError};

use super::table::Described;
use crate::boundary::body::{begin, send};
use crate::boundary::heads::{DRAWS, STREAMS};
use crate::boundary::link::{Call, Connection, Incoming, LinkError};
use workerd_lite_ops::body::StreamBody;

/// What a writer is told whose reader's process failed to say more.
const BROKEN: &str = "the stream broke";

/// Opens a stream's call. Gives how the message names it.
pub(super) fn open(link: &Connection, event: u32, stream: Stream) -> Result<Described, LinkError> {
    let number = link.next();
    let head = |kind: u8| {
        move |out: &mut bytes::BytesMut| {
            out.put_u8(kind);
            out.put_u32_le(event);
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
            let rest = if empty { None } else { begin(body, outgoing) };
            spawn(async move {
                if let Some(rest) = rest {
                    send(rest).await;
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

/// Writes what comes.
async fn write(incoming: Incoming, writer: PipeWriter) {
    if incoming.head().await.is_err() {
        return;
    }
    loop {
        match poll_fn(|cx| incoming.poll_bytes(cx)).await {
            Some(Ok(bytes)) => {
                if !writer.write(bytes).await {
                    return;
                }
            }
            Some(Err(_)) => {
                writer.fail(BROKEN.to_owned()).await;
                return;
            }
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
        spawn(send((stream, outgoing)));
        return Stream::Writable(writer);
    }
    drop(outgoing);
    let length = described.length;
    if described.coding.is_none() && incoming.ended_with() == Some(0) && length == Some(0) {
        return Stream::Readable(Body::Empty);
    }
    let stream = futures_util::stream::poll_fn(move |cx| {
        incoming
            .poll_bytes(cx)
            .map(|bytes| bytes.map(|bytes| bytes.map_err(|_| BodyError::Cut)))
    });
    Stream::Readable(Body::Stream(StreamBody {
        stream: stream.fuse().boxed_local(),
        length,
        coding: described.coding,
        trailers: None,
    }))
}
