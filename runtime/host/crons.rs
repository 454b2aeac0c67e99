//! Calls agents' `scheduled()` handlers by the time: <https://developers.cloudflare.com/workers/configuration/cron-triggers/>.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use deno_core::unsync::spawn;
use http::HeaderMap;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::trace::Trace;

use super::agent::Agent;
use super::minutes::Minutes;
use super::{Inner, Instance};

/// What timers may be late or early by.
const SLACK: Duration = Duration::from_millis(50);

const MINUTE: i64 = 60;

/// Calls what is due in each minute that no other thread has taken, for as long as the instance serves.
pub(super) async fn run(instance: Weak<Inner>, minutes: Arc<Minutes>) {
    loop {
        let now = Utc::now();
        let left = MINUTE - now.timestamp().rem_euclid(MINUTE);
        let left = Duration::from_secs(left.unsigned_abs()) + SLACK;
        let since = Duration::from_nanos(now.timestamp_subsec_nanos().into());
        tokio::time::sleep(left.saturating_sub(since)).await;
        let Some(inner) = instance.upgrade() else { return };
        if inner.is_draining.get() {
            return;
        }
        // Minutes that the machine slept through are not called.
        let minute = Utc::now().timestamp().div_euclid(MINUTE);
        let Some(begin) = DateTime::from_timestamp(minute * MINUTE, 0) else {
            return;
        };
        if !minutes.take(minute) {
            continue;
        }
        let instance = Instance(inner);
        for (place, agent) in instance.0.project.agents.iter().enumerate() {
            for trigger in agent.crons.iter().filter(|trigger| trigger.is_due(begin)) {
                let calling = call(
                    instance.clone(),
                    place,
                    Arc::clone(agent),
                    trigger.as_str().to_owned(),
                    begin,
                );
                spawn(metered(agent.worker.account.clone(), calling));
            }
        }
    }
}

async fn call(instance: Instance, place: usize, agent: Arc<Agent>, cron: String, begin: DateTime<Utc>) {
    let (name, tenant) = (&*agent.worker.name, agent.tenant.as_deref());
    let apart = agent.worker.quarantine.as_ref();
    if apart.is_some_and(|quarantine| quarantine.is_ejected() || quarantine.is_quarantined()) {
        tracing::warn!(target: "worker", agent = name, tenant, cron, "its scheduled handler is not called: it works apart");
        return;
    }
    let trace = Rc::new(Trace::of(&HeaderMap::new()));
    let request_id = trace.request_id();
    let time = u64::try_from(begin.timestamp_millis()).unwrap_or_default();
    let why = match instance.scheduled((place, &agent), &cron, time, trace).await {
        Ok(Ok(())) => return,
        Ok(Err(why)) => why,
        Err(error) => error.details(),
    };
    tracing::error!(target: "worker", agent = name, tenant, cron, request_id = &*request_id, "the scheduled handler failed: {why}");
}
