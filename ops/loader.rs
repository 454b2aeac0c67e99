//! `env.LOADER`'s ops: what a script gives is checked anew, and handed to the host's loader.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{FromV8, OpState, ResourceId, op2, serde_json, v8};
use deno_error::JsErrorBox;

use crate::egress::EgressHandle;
use crate::error::FetchError;
use crate::events::Events;
use crate::external_memory::ExternalMemory;
use crate::fetch::{FetchLimits, Reply, prepare};
use crate::given::{Description, read_call};
use crate::head::Utf8;
use crate::loading::{LoaderEvent, LoaderHandle, Order};
use crate::origin::EventId;
use crate::outgoing::OutgoingBody;
use crate::rpc::wire;
use crate::worker_log::Lines;

/// The contents of modules: strings, bytes and compiled WebAssembly in an array of ours.
pub(crate) struct Contents(Vec<Vec<u8>>);

impl<'a> FromV8<'a> for Contents {
    type Error = JsErrorBox;

    fn from_v8<'i>(scope: &mut v8::PinScope<'a, 'i>, value: v8::Local<'a, v8::Value>) -> Result<Self, Self::Error> {
        let none = || JsErrorBox::type_error("not the contents of modules");
        let array = v8::Local::<v8::Array>::try_from(value).map_err(|_| none())?;
        let mut contents = Vec::new();
        for index in 0..array.length() {
            let value = array.get_index(scope, index).ok_or_else(none)?;
            contents.push(if value.is_string() {
                value.to_rust_string_lossy(scope).into_bytes()
            } else if let Ok(module) = v8::Local::<v8::WasmModuleObject>::try_from(value) {
                module.get_compiled_module().get_wire_bytes_ref().to_vec()
            } else {
                let view = v8::Local::<v8::ArrayBufferView>::try_from(value).map_err(|_| none())?;
                let mut bytes = vec![0; view.byte_length()];
                let copied = view.copy_contents(&mut bytes);
                bytes.truncate(copied);
                bytes
            });
        }
        Ok(Self(contents))
    }
}

/// The event that asks.
fn caller(state: &OpState, event: EventId) -> Result<Rc<LoaderEvent>, FetchError> {
    let subrequests = state.borrow::<FetchLimits>().subrequests;
    let events = state.borrow::<Events>();
    let scope = events.scope(event).ok_or(FetchError::EventEnded)?;
    Ok(LoaderEvent::new(scope, event, subrequests, events.elsewhere()))
}

fn loader(state: &OpState) -> Result<LoaderHandle, JsErrorBox> {
    let loader = state.try_borrow::<LoaderHandle>();
    let loader = loader.ok_or_else(|| JsErrorBox::type_error("this worker loads no others"))?;
    Ok(Rc::clone(loader))
}

/// The number of the worker that a binding has of this id, 0 where it has none.
#[op2(fast)]
pub(crate) fn op_loader_find(state: &mut OpState, #[smi] binding: u32, #[string] id: &str) -> u32 {
    let loader = state.try_borrow::<LoaderHandle>().map(Rc::clone);
    loader.map_or(0, |loader| loader.find(binding, id))
}

/// Begins to load a worker, and gives its number. `given` is what it has of its loader's, as JSON: what `env` has, and where its requests
/// go.
#[op2(reentrant)]
#[smi]
pub(crate) fn op_loader_load<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[smi] event: EventId,
    #[smi] binding: u32,
    #[string] id: Option<String>,
    #[string] settings: String,
    #[scoped] contents: Contents,
    env: v8::Local<'s, v8::Value>,
    markers: v8::Local<'s, v8::Value>,
    #[string] given: &str,
) -> Result<u32, JsErrorBox> {
    let Some(env) = wire::write(scope, env, markers)? else {
        // What V8 has thrown.
        return Ok(0);
    };
    let state = &mut *state.borrow_mut();
    let loader = loader(state)?;
    let caller = caller(state, event).map_err(JsErrorBox::from_err)?;
    if !caller.may_load() {
        return Err(JsErrorBox::from_err(FetchError::TooMany));
    }
    let (given, outbound, tails): (Vec<Description>, Option<Description>, Vec<Description>) =
        serde_json::from_str(given).map_err(|error| JsErrorBox::type_error(error.to_string()))?;
    let own = Rc::clone(state.borrow::<Events>().inbox());
    let named = id.is_some();
    let find = |description: Description| description.find(&caller, &own, event, named);
    let order = Order {
        binding,
        id,
        settings,
        contents: contents.0,
        env,
        given: given.into_iter().map(find).collect::<Result<_, _>>()?,
        outbound: outbound.map(find).transpose()?,
        tails: tails.into_iter().map(find).collect::<Result<_, _>>()?,
        own: Rc::clone(&own),
        external: state.borrow::<ExternalMemory>().clone(),
        lines: state.borrow::<Lines>().clone(),
    };
    loader.load(&caller, order).map_err(JsErrorBox::type_error)
}

/// Gives a loaded worker the stubs of an entrypoint's props, which `given` describes as a list in JSON. Gives the place of the first.
#[op2(fast)]
#[smi]
pub(crate) fn op_loader_give(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] worker: u32,
    named: bool,
    #[string] given: &str,
) -> Result<u32, JsErrorBox> {
    let loader = loader(state)?;
    let caller = caller(state, event).map_err(JsErrorBox::from_err)?;
    let given: Vec<Description> =
        serde_json::from_str(given).map_err(|error| JsErrorBox::type_error(error.to_string()))?;
    let own = Rc::clone(state.borrow::<Events>().inbox());
    let given = given
        .into_iter()
        .map(|description| description.find(&caller, &own, event, named))
        .collect::<Result<_, _>>()?;
    loader.give(&caller, worker, given).map_err(JsErrorBox::type_error)
}

/// A stub of a loaded worker's entrypoint, whose methods may be called. Gives its number. `call` is as in [`op_loader_fetch`].
#[op2(fast)]
#[smi]
pub(crate) fn op_loader_entrypoint(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] worker: u32,
    #[string] call: &str,
) -> Result<u32, JsErrorBox> {
    let loader = loader(state)?;
    let caller = caller(state, event).map_err(JsErrorBox::from_err)?;
    let call = read_call(call).map_err(JsErrorBox::from_err)?;
    caller.scope.rpc.import(loader.entrypoint(&caller, worker, call))
}

/// What a loaded worker has as `env`, until its script has read it.
pub struct LoadedEnv(pub Vec<u8>);

/// The `env` of a loaded worker. `make` makes the stub of what it was given, by its place.
#[op2(reentrant)]
pub(crate) fn op_loader_env<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    make: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let env = state.borrow_mut().try_take::<LoadedEnv>();
    let none = || JsErrorBox::type_error("nothing was given");
    let make = make.try_cast::<v8::Function>().map_err(|_| none())?;
    wire::read(scope, &env.ok_or_else(none)?.0, make)
}

/// A request through something that a loaded worker was given, by its place.
#[op2]
pub(crate) async fn op_loader_fetch_given(
    state: Rc<RefCell<OpState>>,
    #[smi] event: EventId,
    #[smi] cancel: Option<ResourceId>,
    #[string] method: String,
    #[string] url: String,
    #[scoped] headers: Utf8,
    #[scoped] body: OutgoingBody,
    #[smi] given: u32,
) -> Result<Reply, FetchError> {
    let prepared = prepare(&state, event, cancel, &method, &url, &headers, body)?;
    let egress = Rc::clone(state.borrow().borrow::<EgressHandle>());
    prepared
        .through(move |origin, request| egress.fetch_given(origin, given, request))
        .await
}

/// A request to a loaded worker. `call` is what its stub says, as JSON: the entrypoint, the props as JSON, milliseconds of CPU time, and
/// subrequests.
#[op2]
pub(crate) async fn op_loader_fetch(
    state: Rc<RefCell<OpState>>,
    #[smi] event: EventId,
    #[smi] cancel: Option<ResourceId>,
    #[string] method: String,
    #[string] url: String,
    #[scoped] headers: Utf8,
    #[scoped] body: OutgoingBody,
    #[smi] worker: u32,
    #[string] call: String,
) -> Result<Reply, FetchError> {
    let prepared = prepare(&state, event, cancel, &method, &url, &headers, body)?;
    let (loader, caller) = {
        let state = state.borrow();
        let loader = loader(&state).map_err(FetchError::Loaded)?;
        (loader, caller(&state, event)?)
    };
    let call = read_call(&call)?;
    prepared
        .through(move |_origin, request| loader.fetch(&caller, worker, call, request))
        .await
}
