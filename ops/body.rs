//! Bodies: bytes that are pulled, never pushed, so that a slow reader slows the sender and a dropped end cancels.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use deno_core::convert::Uint8Array;
use deno_core::{
    AsyncRefCell, AsyncResult, BufView, CancelFuture as _, CancelHandle, OpState, RcRef, Resource, ResourceId, ToV8,
    op2, v8,
};
use deno_error::JsErrorBox;
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use http::HeaderMap;

use crate::account::Account;
use crate::byte_stream::ByteStream;
use crate::content_encoding::ContentEncoding;
use crate::error::BodyError;
use crate::exact::Exact;
use crate::external_memory::{ExternalMemory, OutOfMemory, Reservation};
use crate::head;
use crate::reading::Reading;
use crate::shares::Holding;
use crate::trailers::{Trailed, Trailers};

/// The largest piece that is read at once from a script's stream, in bytes.
const CHUNK: usize = 64 * 1024;

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
            let stream = Some(stream);
            Abortable { stream, aborted }.boxed_local()
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

/// A stream that fails once `aborted` is cancelled. What sends it learns of that at once: its stream is dropped.
struct Abortable {
    stream: Option<ByteStream>,
    aborted: Pin<Box<dyn Future<Output = ()>>>,
}

impl Stream for Abortable {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let item = stream.as_mut().poll_next(cx);
        if item.is_pending() && self.aborted.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if item.is_pending() {
            self.stream = None;
            return Poll::Ready(Some(Err(BodyError::Aborted)));
        }
        item
    }
}

/// A body that a script may read. Unread, it can be taken and handed on without touching a byte.
pub struct BodyResource {
    unread: RefCell<Option<Body>>,
    /// For whom it is decoded.
    account: Option<Arc<Account>>,
    reader: AsyncRefCell<Option<Reader>>,
    cancel: CancelHandle,
    reading: Reading,
    /// What is counted of it before a script reads it.
    whole: Cell<Option<Reservation>>,
    trailers: Option<Trailers>,
}

struct Reader {
    stream: ByteStream,
    rest: Bytes,
}

impl BodyResource {
    /// Wraps a body for a script. What it reads is held for this event, and is no more than `limit` bytes; what it takes to decode it
    /// is put down to `account`.
    pub fn new(body: Body, account: Option<&Arc<Account>>, holding: Rc<Holding>, limit: Option<u64>) -> Self {
        Self {
            account: account.cloned(),
            trailers: body.trailers(),
            unread: RefCell::new(Some(body)),
            reader: AsyncRefCell::new(None),
            cancel: CancelHandle::new(),
            reading: Reading::new(holding, limit),
            whole: Cell::new(None),
        }
    }

    /// The same body, whose bytes count as this isolate's where all of them are here already. Whoever made them may be gone
    /// by now, and what it was allowed to hold with it.
    pub(crate) fn counted(self, memory: &ExternalMemory) -> Result<Self, OutOfMemory> {
        if let Some(Body::Full(bytes)) = &*self.unread.borrow() {
            self.whole.set(Some(memory.reserve(bytes.len())?));
        }
        Ok(self)
    }

    fn take(&self) -> Option<Body> {
        self.unread.borrow_mut().take()
    }

    async fn read_chunk(self: Rc<Self>, limit: usize) -> Result<Bytes, BodyError> {
        let mut reader = RcRef::map(&self, |resource| &resource.reader).borrow_mut().await;
        if let Some(body) = self.take() {
            *reader = Some(Reader {
                stream: body.into_decoded(self.account.as_ref()),
                rest: Bytes::new(),
            });
        }
        let Some(reader) = reader.as_mut() else {
            return Err(BodyError::Gone);
        };
        while reader.rest.is_empty() {
            match reader.stream.next().await {
                Some(chunk) => {
                    let chunk = chunk?;
                    self.reading.count(chunk.len())?;
                    reader.rest = chunk;
                }
                None => return Ok(Bytes::new()),
            }
        }
        let size = reader.rest.len().min(limit);
        Ok(reader.rest.split_to(size))
    }
}

impl Resource for BodyResource {
    fn name(&self) -> Cow<'_, str> {
        "body".into()
    }

    fn read(self: Rc<Self>, limit: usize) -> AsyncResult<BufView> {
        Box::pin(async move {
            let cancel = RcRef::map(&self, |resource| &resource.cancel);
            let chunk = self
                .read_chunk(limit)
                .or_cancel(cancel)
                .await
                .unwrap_or(Err(BodyError::Gone));
            Ok(BufView::from(chunk.map_err(JsErrorBox::from_err)?))
        })
    }

    fn close(self: Rc<Self>) {
        self.cancel.cancel();
        // A read in flight holds the resource: drop the body now, so that its sender learns of it.
        drop(self.take());
    }

    fn cancel_read_ops(self: Rc<Self>) {
        self.cancel.cancel();
    }
}

/// Takes the body behind a resource id out of the isolate, to hand it on.
pub fn take_body(state: &mut OpState, rid: ResourceId) -> Result<Body, BodyError> {
    if let Ok(resource) = state.resource_table.get::<BodyResource>(rid) {
        let _ = state.resource_table.take::<BodyResource>(rid);
        let body = resource.take().ok_or(BodyError::Gone)?;
        return Ok(match (body, resource.whole.take()) {
            // It is this isolate's until whom it is handed on to has let go of it.
            (Body::Full(bytes), Some(counted)) => Body::Full(counted.hold(bytes)),
            (body, _) => body,
        });
    }
    if let Ok(trailed) = state.resource_table.take::<Trailed>(rid) {
        let mut body = take_body(state, trailed.body)?;
        if let Body::Stream(body) = &mut body {
            body.trailers = Some(trailed.trailers.clone());
        }
        return Ok(body);
    }
    let resource = state.resource_table.take_any(rid).map_err(|_| BodyError::Gone)?;
    // FixedLengthStream promises its length.
    let length = match resource.size_hint() {
        (low, Some(high)) if low == high => Some(low),
        _ => None,
    };
    Ok(Body::stream(Box::pin(ScriptStream::new(resource)), length))
}

/// A stream that a script produces, behind the resource that `deno_web` makes for it.
struct ScriptStream {
    resource: Rc<dyn Resource>,
    reading: Option<AsyncResult<BufView>>,
    done: bool,
}

impl ScriptStream {
    fn new(resource: Rc<dyn Resource>) -> Self {
        Self {
            resource,
            reading: None,
            done: false,
        }
    }
}

impl Stream for ScriptStream {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        let resource = Rc::clone(&self.resource);
        let reading = self.reading.get_or_insert_with(|| resource.read(CHUNK));
        let result = std::task::ready!(reading.as_mut().poll(cx));
        self.reading = None;
        match result {
            Ok(view) if view.is_empty() => {
                self.done = true;
                Poll::Ready(None)
            }
            // A copy: the script still holds the memory and could change it after the policy has looked.
            Ok(view) => Poll::Ready(Some(Ok(Bytes::copy_from_slice(&view)))),
            Err(error) => {
                self.done = true;
                Poll::Ready(Some(Err(BodyError::Script(error.to_string().into()))))
            }
        }
    }
}

impl Drop for ScriptStream {
    fn drop(&mut self) {
        Rc::clone(&self.resource).close();
    }
}

/// How many bytes a script will read of a body that nobody has read, or -1 where that is not known.
#[op2(fast)]
pub(crate) fn op_body_length(state: &mut OpState, #[smi] rid: ResourceId) -> f64 {
    let resource = state.resource_table.get::<BodyResource>(rid).ok();
    let length = resource.and_then(|resource| {
        let unread = resource.unread.borrow();
        let body = unread.as_ref().filter(|body| body.coding().is_none())?;
        body.length()
    });
    // Longer ones than 2^53 bytes are not seen.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    length.map_or(-1.0, |length| length as f64)
}

/// Keeps an unread body in its content coding, whoever reads it. Gives its length in bytes as it is on the wire, or -1 where that is
/// not known.
#[op2(fast)]
pub(crate) fn op_body_raw(state: &mut OpState, #[smi] rid: ResourceId) -> f64 {
    let Ok(resource) = state.resource_table.get::<BodyResource>(rid) else {
        return -1.0;
    };
    let mut unread = resource.unread.borrow_mut();
    let Some(body) = unread.as_mut() else {
        return -1.0;
    };
    if let Body::Stream(body) = body {
        body.coding = None;
    }
    // Longer ones than 2^53 bytes are not seen.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    body.length().map_or(-1.0, |length| length as f64)
}

/// What has followed a body that was read to its end, as header lists cross into scripts: empty where nothing has.
#[op2]
#[string]
pub(crate) fn op_body_trailers(state: &mut OpState, #[smi] rid: ResourceId) -> String {
    let Ok(resource) = state.resource_table.get::<BodyResource>(rid) else {
        return String::new();
    };
    let trailers = resource.trailers.as_ref();
    trailers.and_then(Trailers::get).map(head::join).unwrap_or_default()
}

/// A whole body as `{ bytes }`, an object that has no prototype: a promise of bytes would ask for
/// `Object.prototype.then`, which a script may have put there.
pub(crate) struct Whole(Vec<u8>);

impl<'a> ToV8<'a> for Whole {
    type Error = JsErrorBox;

    fn to_v8(self, scope: &mut v8::PinScope<'a, '_>) -> Result<v8::Local<'a, v8::Value>, JsErrorBox> {
        let bytes = Uint8Array::from(self.0).to_v8(scope).map_err(JsErrorBox::from_err)?;
        let name = v8::String::new(scope, "bytes").ok_or_else(|| JsErrorBox::from_err(BodyError::Gone))?;
        let prototype = v8::null(scope).into();
        let object = v8::Object::with_prototype_and_properties(scope, prototype, &[name.into()], &[bytes]);
        Ok(object.into())
    }
}

/// Reads a whole body that no stream was made of.
#[op2]
pub(crate) async fn op_body_collect(state: Rc<RefCell<OpState>>, #[smi] rid: ResourceId) -> Result<Whole, JsErrorBox> {
    let (resource, external) = {
        let state = state.borrow();
        let resource = state.resource_table.get::<BodyResource>(rid);
        let resource = resource.map_err(|_| JsErrorBox::from_err(BodyError::Gone))?;
        (resource, state.borrow::<ExternalMemory>().clone())
    };
    let cancel = RcRef::map(&resource, |resource| &resource.cancel);
    // From here on it is counted as it is read.
    drop(resource.whole.take());
    let reading = async {
        let mut whole = Vec::new();
        let mut reservation = external.reserve(0)?;
        loop {
            let chunk = Rc::clone(&resource).read_chunk(usize::MAX).await?;
            if chunk.is_empty() {
                return Ok(whole);
            }
            reservation.grow(chunk.len())?;
            whole.extend_from_slice(&chunk);
        }
    };
    let whole: Result<Vec<u8>, BodyError> = reading.or_cancel(cancel).await.unwrap_or(Err(BodyError::Gone));
    drop(state.borrow_mut().resource_table.take_any(rid));
    whole.map(Whole).map_err(JsErrorBox::from_err)
}
