//! Events that are requests: of clients, and of agents that call this one's `fetch()`.

use deno_core::unsync::spawn;
use tokio_tungstenite::tungstenite::protocol::Role;
use workerd_lite_ops::account::metered;

use super::thread::{Serves, aimed};
use crate::boundary::{Asked, Call, Failure, LinkError, Sender, To};
use crate::websocket;

pub(super) fn called(serves: &Serves, head: &[u8], call: Call) -> Result<(), LinkError> {
    let number = call.number();
    let asked = match Asked::read((head, Sender::Parent), call, serves.headers) {
        Ok(asked) => asked,
        Err(error) => {
            // The link is in order, and its other events go on.
            tracing::error!("{error}");
            serves.connection.over(number, std::time::Duration::ZERO);
            return Ok(());
        }
    };
    let envelope = asked.envelope();
    let To::Agent(place) = envelope.to else {
        return Err(LinkError::Head("the parent begins events, and nothing else"));
    };
    let Some((place, agent)) = serves.agent(place) else {
        serves.connection.over(number, std::time::Duration::ZERO);
        return Ok(());
    };
    let (trace, cpu) = serves.event(number, envelope.request_id, &agent);
    let begun = aimed(&serves.instance, (place, &agent), trace, envelope.aim);
    let (request, answering) = asked.request();
    let account = agent.worker.account.clone();
    spawn(async move {
        let dispatching = async {
            let (cell, origin, target) = begun?;
            cell.dispatch_to(request(), origin, target).await
        };
        let answered = tokio::select! {
            biased;
            answered = metered(account, dispatching) => answered,
            () = answering.unwanted() => return,
        };
        let socket = answering.answer(answered.map_err(Failure::Event), cpu.get()).await;
        if let Some((wire, end)) = socket {
            websocket::run_between(wire, Role::Server, agent.worker.limits.sockets, end).await;
        }
    });
    Ok(())
}
