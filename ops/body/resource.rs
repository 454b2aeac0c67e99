//! Bodies in the hands of a script: unread, read in pieces or at once, or handed on.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use deno_core::convert::Uint8Array;
use deno_core::{
    AsyncRefCell, AsyncResult, BufView, CancelFuture as _, CancelHandle, OpState, RcRef, Resource, ResourceId, ToV8,
    op2, v8,
};
use deno_error::JsErrorBox;
use futures_util::StreamExt as _;

use super::Body;
use super::script::ScriptStream;
use crate::account::Account;
use crate::byte_stream::ByteStream;
use crate::error::BodyError;
use crate::events::Events;
use crate::external_memory::{ExternalMemory, OutOfMemory, Reservation};
use crate::head;
use crate::reading::Reading;
use crate::shares::Holding;
use crate::trailers::{Trailed, Trailers};

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
    let writing = state.borrow::<Events>().writes();
    Ok(Body::stream(Box::pin(ScriptStream::new(resource, writing)), length))
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
