//! Streams of bytes that cross with a value. A `ReadableStream` is handed on as a body is; behind a `WritableStream` of another isolate is a
//! pipe, which its owner reads.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use deno_core::convert::Uint8Array;
use deno_core::{CancelFuture as _, CancelHandle, JsBuffer, OpState, Resource, ResourceId, op2, v8};
use deno_error::JsErrorBox;
use futures_util::StreamExt as _;

use super::pipe::{PipeWriter, pipe};
use super::{STUBS, wire};
use crate::body::{Body, BodyResource};
use crate::error::BodyError;
use crate::events::{Events, Scope};
use crate::external_memory::ExternalMemory;
use crate::inbox::{Inbox, Message};
use crate::origin::EventId;
use crate::outgoing::OutgoingBody;

/// A stream on its way.
pub enum Stream {
    /// It is read where it goes.
    Readable(Body),
    /// It is written there.
    Writable(PipeWriter),
}

impl Stream {
    /// The same, which fails without saying why.
    #[must_use]
    pub fn without_reasons(self) -> Self {
        match self {
            Self::Readable(body) => Self::Readable(body.map_stream(|stream| {
                let silent = stream.map(|chunk| chunk.map_err(|_| BodyError::Cut));
                silent.boxed_local()
            })),
            writable @ Self::Writable(_) => writable,
        }
    }
}

/// Something of an event that others hold. The event goes on while they do, if it began with a call.
pub struct Held {
    inbox: Rc<Inbox>,
    event: EventId,
}

impl Held {
    /// One more, where the event may have it.
    fn of(state: &mut OpState, event: EventId) -> Result<Self, JsErrorBox> {
        let events = state.borrow_mut::<Events>();
        if !events.hold(event) {
            return Err(JsErrorBox::generic(format!(
                "RPC failed: an event may give and hold {STUBS} stubs at once"
            )));
        }
        Ok(Self {
            inbox: Rc::clone(events.inbox()),
            event,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.inbox.push(Message::Release {
            event: self.event,
            number: 0,
        });
    }
}

/// The writing end of a pipe, in an isolate.
struct PipeResource {
    writer: PipeWriter,
    cancel: Rc<CancelHandle>,
}

impl Resource for PipeResource {
    fn close(self: Rc<Self>) {
        self.cancel.cancel();
    }
}

/// Takes streams out of an isolate: pairs of a kind (0 to be read, 1 to be written) and a body, or the resource of a pipe.
pub(super) fn take<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &RefCell<OpState>,
    event: EventId,
    list: v8::Local<'s, v8::Array>,
) -> Result<Vec<Stream>, JsErrorBox> {
    use deno_core::FromV8 as _;
    let mut streams = Vec::new();
    for pair in 0..list.length() / 2 {
        let (Some(kind), Some(value)) = (list.get_index(scope, 2 * pair), list.get_index(scope, 2 * pair + 1)) else {
            return Err(JsErrorBox::type_error("no stream"));
        };
        let body = OutgoingBody::from_v8(scope, value)?;
        let mut state = state.borrow_mut();
        if kind.uint32_value(scope) == Some(1) {
            let OutgoingBody::Resource(rid) = body else {
                return Err(JsErrorBox::type_error("no stream"));
            };
            let taken = state.resource_table.take::<PipeResource>(rid);
            let taken = taken.map_err(|_| JsErrorBox::type_error("no stream"))?;
            streams.push(Stream::Writable(taken.writer.clone()));
            continue;
        }
        let held = Held::of(&mut state, event)?;
        let body = body.take(&mut state).map_err(JsErrorBox::from_err)?;
        // What is all there is held by nobody.
        let body = body.map_stream(move |stream| {
            let mut held = Some(held);
            let watched = stream.inspect(move |chunk| {
                if chunk.is_err() {
                    held.take();
                }
            });
            watched.boxed_local()
        });
        streams.push(Stream::Readable(body));
    }
    Ok(streams)
}

/// Puts a stream into an isolate, for an event of its. Gives its resource. A body that is whole counts there as well: whoever made it
/// may be gone.
pub(super) fn put(state: &mut OpState, own: &Scope, stream: Stream) -> Result<ResourceId, JsErrorBox> {
    let rid = match stream {
        Stream::Readable(body) => {
            let (_, limit) = state.borrow::<Events>().read_limits();
            let account = own.origin.trace.account();
            let resource = BodyResource::new(body, account, Rc::clone(&own.holding), limit)
                .counted(state.borrow::<ExternalMemory>())
                .map_err(JsErrorBox::from_err)?;
            state.resource_table.add(resource)
        }
        Stream::Writable(writer) => state.resource_table.add(PipeResource {
            writer,
            cancel: CancelHandle::new_rc(),
        }),
    };
    own.own(rid);
    Ok(rid)
}

/// A pipe: the resource to read, and that to write.
#[op2]
#[serde]
pub(crate) fn op_rpc_pipe(state: &mut OpState, #[smi] event: u32) -> Result<(u32, u32), JsErrorBox> {
    let own = state.borrow::<Events>().scope(event);
    let own = own.ok_or_else(|| JsErrorBox::generic("RPC failed: the event that this belongs to has ended"))?;
    let (writer, stream) = pipe(Some(Held::of(state, event)?));
    let read = put(state, &own, Stream::Readable(Body::stream(stream, None)))?;
    Ok((read, put(state, &own, Stream::Writable(writer))?))
}

fn writer(state: &RefCell<OpState>, rid: ResourceId) -> Result<Rc<PipeResource>, JsErrorBox> {
    let state = state.borrow();
    let found = state.resource_table.get::<PipeResource>(rid);
    found.map_err(|_| JsErrorBox::type_error("The stream is gone: the event that it belongs to has ended"))
}

async fn told(pipe: Rc<PipeResource>, work: impl Future<Output = bool>) -> Result<(), JsErrorBox> {
    let cancel = Rc::clone(&pipe.cancel);
    match work.or_cancel(cancel).await {
        Ok(true) => Ok(()),
        _ => Err(JsErrorBox::type_error(
            "The stream was closed or cancelled by its other side",
        )),
    }
}

/// Writes a chunk, once the one before it was read.
#[op2]
pub(crate) async fn op_rpc_pipe_write(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[buffer(copy)] chunk: Vec<u8>,
) -> Result<(), JsErrorBox> {
    let pipe = writer(&state, rid)?;
    let chunk: Bytes = {
        let state = state.borrow();
        state
            .borrow::<ExternalMemory>()
            .bytes(chunk)
            .map_err(JsErrorBox::from_err)?
    };
    let to = pipe.writer.clone();
    told(pipe, async move { to.write(chunk).await }).await
}

/// Nothing more comes.
#[op2]
pub(crate) async fn op_rpc_pipe_end(state: Rc<RefCell<OpState>>, #[smi] rid: ResourceId) -> Result<(), JsErrorBox> {
    let pipe = writer(&state, rid)?;
    let to = pipe.writer.clone();
    let ended = told(pipe, async move { to.end().await }).await;
    drop(state.borrow_mut().resource_table.take_any(rid));
    ended
}

/// Nothing more comes, and what has come is not all.
#[op2]
pub(crate) async fn op_rpc_pipe_fail(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[string] why: String,
) -> Result<(), JsErrorBox> {
    let pipe = writer(&state, rid)?;
    let to = pipe.writer.clone();
    let ended = told(pipe, async move { to.fail(why).await }).await;
    drop(state.borrow_mut().resource_table.take_any(rid));
    ended
}

/// The bytes of a value that takes nothing along.
#[op2(reentrant)]
pub(crate) fn op_rpc_encode<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
    markers: v8::Local<'s, v8::Value>,
) -> Result<Uint8Array, JsErrorBox> {
    Ok(wire::write(scope, value, markers)?.unwrap_or_default().into())
}

/// The value of such bytes. `make` makes its host objects.
#[op2(reentrant)]
pub(crate) fn op_rpc_decode<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    #[buffer] bytes: JsBuffer,
    make: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let make = make
        .try_cast::<v8::Function>()
        .map_err(|_| JsErrorBox::type_error("no function"))?;
    wire::read(scope, &bytes, make)
}
