//! Bodies on a link.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::{Body, BodyError, ByteStream};

/// How long the end of a body is waited for of which all bytes are there.
const END: Duration = Duration::from_secs(5);

/// What is told behind a body, once that has ended.
pub(super) type Trailers = Box<dyn FnOnce() -> HeaderMap>;

/// A body that is sent, with what is told behind it.
#[derive(Default)]
pub(crate) struct Sent {
    /// What is there already.
    full: Option<Bytes>,
    stream: Option<ByteStream>,
    trailers: Option<Trailers>,
}

impl Sent {
    pub(super) fn new(body: Body, trailers: Option<Trailers>) -> Self {
        let (full, stream) = match body {
            Body::Empty => (None, None),
            Body::Full(bytes) => (Some(bytes), None),
            stream @ Body::Stream(_) => (None, Some(stream.into_stream())),
        };
        Self { full, stream, trailers }
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(bytes) = self.full.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(stream) = &mut self.stream {
            match std::task::ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Err(error)) => {
                    (self.stream, self.trailers) = (None, None);
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.stream = None,
            }
        }
        let trailers = self.trailers.take();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers()))))
    }

    fn is_end_stream(&self) -> bool {
        self.full.is_none() && self.stream.is_none() && self.trailers.is_none()
    }

    // Its length is told in a field of ours: HTTP's own would be judged on the way.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Hears what was told behind a body, or nothing where that was given up.
pub(super) type Over = Box<dyn FnOnce(Option<&HeaderMap>)>;

/// A body that comes.
struct Received {
    body: Option<Incoming>,
    /// How many bytes are to come, where that was promised.
    left: Option<u64>,
    over: Option<Over>,
}

impl Received {
    fn ends(&mut self, trailers: Option<&HeaderMap>) {
        self.body = None;
        if let Some(over) = self.over.take() {
            over(trailers);
        }
    }

    /// The next chunk. What is behind the last one is heard before that.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            match std::task::ready!(Pin::new(body).poll_frame(cx)) {
                None => self.ends(Some(&HeaderMap::new())),
                Some(Err(_)) => {
                    self.ends(None);
                    return Poll::Ready(Some(Err(BodyError::Cut)));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(frame) => self.ends(frame.trailers_ref()),
                },
            }
        }
    }
}

impl Stream for Received {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.poll(cx));
        if let (Some(Ok(data)), Some(left)) = (&next, self.left) {
            let left = left.saturating_sub(data.len() as u64);
            self.left = Some(left);
            // Whoever reads may ask for no more: HTTP/1.1 knows by the length that this was all.
            if left == 0
                && let Poll::Ready(Some(Ok(more))) = self.poll(cx)
            {
                // It is longer than it was said to be: whoever counts finds that out.
                let mut all = data.to_vec();
                all.extend_from_slice(&more);
                return Poll::Ready(Some(Ok(all.into())));
            }
        }
        Poll::Ready(next)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let (Some(body), Some(over)) = (self.body.take(), self.over.take()) else {
            return;
        };
        // It was read to its end, and only the end has not come yet.
        if self.left == Some(0) {
            spawn(ended(body, over));
        } else {
            drop(body);
            over(None);
        }
    }
}

/// Waits for the end of a body that has no more bytes.
async fn ended(mut body: Incoming, over: Over) {
    match tokio::time::timeout(END, body.frame()).await {
        Ok(None) => over(Some(&HeaderMap::new())),
        Ok(Some(Ok(frame))) => over(frame.trailers_ref()),
        Ok(Some(Err(_))) | Err(_) => over(None),
    }
}

/// A body that comes. `over` hears of its end.
pub(super) fn received(
    body: Incoming,
    length: Option<u64>,
    coding: Option<ContentEncoding>,
    over: Option<Over>,
) -> Body {
    if body.is_end_stream() {
        if let Some(over) = over {
            over(Some(&HeaderMap::new()));
        }
        // A promise that is not kept is found out by whoever reads.
        return match length {
            None | Some(0) => Body::Empty,
            Some(_) => Body::stream(futures_util::stream::empty().boxed_local(), length),
        };
    }
    if length == Some(0) && over.is_some() {
        drop(Received {
            body: Some(body),
            left: length,
            over,
        });
        return Body::Empty;
    }
    let stream = Received {
        body: Some(body),
        left: length,
        over,
    };
    Body::Stream(StreamBody {
        stream: stream.boxed_local(),
        length,
        coding,
        // They tell of events there.
        trailers: None,
    })
}
