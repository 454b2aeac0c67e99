//! A token while its handler runs.

use std::rc::Rc;

use lol_html::HandlerResult;

use super::protocol::{ABORTED, Change, Command, Event, Property, Reply, Suspend};

/// A token, while its handler runs.
pub(super) trait Unit {
    fn ask(&self, property: Property, name: &str) -> Reply;
    fn change(&mut self, change: Change, suspend: &Rc<dyn Suspend>) -> Reply;
}

/// Gives a token to its handler, and does what that says.
pub(super) fn serve(suspend: &Rc<dyn Suspend>, event: Event, unit: &mut impl Unit) -> HandlerResult {
    let mut command = suspend.suspend(event);
    loop {
        let reply = match command {
            Command::Continue => return Ok(()),
            Command::Ask(property, name) => unit.ask(property, &name),
            Command::Change(change) => unit.change(change, suspend),
            Command::Abort | Command::Write(_) | Command::Finish | Command::Piece(_) => return Err(ABORTED.into()),
        };
        command = suspend.suspend(Event::Reply(reply));
    }
}
