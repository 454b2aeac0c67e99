//! What `js/sockets/socket.js` calls for a connection, from when it is asked for.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use deno_core::{CancelFuture as _, OpState, ResourceId, op2};
use deno_error::JsErrorBox;

use super::reader::TcpReader;
use super::resource::{LOST, TcpResource, gone, keep};
use crate::events::{self, Events};
use crate::external_memory::ExternalMemory;
use crate::origin::EventId;
use crate::role::Role;
use crate::start_tls::StartTls;
use crate::websocket::{Frame, OVERHEAD, SocketEnd, socket_pair};

fn find(state: &OpState, rid: ResourceId) -> Result<Rc<TcpResource>, JsErrorBox> {
    state.resource_table.get::<TcpResource>(rid).map_err(|_| gone())
}

fn close(state: &mut OpState, rid: ResourceId) {
    if let Ok(resource) = state.resource_table.take_any(rid) {
        resource.close();
    }
}

/// A connection that an event is going to ask for.
#[op2(fast)]
#[smi]
pub(crate) fn op_tcp_new(
    state: &mut OpState,
    #[smi] event: EventId,
    #[string] host: String,
) -> Result<ResourceId, JsErrorBox> {
    let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
    keep(state, &scope, host, None)
}

/// Both ends of a connection between two isolates, for an event: its own, and the one that it hands on.
#[op2]
#[serde]
pub(crate) fn op_tcp_pair(state: &mut OpState, #[smi] event: EventId) -> Result<(ResourceId, ResourceId), JsErrorBox> {
    let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
    let (one, other) = socket_pair();
    let own = keep(state, &scope, String::new(), Some(one))?;
    match keep(state, &scope, String::new(), Some(other)) {
        Ok(other) => Ok((own, other)),
        Err(error) => {
            close(state, own);
            Err(error)
        }
    }
}

/// What comes over it, as a resource that streams read.
#[op2(fast)]
#[smi]
pub(crate) fn op_tcp_readable(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] rid: ResourceId,
    secured: bool,
) -> Result<ResourceId, JsErrorBox> {
    let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
    let tcp = find(state, rid)?;
    tcp.is_used(state.borrow::<ExternalMemory>().clone());
    let reader = state.resource_table.add(TcpReader::new(tcp, secured));
    scope.own(reader);
    Ok(reader)
}

/// Sends bytes, once there is room for them. They are copied: the script still holds the memory.
#[op2]
pub(crate) async fn op_tcp_write(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[buffer(copy)] bytes: Vec<u8>,
    secured: bool,
) -> Result<(), JsErrorBox> {
    let (tcp, reservation) = {
        let state = state.borrow();
        let memory = state.borrow::<ExternalMemory>();
        let mut reservation = memory.reserve(bytes.len()).map_err(JsErrorBox::from_err)?;
        reservation.grow(OVERHEAD).map_err(JsErrorBox::from_err)?;
        let tcp = find(&state, rid)?;
        tcp.is_used(memory.clone());
        (tcp, reservation)
    };
    if bytes.is_empty() {
        return Ok(());
    }
    let writing = async {
        let end = tcp.opened(secured).await?;
        poll_fn(|cx| end.poll_room(cx)).await;
        if end.push(Frame::Binary(reservation.hold(bytes))) {
            Ok(())
        } else {
            Err(JsErrorBox::generic(LOST))
        }
    };
    let written = writing.or_cancel(Rc::clone(&tcp.cancel)).await;
    written.unwrap_or_else(|_| Err(gone()))
}

/// Nothing more is sent.
#[op2]
pub(crate) async fn op_tcp_finish(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    secured: bool,
) -> Result<(), JsErrorBox> {
    let tcp = find(&state.borrow(), rid)?;
    let finishing = async {
        let end = tcp.opened(secured).await?;
        end.push(Frame::Close(1000, String::new()));
        Ok(())
    };
    let finished = finishing.or_cancel(Rc::clone(&tcp.cancel)).await;
    finished.unwrap_or_else(|_| Err(gone()))
}

/// Waits until its stream has come to the peer's end, or nobody is there any longer. Fails with why, where that was a failure.
#[op2]
pub(crate) async fn op_tcp_ended(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    half: bool,
    secured: bool,
) -> Result<(), JsErrorBox> {
    let tcp = find(&state.borrow(), rid);
    // It was closed meanwhile.
    let Ok(tcp) = tcp else { return Ok(()) };
    tcp.ended(half, secured).await
}

/// It is over, here: who reads it comes to an end.
#[op2(fast)]
pub(crate) fn op_tcp_end(state: &mut OpState, #[smi] rid: ResourceId) {
    close(state, rid);
}

/// Goes on under TLS, with the host that was connected to, or another whose certificate the server is to have.
#[op2]
pub(crate) async fn op_tcp_start_tls(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[string] name: Option<String>,
) -> Result<(), JsErrorBox> {
    let (tcp, role) = {
        let state = state.borrow();
        let tcp = find(&state, rid)?;
        tcp.is_used(state.borrow::<ExternalMemory>().clone());
        (tcp, *state.borrow::<Role>())
    };
    let refused = |why: &str| Err(JsErrorBox::type_error(format!("TLS could not be started: {why}")));
    let name = name.filter(|name| !name.eq_ignore_ascii_case(&tcp.host));
    // Whose name the server is told is the policy's to choose: it leads to one of many behind an address.
    if role == Role::Agent && name.is_some() {
        return refused("the expectedServerHostname is another host than the one that was connected to");
    }
    let starting = async {
        let end = tcp.opened(false).await?;
        if tcp.is_inbound() {
            return goes_on(&tcp, &end).await;
        }
        if tcp.detach_reader(false) || !end.has_nothing() {
            return refused("the server has sent something that was not read");
        }
        let (asks, answered) = StartTls::new(name);
        if !end.push(Frame::StartTls(asks)) {
            return Err(JsErrorBox::generic(LOST));
        }
        match answered.await {
            Ok(Ok(())) => {
                tcp.is_secured();
                Ok(())
            }
            Ok(Err(why)) => refused(&why),
            Err(_) => Err(JsErrorBox::generic(LOST)),
        }
    };
    let started = starting.or_cancel(Rc::clone(&tcp.cancel)).await;
    let started = started.unwrap_or_else(|_| Err(gone()));
    started.inspect_err(|error| tcp.over(Some(&error.to_string())))
}

/// Lets whoever has asked for a connection go on under TLS once they want to. What passes between isolates is nobody's to read: there is no TLS
/// on it.
async fn goes_on(tcp: &TcpResource, end: &SocketEnd) -> Result<(), JsErrorBox> {
    let unread = tcp.detach_reader(false);
    let asked = match tcp.take_asked() {
        Some(asked) => asked,
        None => match end.next().await {
            Some(Frame::StartTls(asked)) => asked,
            Some(Frame::Text(_) | Frame::Binary(_)) => return Err(unread_before()),
            Some(Frame::Close(..) | Frame::Failed(_)) | None => return Err(JsErrorBox::generic(LOST)),
        },
    };
    if unread {
        asked.answer(Err("the other side has not read all that was sent before".to_owned()));
        return Err(unread_before());
    }
    tcp.is_secured();
    asked.answer(Ok(()));
    Ok(())
}

fn unread_before() -> JsErrorBox {
    JsErrorBox::type_error("TLS could not be started: the other side has sent something that was not read")
}

/// An event goes on while its handler does, which has taken a connection.
#[op2(fast)]
pub(crate) fn op_tcp_hold(state: &mut OpState, #[smi] event: EventId) -> bool {
    events::socket_opens(state, event)
}

/// And its handler has ended. Gives whether the event ended with it.
#[op2(fast)]
pub(crate) fn op_tcp_release(state: &mut OpState, #[smi] event: EventId) -> bool {
    events::socket_closes(state, event)
}
