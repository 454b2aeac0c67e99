//! One thread of a confined process: it runs its agents' isolates, for the events of its links.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::Role;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Origin, Request, Response};

use super::event::LinkEvent;
use super::way::WayBack;
use crate::boundary::{Asked, Call, Connection, End, Failure, Handler, LinkError, Sender, To};
use crate::host::Instance;
use crate::host::agent::Agent;
use crate::host::project::Project;
use crate::{limits, websocket};

/// Serves links until there can be no more of them.
pub(super) fn run(project: &Project, links: mpsc::UnboundedReceiver<End>) {
    match limits::runtime() {
        Ok(runtime) => runtime.block_on(serve(project, links)),
        Err(error) => tracing::error!("a thread for agents could not be set up: {error}"),
    }
}

async fn serve(project: &Project, mut links: mpsc::UnboundedReceiver<End>) {
    let instance = Instance::confined(project, Box::new(WayBack::of));
    while let Some(end) = links.recv().await {
        let instance = instance.clone();
        spawn(async move {
            if let Err(error) = link(instance, end).await {
                tracing::debug!("a link has ended: {error}");
            }
        });
    }
}

async fn link(instance: Instance, end: End) -> Result<(), LinkError> {
    let headers = instance.largest_head();
    let connection = Connection::of_process(headers);
    let serves = Serves {
        instance,
        connection: connection.clone(),
        headers,
    };
    connection.run(UnixStream::from_std(end)?, serves).await
}

/// Runs the events of one link.
struct Serves {
    instance: Instance,
    connection: Connection,
    headers: usize,
}

impl Handler for Serves {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        let number = call.number();
        let (event, cpu) = LinkEvent::new(number, self.connection.clone(), self.headers);
        let asked = match Asked::read((head, Sender::Parent), call, self.headers) {
            Ok(asked) => asked,
            Err(error) => {
                // The link is in order, and its other events go on.
                tracing::error!("{error}");
                return Ok(());
            }
        };
        let envelope = asked.envelope();
        let trace = Trace::known_as(envelope.request_id);
        trace.charge_to(event);
        let To::Agent(place) = envelope.to else {
            return Err(LinkError::Head("the parent begins events, and nothing else"));
        };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let agent = self.instance.0.project.agents.get(place).map(Arc::clone);
        let (request, answering) = asked.request();
        let instance = self.instance.clone();
        spawn(async move {
            let Some(agent) = agent else { return };
            let answered = tokio::select! {
                biased;
                answered = run_event(&instance, (place, &agent), request, Rc::new(trace)) => answered,
                () = answering.unwanted() => return,
            };
            let socket = answering.answer(answered.map_err(Failure::Event), cpu.get()).await;
            if let Some((wire, end)) = socket {
                websocket::run_between(wire, Role::Server, agent.worker.limits.sockets, end).await;
            }
        });
        Ok(())
    }

    fn over(&self, _: u32, _: Duration) -> Result<(), LinkError> {
        Err(LinkError::Frame("the parent has no events here"))
    }
}

async fn run_event(
    instance: &Instance,
    (place, agent): (usize, &Arc<Agent>),
    request: impl FnOnce() -> Request,
    trace: Rc<Trace>,
) -> Result<Response, EventError> {
    let account = agent.worker.account.clone();
    if let Some(account) = &account {
        trace.is_for(account);
    }
    let dispatching = async {
        let cell = instance.cell(place, agent)?;
        cell.dispatch(request(), Origin { caller: 0, trace }).await
    };
    metered(account, dispatching).await
}
