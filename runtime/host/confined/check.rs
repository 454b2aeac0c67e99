//! Whether a policy can be started at all, which its owner hears of before anything is served.

use std::sync::Arc;

use super::way::WayBack;
use crate::host::agent::Agent;
use crate::host::project::Project;
use crate::isolate::{Caller, Callers, StartupError};
use crate::limits;

/// Starts the policy once with these callers, on a thread of its own, and puts it away.
pub(super) fn starts(project: &Project, callers: Vec<Caller>) -> Result<(), StartupError> {
    let Some(policy) = project.agents.first().map(Arc::clone) else {
        return Ok(());
    };
    let thread = std::thread::Builder::new().name("start".into());
    let started = thread.spawn(move || start(&policy, callers));
    let started = started.map_err(|error| StartupError::new(format!("a thread could not be started: {error}")))?;
    started
        .join()
        .unwrap_or_else(|_| Err(StartupError::new("it ended while it was started")))
}

fn start(policy: &Agent, callers: Vec<Caller>) -> Result<(), StartupError> {
    let runtime = limits::runtime().map_err(|error| StartupError::new(error.to_string()))?;
    let local = async {
        let worker = policy.ready().await?;
        let handle = worker.handle(callers.len());
        let egress = WayBack::of(policy, None, None);
        let callers = Callers::from(callers);
        worker.boot_again(handle.inbox(), egress, &callers).await.map(drop)
    };
    runtime.block_on(local)
}
