//! What a process tells of an event that has ended: once, and in the name of the agent whose event it is.

use std::rc::Rc;

use deno_core::unsync::spawn;
use serde_json::Value;
use workerd_lite_ops::Origin;

use super::link::Link;
use super::room::Room;
use crate::boundary::{Call, LinkError, Tells};

/// Tells whoever is told of the agent's events. Fails where no process of ours tells so.
pub(super) fn told(link: &Rc<Link>, head: &[u8], call: Call) -> Result<(), LinkError> {
    let tells = Tells::read(head, call)?;
    let event = link.events.get(tells.event).filter(|event| !event.told.replace(true));
    let Some(event) = event else {
        return link.stray();
    };
    let link = Rc::clone(link);
    spawn(async move {
        let Ok(_room) = Room::of(&link, tells.length()) else {
            return;
        };
        let Some(Value::Object(mut item)) = tells.item().await else {
            return;
        };
        let (Ok(gate), Some(name)) = (link.gate(event.agent, None), link.names.get(event.agent)) else {
            return;
        };
        // Whose it is says its event.
        item.insert("scriptName".to_owned(), Value::String(name.clone()));
        let origin = Origin {
            caller: 0,
            trace: Rc::clone(&event.trace),
        };
        gate.tell(&origin, &Value::Object(item));
    });
    Ok(())
}
