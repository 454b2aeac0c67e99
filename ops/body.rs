//! Bodies: bytes that are pulled, never pushed, so that a slow reader slows the sender and a dropped end cancels.

mod abortable;
mod resource;
mod script;

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use deno_core::{CancelFuture as _, CancelHandle};
use futures_util::StreamExt as _;
use http::HeaderMap;

use self::abortable::Abortable;
pub use self::resource::{BodyResource, take_body};
pub(crate) use self::resource::{op_body_collect, op_body_length, op_body_raw, op_body_trailers};
use crate::account::Account;
use crate::byte_stream::ByteStream;
use crate::content_encoding::ContentEncoding;
use crate::error::BodyError;
use crate::exact::Exact;
use crate::trailers::Trailers;

/// A body on its way through. It belongs to one thread.
#[derive(Default)]
pub enum Body {
    /// No body at all.
    #[default]
    Empty,
    /// All of it is here.
    Full(Bytes),
    /// It comes in chunks.
    Stream(StreamBody),
}

/// A body that comes in chunks.
pub struct StreamBody {
    /// The bytes as they are on the wire.
    pub stream: ByteStream,
    /// How many bytes will come, where that is known. A promise of the peer or script: [`Body::into_stream`] keeps it.
    pub length: Option<u64>,
    /// The content codings that the bytes are in, if they must be decoded before a script reads them.
    pub coding: Option<ContentEncoding>,
    /// What follows it, known once it has ended. Nothing where nothing can.
    pub trailers: Option<Trailers>,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(body) => write!(f, "Stream({:?}, {:?})", body.length, body.coding),
        }
    }
}

impl Body {
    /// A body of chunks, in no content coding.
    pub fn stream(stream: ByteStream, length: Option<u64>) -> Self {
        Self::Stream(StreamBody {
            stream,
            length,
            coding: None,
            trailers: None,
        })
    }

    /// How many bytes it has, where that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Stream(body) => body.length,
        }
    }

    /// The content codings that its bytes are in.
    pub fn coding(&self) -> Option<ContentEncoding> {
        match self {
            Self::Stream(body) => body.coding,
            _ => None,
        }
    }

    /// What follows it, once it has ended.
    pub fn trailers(&self) -> Option<Trailers> {
        match self {
            Self::Stream(body) => body.trailers.clone(),
            _ => None,
        }
    }

    /// The same body with what follows it changed.
    #[must_use]
    pub fn map_trailers(self, change: impl FnOnce(&mut HeaderMap) + 'static) -> Self {
        let Self::Stream(StreamBody {
            stream,
            length,
            coding,
            trailers: Some(come),
        }) = self
        else {
            return self;
        };
        let trailers = come.renewed();
        let changed = trailers.clone();
        let mut change = Some(change);
        let end = futures_util::stream::poll_fn(move |_| {
            if let (Some(change), Some(fields)) = (change.take(), come.get()) {
                let mut fields = fields.clone();
                change(&mut fields);
                changed.stand(fields);
            }
            Poll::Ready(None)
        });
        Self::Stream(StreamBody {
            stream: stream.chain(end).boxed_local(),
            length,
            coding,
            trailers: Some(trailers),
        })
    }

    /// The bytes as they are on the wire. A stream that is not as long as it promised fails: whoever sends it on has told its
    /// length, and what follows would be read as another message.
    pub fn into_stream(self) -> ByteStream {
        match self {
            Self::Empty => futures_util::stream::empty().boxed_local(),
            Self::Full(bytes) => futures_util::stream::iter([Ok(bytes)]).boxed_local(),
            Self::Stream(body) => match body.length {
                Some(length) => Exact::new(body.stream, length).boxed_local(),
                None => body.stream,
            },
        }
    }

    /// The bytes as a script reads them: decoded, for whose account is given.
    pub fn into_decoded(self, account: Option<&Arc<Account>>) -> ByteStream {
        match self.coding() {
            Some(coding) => coding.decode(self.into_stream(), account),
            None => self.into_stream(),
        }
    }

    /// The same body in another coding, which its new header list announces. Bytes that are in it stay untouched.
    #[must_use]
    pub fn recode(self, wanted: Option<ContentEncoding>, account: Option<&Arc<Account>>) -> Self {
        if self.coding() == wanted || matches!(self, Self::Empty) {
            return self;
        }
        let plain = self.into_decoded(account);
        Self::Stream(StreamBody {
            stream: match wanted {
                Some(coding) => coding.encode(plain, account),
                None => plain,
            },
            length: None,
            coding: wanted,
            trailers: None,
        })
    }

    /// The same bytes, which are in this coding already.
    #[must_use]
    pub fn in_coding(self, coding: Option<ContentEncoding>) -> Self {
        if coding.is_none() || matches!(self, Self::Empty) {
            return self;
        }
        let (length, trailers) = (self.length(), self.trailers());
        Self::Stream(StreamBody {
            stream: self.into_stream(),
            length,
            coding,
            trailers,
        })
    }

    /// The same body, with `count` called for the size in bytes of each chunk that is pulled.
    #[must_use]
    pub fn counted(self, mut count: impl FnMut(u64) + 'static) -> Self {
        self.map_stream(|stream| {
            stream
                .inspect(move |chunk| {
                    if let Ok(bytes) = chunk {
                        count(bytes.len() as u64);
                    }
                })
                .boxed_local()
        })
    }

    /// All of it, decoded. For small bodies.
    pub async fn collect(self) -> Result<Bytes, BodyError> {
        let mut all = bytes::BytesMut::new();
        let mut stream = self.into_decoded(None);
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }

    /// The same body, which fails once `aborted` is cancelled.
    #[must_use]
    pub fn abortable(self, aborted: &Rc<CancelHandle>) -> Self {
        self.map_stream(|stream| {
            let aborted = std::future::pending::<()>().or_cancel(Rc::clone(aborted));
            let aborted = Box::pin(async move {
                let _ = aborted.await;
            });
            Abortable::new(stream, aborted).boxed_local()
        })
    }

    /// The same body with each chunk and error seen by `map`.
    #[must_use]
    pub fn map_stream(self, map: impl FnOnce(ByteStream) -> ByteStream) -> Self {
        match self {
            Self::Stream(body) => Self::Stream(StreamBody {
                stream: map(body.stream),
                ..body
            }),
            other => other,
        }
    }
}
