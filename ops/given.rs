//! What a script gives to a worker that it loads, as its stubs say it.

use std::rc::Rc;
use std::time::Duration;

use deno_core::serde_json;
use deno_error::JsErrorBox;
use serde::Deserialize;

use crate::error::FetchError;
use crate::inbox::Inbox;
use crate::loading::{Call, Given, LoaderEvent};
use crate::origin::{EventId, Target};
use crate::rpc::Lent;

/// A stub, as `js/loader/given.js` describes it.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Description {
    /// One that the event holds, by its number.
    Stub(u32),
    /// An object or a function that it gives, likewise.
    Object(i32),
    /// One of the worker's services, by its place.
    Service(u32),
    /// One of a policy's bindings, by its place.
    Binding(u32),
    /// An export of the worker's own, and its props as JSON.
    Own(Option<String>, String),
    /// A loaded worker, and what its stub says.
    Loaded(u32, String),
}

impl Description {
    /// What it stands for. `named`: whether the worker that is given it outlives the event.
    pub(crate) fn find(
        self,
        caller: &LoaderEvent,
        own: &Rc<Inbox>,
        event: EventId,
        named: bool,
    ) -> Result<Given, JsErrorBox> {
        if named && matches!(self, Self::Stub(_) | Self::Object(_)) {
            return Err(JsErrorBox::type_error(
                "env: a function, an RpcTarget or a stub is its event's, which a worker of get() outlives: give it ctx.exports.Name({ props }), \
                 or pass it to a method",
            ));
        }
        Ok(match self {
            Self::Stub(id) => {
                let stub = caller.scope.rpc.imported(id);
                Given::Capability(stub.ok_or_else(|| JsErrorBox::generic("RPC stub used after being disposed."))?)
            }
            Self::Object(number) => Given::Capability(Rc::new(Lent {
                inbox: Rc::clone(own),
                event,
                number,
            })),
            Self::Service(place) => Given::Service(place),
            Self::Binding(place) => Given::Binding(place),
            Self::Own(entrypoint, props) => Given::Own(Target::Entrypoint { entrypoint, props }),
            Self::Loaded(worker, call) => Given::Loaded(worker, read_call(&call).map_err(JsErrorBox::from_err)?),
        })
    }
}

/// What a stub of a loaded worker says, as JSON: the entrypoint, the props as JSON, milliseconds of CPU time, and subrequests.
pub(crate) fn read_call(call: &str) -> Result<Call, FetchError> {
    let (entrypoint, props, cpu, subrequests): (Option<String>, String, Option<u32>, Option<u32>) =
        serde_json::from_str(call).map_err(|error| FetchError::Invalid(error.to_string()))?;
    Ok(Call {
        target: Target::Entrypoint { entrypoint, props },
        cpu: cpu.map(|cpu| Duration::from_millis(cpu.into())),
        subrequests,
    })
}
