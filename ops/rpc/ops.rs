//! What scripts of ours ask for. Each names its event, and reaches what that one holds, and nothing of another.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::wire;
use super::{CALLS, Call, Capability, Export, Failure, MESSAGE, Outcome, PATH, Payload, ReplyTo, STUBS};
use crate::events::{self, Events, Scope};
use crate::external_memory::ExternalMemory;
use crate::fetch::{EgressHandle, FetchLimits};
use crate::inbox::Message;

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

/// The capabilities that a message takes along, as pairs: 0 and a stub's number, or 1 and the number of what the event gives.
fn capabilities<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &RefCell<OpState>,
    event: u32,
    own: &Scope,
    list: v8::Local<'s, v8::Value>,
) -> Result<Vec<Capability>, JsErrorBox> {
    let Ok(list) = list.try_cast::<v8::Array>() else {
        return Ok(Vec::new());
    };
    let mut taken = Vec::new();
    let number = |place: u32| list.get_index(scope, place)?.int32_value(scope);
    let mut pairs = Vec::new();
    for pair in 0..list.length() / 2 {
        if let (Some(kind), Some(number)) = (number(2 * pair), number(2 * pair + 1)) {
            pairs.push((kind, number));
        }
    }
    for (kind, number) in pairs {
        let capability = if kind == 0 {
            u32::try_from(number).ok().and_then(|id| own.rpc.imported(id))
        } else {
            let mut state = state.borrow_mut();
            let events = state.borrow_mut::<Events>();
            events
                .hold(event)
                .then(|| Export::capability(events.inbox(), event, number))
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
    let capabilities = capabilities(scope, state, event, own, list)?;
    let bytes = state
        .borrow()
        .borrow::<ExternalMemory>()
        .bytes(bytes)
        .map_err(JsErrorBox::from_err)?;
    Ok(Some(Payload { bytes, capabilities }))
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
    let gone = || JsErrorBox::generic("RPC stub used after being disposed.");
    let capability = match kind {
        SERVICE => {
            let egress = Rc::clone(state.borrow().borrow::<EgressHandle>());
            egress.service(&own.origin, target).map_err(JsErrorBox::from_err)?
        }
        STUB => own.rpc.imported(target).ok_or_else(gone)?,
        _ => own.rpc.answer(target).ok_or_else(gone)?,
    };
    let inbox = Rc::clone(state.borrow().borrow::<Events>().inbox());
    let reply = ReplyTo::new(move |outcome| {
        inbox.push(Message::Reply {
            event,
            call,
            outcome: Box::new(outcome),
        });
    });
    let started = capability.call(Call { path, arguments, reply });
    own.rpc.expect(call, started.answer, started.session);
    Ok(())
}

fn read<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    own: &Scope,
    payload: Payload,
    make: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let Payload { bytes, capabilities } = payload;
    let make = make
        .try_cast::<v8::Function>()
        .map_err(|_| JsErrorBox::type_error("no function"))?;
    let mut ids = Vec::new();
    for capability in capabilities {
        let id = own
            .rpc
            .import(capability)
            .ok_or_else(|| JsErrorBox::generic(format!("RPC failed: an event may hold {STUBS} stubs at once")))?;
        ids.push(v8::Integer::new_from_unsigned(scope, id).into());
    }
    // The function that makes stubs knows the numbers of this message by it.
    let ids = v8::Array::new_with_elements(scope, &ids);
    let this = v8::undefined(scope).into();
    let stubs = make.call(scope, this, &[ids.into()]);
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
    read(scope, &own, arguments, make)
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
    read(scope, &own, result, make)
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

/// The same where it failed.
#[op2(fast)]
pub(crate) fn op_rpc_fail(
    state: &mut OpState,
    #[smi] event: u32,
    #[smi] running: u32,
    #[string] name: String,
    #[string] message: String,
    told: bool,
    #[string] stack: String,
    settled: bool,
) -> bool {
    let failure = Failure {
        name,
        message,
        told,
        stack,
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
    scope
        .rpc
        .import(capability)
        .ok_or_else(|| JsErrorBox::generic(format!("RPC failed: an event may hold {STUBS} stubs at once")))
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
    let capability = Export::capability(events.inbox(), event, number);
    let scope = events.scope(event).ok_or_else(full)?;
    scope.rpc.import(capability).ok_or_else(full)
}
