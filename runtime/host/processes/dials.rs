//! `connect()` of agents in a process: it goes the way of their requests, and what passes over the connection passes over the link.

use std::rc::Rc;

use deno_core::unsync::spawn;
use workerd_lite_ops::Request;
use workerd_lite_ops::account::metered;

use super::egress::event;
use super::events::Event;
use super::link::Link;
use crate::boundary::{Call, DialCame, LinkError, Refused, TlsAt, carry};

/// Opens a connection. Fails where no process of ours asks for that.
pub(super) fn called(link: &Rc<Link>, head: &[u8], call: Call) -> Result<(), LinkError> {
    let (came, request) = DialCame::read(head, call)?;
    if came.binding.is_some() && !link.is_policys {
        return Err(LinkError::Head("agents have no bindings"));
    }
    let event = event(link, came.event)?;
    let link = Rc::clone(link);
    spawn(async move {
        match event {
            Ok(event) => open(&link, &event, came, request).await,
            Err(error) => came.refuse(&error.into()),
        }
    });
    Ok(())
}

async fn open(link: &Rc<Link>, event: &Rc<Event>, came: DialCame, request: Request) {
    let (origin, binding) = (event.origin(), came.binding);
    let fetching = async {
        let gate = link.gate(event.agent, came.loaded.as_ref())?;
        let _slot = event.slots.acquire().await;
        gate.fetch(&origin, binding, request).await
    };
    let fetched = tokio::select! {
        biased;
        fetched = metered(event.trace.account().cloned(), fetching) => fetched,
        () = came.unwanted() => return,
        () = event.over() => return,
    };
    let end = match fetched {
        Ok(response) => response.socket,
        Err(error) => return came.refuse(&error.into()),
    };
    let Some(end) = end else {
        return came.refuse(&Refused::Denied);
    };
    let Some(_counted) = link.open_tcp(event.limits.sockets.tcp_at_once) else {
        return came.refuse(&Refused::Denied);
    };
    let names = link.is_policys;
    let ends = async {
        // A policy hands it on to an agent, and its event ends: it goes on for as long as its ends do.
        if link.is_policys {
            std::future::pending::<()>().await;
        }
        event.over().await;
    };
    tokio::select! {
        biased;
        carried = carry(came.open(), end, TlsAt::Here { names }) => if let Err(error) = carried {
            link.broken(&error);
        },
        () = ends => {}
    }
}
