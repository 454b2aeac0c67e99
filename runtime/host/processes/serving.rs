//! What serves a link: the process's requests are answered, and its events end when it says so.

use std::rc::Rc;
use std::time::Duration;

use super::link::Link;
use super::{bridges, dials, egress, tails, tokens};
use crate::boundary::{Call, Came, DialCame, End, Handler, LinkError, Tells, TokenCame};
use deno_core::unsync::spawn;

struct Serving(Rc<Link>);

impl Handler for Serving {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        if let Some(came) = Came::of(head) {
            return bridges::came(&self.0, came, head, call);
        }
        if Tells::is(head) {
            return tails::told(&self.0, head, call);
        }
        if DialCame::is(head) {
            return dials::called(&self.0, head, call);
        }
        if TokenCame::is(head) {
            return tokens::called(&self.0, head, call);
        }
        egress::called(&self.0, head, call)
    }

    fn over(&self, event: u32, cpu: Duration) -> Result<(), LinkError> {
        match self.0.events.end(event) {
            Some(event) => {
                event.computed(cpu);
                Ok(())
            }
            None => self.0.stray(),
        }
    }

    fn noted(&self, event: u32, what: u8, number: u32) -> Result<(), LinkError> {
        let event = self.0.events.get(event);
        let Some(bridge) = event.as_ref().and_then(|event| event.bridge()).map(Rc::clone) else {
            return self.0.stray();
        };
        let link = Rc::clone(&self.0);
        // What has come before it is read first.
        spawn(async move {
            if !bridge.noted(what, number)
                && let Err(error) = link.stray()
            {
                link.broken(&error);
            }
        });
        Ok(())
    }

    fn look(&self) -> Result<bool, LinkError> {
        let (pruned, busy) = self.0.events.prune();
        for _ in 0..pruned {
            self.0.stray()?;
        }
        Ok(busy)
    }
}

/// Serves a link until it ends, and ends its process where that breaks a rule.
pub(super) async fn serve(link: Rc<Link>, socket: End) {
    let served = link.connection.run(socket, Serving(Rc::clone(&link))).await;
    link.over.set(true);
    if let Err(error) = served {
        link.broken(&error);
    }
}
