//! `env.LOADER`'s ops: what a script gives is checked anew, and handed to the host's loader.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use deno_core::convert::ByteString;
use deno_core::{FromV8, OpState, ResourceId, op2, serde_json, v8};
use deno_error::JsErrorBox;

use crate::error::FetchError;
use crate::external_memory::ExternalMemory;
use crate::fetch::{FetchLimits, Reply, prepare};
use crate::loading::{Call, LoaderEvent, LoaderHandle, Order};
use crate::origin::{EventId, Target};
use crate::outgoing::OutgoingBody;
use crate::worker_log::Lines;

/// The contents of modules: strings and bytes in an array of ours.
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
    LoaderEvent::of(state, event, subrequests).ok_or(FetchError::EventEnded)
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

/// Begins to load a worker, and gives its number.
#[op2]
#[smi]
pub(crate) fn op_loader_load(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] binding: u32,
    #[string] id: Option<String>,
    #[string] settings: String,
    #[scoped] contents: Contents,
    #[buffer] env: &[u8],
) -> Result<u32, JsErrorBox> {
    let loader = loader(state)?;
    let caller = caller(state, event).map_err(JsErrorBox::from_err)?;
    if !caller.may_load() {
        return Err(JsErrorBox::from_err(FetchError::TooMany));
    }
    let order = Order {
        binding,
        id,
        settings,
        contents: contents.0,
        env: env.to_vec(),
        external: state.borrow::<ExternalMemory>().clone(),
        lines: state.borrow::<Lines>().clone(),
    };
    loader.load(&caller, order).map_err(JsErrorBox::type_error)
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
    #[scoped] headers: ByteString,
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
    let (entrypoint, props, cpu, subrequests): (Option<String>, String, Option<u32>, Option<u32>) =
        serde_json::from_str(&call).map_err(|error| FetchError::Invalid(error.to_string()))?;
    let call = Call {
        target: Target::Entrypoint { entrypoint, props },
        cpu: cpu.map(|cpu| Duration::from_millis(cpu.into())),
        subrequests,
    };
    prepared
        .through(move |_origin, request| loader.fetch(&caller, worker, call, request))
        .await
}
