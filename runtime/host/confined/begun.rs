//! Events that are calls: of another agent's, of what tells of an event, and of the time.

use workerd_lite_ops::rpc::{Broken, Failure};

use super::event::LinkEvent;
use super::serves::{Serves, aimed};
use crate::boundary::{Call, LinkError, Opened, refuse};

pub(super) fn called(serves: &Serves, head: &[u8], call: Call) -> Result<(), LinkError> {
    let number = call.number();
    let opened = Opened::read(head)?;
    let early = serves.early.take(number);
    let begin = opened.begin;
    let Some((place, agent)) = serves.agent(begin.agent) else {
        refuse(&call, &Failure::gone());
        serves.connection.over(number, std::time::Duration::ZERO);
        return Ok(());
    };
    let (trace, _) = serves.event(number, (Some(begin.request_id), Some(begin.aim)), &agent);
    let Some(event) = LinkEvent::of(&trace) else {
        return Ok(());
    };
    let bridge = std::rc::Rc::clone(&event.open.bridge);
    drop(event);
    for (head, call) in early {
        bridge.came_over(&head, call)?;
    }
    let door = begin.aim.door;
    match aimed(serves, (place, &agent), trace, Some(begin.aim)) {
        Ok((cell, origin, target)) => bridge.begins(opened, call, move |call| cell.call(call, origin, door, target)),
        Err(error) => {
            let why = Failure::new("Error", error.details());
            bridge.begins(opened, call, move |call| Broken::refuse(call.reply, why))
        }
    }
}
