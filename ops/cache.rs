//! `caches`: an HTTP cache in memory, of one agent (on all its threads) or of one isolate of a policy, and never of two.
//! <https://developers.cloudflare.com/workers/runtime-apis/cache/>, with freshness by RFC 9111.

mod conditional;
mod freshness;
pub mod store;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use deno_core::{CancelFuture as _, OpState, op2};
use deno_error::JsErrorBox;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::account::metered;
use crate::body::{Body, BodyResource};
use crate::clock::wall;
use crate::error::{BodyError, FetchError};
use crate::events::{Events, Scope};
use crate::external_memory::OutOfMemory;
use crate::head::{self, Utf8};
use crate::outgoing::OutgoingBody;
use conditional::{Answer, answer};
use store::{Caches, Key, Stored};

fn scope_of(state: &OpState, event: u32) -> Result<Rc<Scope>, FetchError> {
    state.borrow::<Events>().scope(event).ok_or(FetchError::EventEnded)
}

fn key(cache: &str, url: &str) -> Key {
    // What is behind it reaches no server.
    let url = url.split('#').next().unwrap_or_default();
    Key::new(cache, url)
}

/// Keeps a response, of which the script tells as [`told`] does, without the body's resource. Gives whether it was kept: a response
/// that says that nobody may is dropped.
#[op2]
pub(crate) async fn op_cache_put(
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[string] cache: String,
    #[string] url: String,
    #[scoped] request: Utf8,
    #[scoped] response: Utf8,
    #[scoped] body: OutgoingBody,
) -> Result<bool, JsErrorBox> {
    let (store, scope, body) = {
        let mut state = state.borrow_mut();
        let scope = scope_of(&state, event).map_err(JsErrorBox::from_err)?;
        let body = body.take(&mut state).map_err(JsErrorBox::from_err)?;
        (state.borrow::<Caches>().clone(), scope, body)
    };
    let request = head::split(&request).map_err(JsErrorBox::from_err)?;
    let mut lines = response.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let coded = !line().is_empty();
    let status = StatusCode::from_bytes(line()).map_err(|_| JsErrorBox::range_error("not a status"))?;
    let reason = String::from_utf8_lossy(line()).into_owned();
    let mut headers = head::split(line()).map_err(JsErrorBox::from_err)?;
    head::strip_hop_by_hop(&mut headers);
    let Some(kept) = freshness::judge(&url, &request, status, &mut headers, wall()) else {
        return Ok(false);
    };
    let account = scope.origin.trace.account().cloned();
    let reading = metered(account, collect(Arc::clone(&store), body));
    let body = reading
        .or_cancel(Rc::clone(&scope.cancel))
        .await
        .map_err(|_| JsErrorBox::from_err(FetchError::EventEnded))?
        .map_err(JsErrorBox::from_err)?;
    let stored = Stored {
        status,
        reason,
        headers,
        body,
        coded,
        kept,
    };
    store.put(key(&cache, &url), stored).map_err(JsErrorBox::from_err)?;
    Ok(true)
}

/// A whole body, counted in the cache's memory. What was used longest ago makes room.
async fn collect(store: Caches, body: Body) -> Result<Bytes, BodyError> {
    let mut reservation = store.memory().reserve(0)?;
    let mut whole = Vec::new();
    let mut stream = body.into_decoded(None);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if whole.len() + chunk.len() > store.most() {
            return Err(BodyError::TooLarge(store.most() as u64));
        }
        while let Err(full) = reservation.grow(chunk.len()) {
            if !store.evict() {
                return Err(full.into());
            }
        }
        whole.extend_from_slice(&chunk);
    }
    // What is counted is what there is.
    whole.shrink_to_fit();
    Ok(reservation.hold(whole))
}

/// What is kept for a request, as lines: whether its body is in its content coding, the status, the body's resource or nothing, the
/// reason, and the headers. Nothing where there is nothing, or nothing that is fresh.
#[op2]
pub(crate) fn op_cache_match(
    state: &mut OpState,
    #[smi] event: u32,
    #[string] cache: &str,
    #[string] url: &str,
    #[scoped] request: Utf8,
) -> Result<Option<Utf8>, FetchError> {
    let scope = scope_of(state, event)?;
    let request = head::split(&request)?;
    let now = wall();
    let store = state.borrow::<Caches>().clone();
    let Some(stored) = store.get(&key(cache, url), |stored| stored.kept.fits(&request, now)) else {
        return Ok(None);
    };
    let Answer { status, headers, body } = answer(&request, &stored);
    let mut headers = headers;
    headers.insert(http::header::AGE, HeaderValue::from(stored.kept.age(now).as_secs()));
    headers.insert("cf-cache-status", HeaderValue::from_static("HIT"));
    let rid = body.filter(|body| !body.is_empty()).map(|body| {
        let account = scope.origin.trace.account();
        let resource = BodyResource::new(Body::Full(body), account, Rc::clone(&scope.holding), None);
        let rid = state.resource_table.add(resource);
        scope.own(rid);
        rid.to_string()
    });
    let reason = if status == stored.status {
        stored.reason.as_str()
    } else {
        status.canonical_reason().unwrap_or_default()
    };
    Ok(Some(told(stored.coded, status, rid.as_deref(), reason, &headers)))
}

fn told(coded: bool, status: StatusCode, rid: Option<&str>, reason: &str, headers: &HeaderMap) -> Utf8 {
    let first = if coded { "coded" } else { "" };
    let (status, rid, reason) = (status.as_u16(), rid.unwrap_or_default(), reason.replace('\n', "?"));
    format!("{first}\n{status}\n{rid}\n{reason}\n{}", head::join(headers)).into()
}

/// Forgets what is kept of a URL. Gives whether there was something.
#[op2(fast)]
pub(crate) fn op_cache_delete(
    state: &mut OpState,
    #[smi] event: u32,
    #[string] cache: &str,
    #[string] url: &str,
) -> Result<bool, FetchError> {
    scope_of(state, event)?;
    let now = wall();
    Ok(state.borrow::<Caches>().remove(&key(cache, url), now))
}

impl From<OutOfMemory> for FetchError {
    fn from(error: OutOfMemory) -> Self {
        Self::Invalid(error.to_string())
    }
}
