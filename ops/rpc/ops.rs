//! What scripts of ours ask for. Each names its event, and reaches what that one holds, and nothing of another.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use deno_core::{OpState, ResourceId, op2, v8};
use deno_error::JsErrorBox;

use super::{CALLS, Call, Capability, Export, Failure, MESSAGE, Outcome, PATH, Payload, ReplyTo, STUBS};
use super::{streams, wire};
use crate::egress::EgressHandle;
use crate::error::FetchError;
use crate::events::{self, Events, Scope};
use crate::external_memory::ExternalMemory;
use crate::fetch::{FetchLimits, Reply, prepare};
use crate::head::Utf8;
use crate::inbox::Message;
use crate::outgoing::OutgoingBody;

/// What is called: a service, by its place; a stub; or the result of a call.
const SERVICE: u32 = 0;
const STUB: u32 = 1;

fn scope_of(state: &RefCell<OpState>, event: u32) -> Result<Rc<Scope>, JsErrorBox> {
    let state = state.borrow();
    state
        .borrow::<Events>()
        .scope(event)
        .ok_or_else(|| JsErrorBox::generic("RPC failed: the event that this belongs to has ended"))
}

/// The capabilities that a message takes along, as pairs: 0 and a stub's number, 1 and the number of what the event gives, or 2 and the
/// place of a service.
fn capabilities<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &RefCell<OpState>,
    event: u32,
    own: &Scope,
    list: v8::Local<'s, v8::Array>,
) -> Result<Vec<Capability>, JsErrorBox> {
    let mut taken = Vec::new();
    let number = |place: u32| list.get_index(scope, place)?.int32_value(scope);
    let mut pairs = Vec::new();
    for pair in 0..list.length() / 2 {
        if let (Some(kind), Some(number)) = (number(2 * pair), number(2 * pair + 1)) {
            pairs.push((kind, number));
        }
    }
    for (kind, number) in pairs {
        let capability = match (kind, u32::try_from(number)) {
            (0, Ok(id)) => own.rpc.imported(id),
            (2, Ok(service)) => {
                let egress = Rc::clone(state.borrow().borrow::<EgressHandle>());
                Some(egress.service(&own.origin, service).map_err(JsErrorBox::from_err)?)
            }
            _ => {
                let mut state = state.borrow_mut();
                let events = state.borrow_mut::<Events>();
                events.hold(event).then(|| Export::of(events.inbox(), event, number))
            }
        };
        taken.push(capability.ok_or_else(|| {
            JsErrorBox::generic(format!("RPC failed: an event may give and hold {STUBS} stubs at once"))
        })?);
    }
    Ok(taken)
}

fn payload<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &RefCell<OpState>,
    event: u32,
    own: &Scope,
    (value, markers, list): (
        v8::Local<'s, v8::Value>,
        v8::Local<'s, v8::Value>,
        v8::Local<'s, v8::Value>,
    ),
) -> Result<Option<Payload>, JsErrorBox> {
    let Some(bytes) = wire::write(scope, value, markers)? else {
        return Ok(None);
    };
    if bytes.len() > MESSAGE {
        return Err(JsErrorBox::generic(format!(
            "Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: {} bytes.",
            bytes.len()
        )));
    }
    let bytes = state
        .borrow()
        .borrow::<ExternalMemory>()
        .bytes(bytes)
        .map_err(JsErrorBox::from_err)?;
    let mut payload = Payload {
        bytes,
        capabilities: Vec::new(),
        streams: Vec::new(),
    };
    if let Ok(list) = list.try_cast::<v8::Array>() {
        let part = |place| list.get_index(scope, place)?.try_cast::<v8::Array>().ok();
        let (stubs, taken) = (part(0), part(1));
        if let Some(stubs) = stubs {
            payload.capabilities = capabilities(scope, state, event, own, stubs)?;
        }
        if let Some(taken) = taken {
            payload.streams = streams::take(scope, state, event, taken)?;
        }
    }
    Ok(Some(payload))
}

/// Sends a call. `call` is a fresh number by which its result is asked for. Without `arguments` it is for a property.
#[op2(nofast, reentrant)]
pub(crate) fn op_rpc_call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] kind: u32,
    #[smi] target: u32,
    #[smi] call: u32,
    path: v8::Local<'s, v8::Value>,
    arguments: v8::Local<'s, v8::Value>,
    markers: v8::Local<'s, v8::Value>,
    list: v8::Local<'s, v8::Value>,
) -> Result<(), JsErrorBox> {
    let own = scope_of(&state, event)?;
    let limit = state.borrow().borrow::<FetchLimits>().subrequests;
    if !own.count_fetch(limit) {
        return Err(JsErrorBox::generic("RPC failed: too many subrequests by one event"));
    }
    if own.rpc.calls() >= CALLS {
        return Err(JsErrorBox::generic(format!(
            "RPC failed: an event may have {CALLS} calls under way at once"
        )));
    }
    let names = path
        .try_cast::<v8::Array>()
        .map_err(|_| JsErrorBox::type_error("no path"))?;
    let mut path = Vec::new();
    if names.length() as usize > PATH {
        return Err(JsErrorBox::type_error(format!(
            "RPC failed: a path may have {PATH} names"
        )));
    }
    for place in 0..names.length() {
        let name = names.get_index(scope, place);
        path.push(name.map(|name| name.to_rust_string_lossy(scope)).unwrap_or_default());
    }
    let arguments = if arguments.is_undefined() {
        None
    } else {
        let Some(payload) = payload(scope, &state, event, &own, (arguments, markers, list))? else {
            return Ok(());
        };
        Some(payload)
    };
    let capability = self::target(&state, &own, (kind, target))?;
    let reply = reply_to(&state, event, call);
    let started = capability.call(Call { path, arguments, reply });
    own.rpc.expect(call, started.answer, started.session);
    Ok(())
}

/// What an event calls.
fn target(state: &RefCell<OpState>, own: &Scope, (kind, target): (u32, u32)) -> Result<Capability, JsErrorBox> {
    let gone = || JsErrorBox::generic("RPC stub used after being disposed.");
    match kind {
        SERVICE => {
            let egress = Rc::clone(state.borrow().borrow::<EgressHandle>());
            egress.service(&own.origin, target).map_err(JsErrorBox::from_err)
        }
        STUB => own.rpc.imported(target).ok_or_else(gone),
        _ => own.rpc.answer(target).ok_or_else(gone),
    }
}

fn reply_to(state: &RefCell<OpState>, event: u32, call: u32) -> ReplyTo {
    let inbox = Rc::clone(state.borrow().borrow::<Events>().inbox());
    ReplyTo::new(move |outcome| {
        inbox.push(Message::Reply {
            event,
            call,
            outcome: Box::new(outcome),
        });
    })
}

/// Lets an event hear, as the failure of a call of this number, when a stub can be called no longer.
#[op2(nofast)]
pub(crate) fn op_rpc_watch(
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] kind: u32,
    #[smi] what: u32,
    #[smi] call: u32,
) -> Result<(), JsErrorBox> {
    let own = scope_of(&state, event)?;
    if !own.rpc.may_watch() {
        return Err(JsErrorBox::generic(format!(
            "RPC failed: an event may watch {STUBS} stubs"
        )));
    }
    let capability = target(&state, &own, (kind, what))?;
    capability.watch(reply_to(&state, event, call));
    Ok(())
}

/// A request to an entrypoint that is a service.
#[op2]
pub(crate) async fn op_rpc_fetch(
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] cancel: Option<ResourceId>,
    #[string] method: String,
    #[string] url: String,
    #[scoped] headers: Utf8,
    #[scoped] body: OutgoingBody,
    #[smi] service: u32,
) -> Result<Reply, FetchError> {
    let prepared = prepare(&state, event, cancel, &method, &url, &headers, body)?;
    let egress = Rc::clone(state.borrow().borrow::<EgressHandle>());
    prepared
        .through(move |origin, request| egress.fetch_service(origin, service, request))
        .await
}

fn read<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &RefCell<OpState>,
    own: &Scope,
    payload: Payload,
    make: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let Payload {
        bytes,
        capabilities,
        streams,
    } = payload;
    let make = make
        .try_cast::<v8::Function>()
        .map_err(|_| JsErrorBox::type_error("no function"))?;
    let mut ids = Vec::new();
    for capability in capabilities {
        let id = own.rpc.import(capability)?;
        ids.push(v8::Integer::new_from_unsigned(scope, id).into());
    }
    let mut rids = Vec::new();
    for stream in streams {
        let rid = streams::put(&mut state.borrow_mut(), own, stream)?;
        rids.push(v8::Integer::new_from_unsigned(scope, rid).into());
    }
    // The function that makes stubs and streams knows the numbers of this message by them.
    let ids = v8::Array::new_with_elements(scope, &ids);
    let rids = v8::Array::new_with_elements(scope, &rids);
    let this = v8::undefined(scope).into();
    let stubs = make.call(scope, this, &[ids.into(), rids.into()]);
    let stubs = stubs.and_then(|stubs| stubs.try_cast::<v8::Function>().ok());
    let stubs = stubs.ok_or_else(|| JsErrorBox::type_error("the message can not be read"))?;
    wire::read(scope, &bytes, stubs)
}

/// The arguments of a call. `make` takes the numbers of the stubs that come along, and gives what makes each.
#[op2(reentrant)]
pub(crate) fn op_rpc_read_arguments<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] running: u32,
    make: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let own = scope_of(&state, event)?;
    let arguments = state.borrow_mut().borrow_mut::<Events>().arguments(event, running);
    let arguments = arguments.ok_or_else(|| JsErrorBox::type_error("there are no arguments"))?;
    read(scope, &state, &own, arguments, make)
}

/// What a call has brought.
#[op2(reentrant)]
pub(crate) fn op_rpc_read_result<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] call: u32,
    make: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let own = scope_of(&state, event)?;
    let result = own
        .rpc
        .result(call)
        .ok_or_else(|| JsErrorBox::type_error("there is no result"))?;
    read(scope, &state, &own, result, make)
}

/// The result of a call that an event has worked for. Gives whether the event ended with it.
#[op2(nofast, reentrant)]
pub(crate) fn op_rpc_reply<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] running: u32,
    value: v8::Local<'s, v8::Value>,
    markers: v8::Local<'s, v8::Value>,
    list: v8::Local<'s, v8::Value>,
    disposer: bool,
    settled: bool,
) -> Result<bool, JsErrorBox> {
    let own = scope_of(&state, event)?;
    let Some(payload) = payload(scope, &state, event, &own, (value, markers, list))? else {
        return Ok(false);
    };
    let outcome = Outcome::Value { payload, disposer };
    Ok(events::rpc_replied(
        &mut state.borrow_mut(),
        event,
        running,
        outcome,
        settled,
    ))
}

/// The most bytes of what was thrown that cross beside its name and message.
const THROWN: usize = 64 << 10;

/// What was thrown, as it crosses.
pub(crate) fn thrown(value: &[u8]) -> Option<Bytes> {
    (1..=THROWN)
        .contains(&value.len())
        .then(|| Bytes::copy_from_slice(value))
}

/// The same where it failed. `value` is what was thrown as [`op_rpc_encode`](super::op_rpc_encode) writes it, or nothing.
#[op2(fast)]
pub(crate) fn op_rpc_fail(
    state: &mut OpState,
    #[smi] event: u32,
    #[smi] running: u32,
    #[string] name: String,
    #[string] message: String,
    told: bool,
    #[string] stack: String,
    #[buffer] value: &[u8],
    settled: bool,
) -> bool {
    let failure = Failure {
        name,
        message,
        value: thrown(value),
        told,
        stack,
        stopped: None,
    };
    events::rpc_replied(state, event, running, Outcome::Failed(failure), settled)
}

/// One more of a stub. Gives its number.
#[op2(fast)]
#[smi]
pub(crate) fn op_rpc_dup(state: &mut OpState, #[smi] event: u32, #[smi] stub: u32) -> Result<u32, JsErrorBox> {
    let scope = state.borrow::<Events>().scope(event);
    let imported = scope.and_then(|scope| scope.rpc.imported(stub).map(|capability| (scope, capability)));
    let (scope, capability) = imported.ok_or_else(|| JsErrorBox::generic("RPC stub used after being disposed."))?;
    scope.rpc.import(capability)
}

/// Gives a stub back, or the result of a call.
#[op2(fast)]
pub(crate) fn op_rpc_drop(state: &mut OpState, #[smi] event: u32, #[smi] kind: u32, #[smi] number: u32) {
    let Some(scope) = state.borrow::<Events>().scope(event) else {
        return;
    };
    let held = if kind == STUB {
        scope.rpc.forget(number)
    } else {
        scope.rpc.release(number)
    };
    if let Some(held) = held {
        held.nudge();
    }
}

/// A stub of something that the event itself gives. Gives its number.
#[op2(fast)]
#[smi]
pub(crate) fn op_rpc_loopback(state: &mut OpState, #[smi] event: u32, #[smi] number: i32) -> Result<u32, JsErrorBox> {
    let full = || JsErrorBox::generic(format!("RPC failed: an event may give and hold {STUBS} stubs at once"));
    let events = state.borrow_mut::<Events>();
    if !events.hold(event) {
        return Err(full());
    }
    let capability = Export::of(events.inbox(), event, number);
    let scope = events.scope(event).ok_or_else(full)?;
    scope.rpc.import(capability).map_err(|_| full())
}
