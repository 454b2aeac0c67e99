//! One thread of a confined process: it runs its agents' isolates, for the events of its links.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::spawn;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::trace::{REQUEST_ID, Trace};
use workerd_lite_ops::{Body, Origin};

use super::event::{Back, LinkEvent};
use super::way::WayBack;
use crate::boundary::{Ends, Failure, Sent, answer, asked, client, ends, server};
use crate::host::Instance;
use crate::host::project::Project;
use crate::limits;

/// How many events are told of at once that are over.
const TOLD: usize = 256;

/// How long those are gathered.
const GATHERED: std::time::Duration = std::time::Duration::from_millis(5);

/// Serves links until there can be no more of them.
pub(super) fn run(project: &Project, links: mpsc::UnboundedReceiver<Ends>) {
    match limits::runtime() {
        Ok(runtime) => runtime.block_on(serve(project, links)),
        Err(error) => tracing::error!("a thread for agents could not be set up: {error}"),
    }
}

async fn serve(project: &Project, mut links: mpsc::UnboundedReceiver<Ends>) {
    let instance = Instance::confined(project, WayBack::shared());
    while let Some(ends) = links.recv().await {
        let instance = instance.clone();
        spawn(async move {
            if let Err(error) = link(instance, ends).await {
                tracing::debug!("a link has ended: {error}");
            }
        });
    }
}

async fn link(instance: Instance, (events, egress): Ends) -> Result<(), Box<dyn std::error::Error>> {
    let headers = instance.largest_head();
    let (sender, connection) = client(UnixStream::from_std(egress)?, headers, None).await?;
    let (ended, over) = mpsc::unbounded_channel();
    let back = Back {
        sender: sender.clone(),
        headers,
        ended,
    };
    let telling = tell(sender, over);
    let service = service_fn(move |request| {
        let (instance, back) = (instance.clone(), back.clone());
        async move { Ok::<_, Infallible>(event(&instance, back, request).await) }
    });
    let serving = server(UnixStream::from_std(events)?, headers, service);
    tokio::select! {
        ended = connection => ended?,
        ended = serving => ended?,
        () = telling => {}
    }
    Ok(())
}

/// Tells of events that were over after their responses.
async fn tell(mut sender: hyper::client::conn::http2::SendRequest<Sent>, mut over: mpsc::UnboundedReceiver<u32>) {
    let mut events = Vec::new();
    while over.recv_many(&mut events, TOLD).await > 0 {
        tokio::time::sleep(GATHERED).await;
        while events.len() < TOLD
            && let Ok(event) = over.try_recv()
        {
            events.push(event);
        }
        // Where it fails, the link is over.
        let _ = sender.send_request(ends(&events)).await;
        events.clear();
    }
}

async fn event(instance: &Instance, back: Back, request: http::Request<Incoming>) -> http::Response<Sent> {
    let (telling, answered) = match asked(request, back.headers) {
        Ok((envelope, mut request)) => {
            request.cf = envelope.cf.map(Into::into);
            let mut known = http::HeaderMap::new();
            if let Some(id) = envelope.request_id.and_then(|id| id.parse().ok()) {
                known.insert(REQUEST_ID, id);
            }
            let trace = Trace::of(&known);
            let (event, telling) = LinkEvent::new(envelope.event, back);
            trace.charge_to(event);
            (telling, run_event(instance, envelope.to, request, Rc::new(trace)).await)
        }
        Err(error) => {
            tracing::error!("{error}");
            return answer(Err(Failure::Event(workerd_lite_ops::EventError::Shutdown)), None, None);
        }
    };
    let whole = match &answered {
        Ok(response) => !matches!(response.body, Body::Stream(_)),
        Err(_) => true,
    };
    match telling.now().filter(|_| whole) {
        Some(now) => answer(answered, Some(now), None),
        None => answer(answered, None, Some(Box::new(move || telling.at_the_end()))),
    }
}

async fn run_event(
    instance: &Instance,
    place: usize,
    request: workerd_lite_ops::Request,
    trace: Rc<Trace>,
) -> Result<workerd_lite_ops::Response, Failure> {
    let agent = instance.0.project.agents.get(place).map(Arc::clone);
    let Some(agent) = agent else {
        return Err(Failure::Event(workerd_lite_ops::EventError::Shutdown));
    };
    let account = agent.worker.account.clone();
    if let Some(account) = &account {
        trace.is_for(account);
    }
    let dispatching = async {
        let cell = instance.cell(place, &agent)?;
        cell.dispatch(request, Origin { caller: 0, trace }).await
    };
    metered(account, dispatching).await.map_err(Failure::Event)
}
