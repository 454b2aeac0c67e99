//! What serves a link: the process's requests are answered, and its events end when it says so.

use std::rc::Rc;
use std::time::Duration;

use tokio::net::UnixStream;

use super::link::Link;
use super::{dials, egress, services, tails};
use crate::boundary::{Call, CallCame, DialCame, Handler, LinkError, Tells};

struct Serving(Rc<Link>);

impl Handler for Serving {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        if CallCame::is(head) {
            return services::called(&self.0, head, call);
        }
        if Tells::is(head) {
            return tails::told(&self.0, head, call);
        }
        if DialCame::is(head) {
            return dials::called(&self.0, head, call);
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

    fn look(&self) -> Result<bool, LinkError> {
        let (pruned, busy) = self.0.events.prune();
        for _ in 0..pruned {
            self.0.stray()?;
        }
        Ok(busy)
    }
}

/// Serves a link until it ends, and ends its process where that breaks a rule.
pub(super) async fn serve(link: Rc<Link>, socket: UnixStream) {
    let served = link.connection.run(socket, Serving(Rc::clone(&link))).await;
    link.over.set(true);
    if let Err(error) = served {
        link.broken(&error);
    }
}
