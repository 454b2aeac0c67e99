//! Tokens that a policy in a process asks for: they are of the identity of the agent whose event it is, and signed here.

use std::rc::Rc;

use deno_core::unsync::spawn;
use workerd_lite_ops::FetchError;

use super::link::Link;
use super::room::Room;
use crate::boundary::{Call, LinkError, TokenCame};

/// Gives a token. Fails where no process of ours asks for that.
pub(super) fn called(link: &Rc<Link>, head: &[u8], call: Call) -> Result<(), LinkError> {
    if !link.is_policys {
        return Err(LinkError::Head("agents have no tokens"));
    }
    let came = TokenCame::read(head, call)?;
    let room = Room::of(link, head.len());
    let event = link.events.get(came.event).ok_or(FetchError::EventEnded);
    let event = event.and_then(|event| event.count_token().map(|()| event));
    if event.is_err() {
        link.stray()?;
    }
    let asked = event.and_then(|event| {
        let room = room?;
        let gate = link.gate(event.agent, None)?;
        Ok((room, gate.token(&event.origin(), &came.audience, &came.claims)))
    });
    spawn(async move {
        let answer = match asked {
            // It has that until it is answered.
            Ok((_room, asked)) => asked.await,
            Err(error) => Err(error),
        };
        came.answer(answer);
    });
    Ok(())
}
