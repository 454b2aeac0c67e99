//! Events that are requests: of clients, of agents that call this one's `fetch()`, and of agents for whom a policy judges.

use deno_core::unsync::spawn;
use http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::Role;
use workerd_lite_ops::account::metered;

use super::serves::{Serves, aimed};
use crate::boundary::{Asked, Call, Failure, LinkError, Sender, TlsAt, To, Wire, carry};
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
    let (trace, cpu) = serves.event(number, (envelope.request_id, envelope.aim), &agent);
    let account = trace.account().cloned();
    let begun = aimed(serves, (place, &agent), trace, envelope.aim);
    let connects = asked.connects();
    let (request, answering) = asked.request();
    spawn(async move {
        let dispatching = async {
            let (cell, origin, target) = begun?;
            let mut response = cell.dispatch_to(request(), origin, target).await?;
            if connects && response.socket.is_some() {
                // A handler of connections says nothing of a status.
                response.status = StatusCode::SWITCHING_PROTOCOLS;
            }
            Ok(response)
        };
        let answered = tokio::select! {
            biased;
            answered = metered(account, dispatching) => answered,
            () = answering.unwanted() => return,
        };
        let socket = answering.answer(answered.map_err(Failure::Event), cpu.get()).await;
        let Some((call, end)) = socket else { return };
        if !connects {
            websocket::run_between(Wire::from(call), Role::Server, agent.worker.limits.sockets, end).await;
        } else if let Err(error) = carry(call, end, TlsAt::Here { names: false }).await {
            tracing::error!("{error}");
        }
    });
    Ok(())
}
