//! `connect()` of agents in a process: it goes the way of their requests, and what passes over the connection passes over the link.

use std::rc::Rc;

use deno_core::unsync::spawn;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::{Origin, Request};

use super::egress::event;
use super::events::Event;
use super::link::Link;
use crate::boundary::{Call, DialCame, LinkError, Refused, Sender, carry};

/// Opens a connection. Fails where no process of ours asks for that.
pub(super) fn called(link: &Rc<Link>, head: &[u8], call: Call) -> Result<(), LinkError> {
    let (came, request) = DialCame::read(head, call)?;
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
    let origin = Origin {
        caller: 0,
        trace: Rc::clone(&event.trace),
    };
    let fetching = async {
        let gate = link.gate(event.agent, came.loaded.as_ref())?;
        let _slot = event.slots.acquire().await;
        gate.fetch(&origin, None, request).await
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
    tokio::select! {
        biased;
        carried = carry(came.open(), end, Sender::Process) => if let Err(error) = carried {
            link.broken(&error);
        },
        () = event.over() => {}
    }
}
