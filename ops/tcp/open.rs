//! `connect()`: it goes the way of `fetch()`, and is counted as that is.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{CancelFuture as _, OpState, ResourceId, op2};
use deno_error::JsErrorBox;

use super::request::{Secure, authority, request};
use super::resource::{TcpResource, gone};
use crate::account::metered;
use crate::egress::EgressHandle;
use crate::error::FetchError;
use crate::events::Events;
use crate::fetch::FetchLimits;
use crate::origin::EventId;

/// What an agent is told of a connection that does not come about, in workerd's words.
const FAILED: &str = "proxy request failed, cannot connect to the specified address";

/// What is added for ports of HTTP.
const USE_FETCH: &str =
    ". It looks like you might be trying to connect to a HTTP-based service — consider using fetch instead";

/// Opens a connection that an event has asked for. `binding` below zero is none. Gives host and port.
#[op2]
#[string]
pub(crate) async fn op_tcp_connect(
    state: Rc<RefCell<OpState>>,
    #[smi] event: EventId,
    #[smi] rid: ResourceId,
    #[string] hostname: String,
    #[smi] port: u16,
    #[string] secure: String,
    #[smi] binding: i32,
) -> Result<String, JsErrorBox> {
    let tcp = state.borrow().resource_table.get::<TcpResource>(rid);
    let tcp = tcp.map_err(|_| gone())?;
    let opened = open(&state, event, &tcp, (&hostname, port, &secure), binding).await;
    opened.inspect_err(|error| tcp.over(Some(&error.to_string())))
}

async fn open(
    state: &Rc<RefCell<OpState>>,
    event: EventId,
    tcp: &TcpResource,
    (hostname, port, secure): (&str, u16, &str),
    binding: i32,
) -> Result<String, JsErrorBox> {
    let invalid = |error: FetchError| match error {
        FetchError::Invalid(why) => JsErrorBox::type_error(why),
        error => JsErrorBox::from_err(error),
    };
    let secure =
        Secure::named(secure).ok_or_else(|| JsErrorBox::type_error("secureTransport is none that there is"))?;
    let request = request(hostname, port, secure).map_err(invalid)?;
    let (scope, egress, limits) = {
        let state = state.borrow();
        let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
        let egress = Rc::clone(state.borrow::<EgressHandle>());
        (scope, egress, *state.borrow::<FetchLimits>())
    };
    if !scope.count_fetch(limits.subrequests) {
        return Err(JsErrorBox::from_err(FetchError::TooMany));
    }
    let authority = authority(&request.url);
    let slots = Rc::clone(&scope.slots);
    let account = scope.origin.trace.account().cloned();
    let asking = Rc::clone(&scope);
    let connecting = async move {
        let _slot = slots.acquire().await;
        egress.fetch(&asking.origin, u32::try_from(binding).ok(), request).await
    };
    let connecting = metered(account, connecting)
        .or_cancel(Rc::clone(&scope.cancel))
        .or_cancel(Rc::clone(&tcp.cancel));
    let failed = |why: &str| {
        let hint = if matches!(port, 80 | 443) { USE_FETCH } else { "" };
        JsErrorBox::generic(format!("{FAILED}{why}{hint}"))
    };
    let response = match connecting.await {
        Ok(Ok(response)) => response.map_err(|error| match error {
            FetchError::OutboundWorker => failed(""),
            FetchError::Network(why) => failed(&format!(": {why}")),
            error => JsErrorBox::from_err(error),
        })?,
        _ => return Err(gone()),
    };
    let end = response.socket.ok_or_else(|| failed(""))?;
    tcp.opens(end);
    Ok(authority)
}
