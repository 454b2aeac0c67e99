//! One thread's desk: it takes requests that other threads hand over because this one has their agents' isolates.

use std::rc::{Rc, Weak};

use deno_core::unsync::spawn;
use tokio::sync::mpsc;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request};

use super::job::Job;
use super::residents::Handed;
use super::{Inner, Instance};

/// Serves what is handed over, for as long as the instance is there.
pub(super) async fn serve(instance: Weak<Inner>, mut jobs: mpsc::UnboundedReceiver<Handed>) {
    while let Some((place, Job { request, trace, reply })) = jobs.recv().await {
        let Some(instance) = instance.upgrade().map(Instance) else {
            return;
        };
        let Some(agent) = instance.0.project.agent(place) else {
            let _ = reply.send(Err(EventError::Shutdown));
            continue;
        };
        let account = agent.worker.account.clone();
        let working = async move {
            let mut reply = reply;
            let handling =
                instance.dispatch_here((place, &agent), Request::from(request), Rc::new(Trace::moved(trace)));
            let handled = tokio::select! {
                biased;
                () = reply.closed() => return,
                handled = handling => handled,
            };
            let _ = reply.send(handled.map(Into::into));
        };
        spawn(metered(account, working));
    }
}
