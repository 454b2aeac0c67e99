//! Which thread has an agent's isolate: requests that come to another are handed to that one, so that an agent of thousands has one
//! isolate and not one on each thread. One that has much to do gets another where its requests come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::ThreadId;

use tokio::sync::{broadcast, mpsc};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request, Response};

use super::job::{Job, keeping};
use crate::limits::{Hang, hangs};

/// How many requests are handed to an isolate at once before its agent gets another.
const MOST: usize = 8;

/// A request for an agent, by its place in the project.
pub(super) type Handed = (usize, Job);

/// One thread's isolate of an agent.
#[derive(Debug, Clone)]
pub(super) struct Resident {
    thread: ThreadId,
    jobs: mpsc::UnboundedSender<Handed>,
    /// Requests that were handed to it and have not ended.
    handed: Arc<AtomicUsize>,
}

/// The isolates of all threads, by the agents' places.
#[derive(Debug, Default)]
pub(crate) struct Residents(RwLock<HashMap<usize, Vec<Resident>>>);

/// A request that was handed over, until its response has ended.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Residents {
    /// This thread has an isolate of an agent, and takes requests for it there.
    pub(super) fn add(&self, place: usize, jobs: &mpsc::UnboundedSender<Handed>) {
        let resident = Resident {
            thread: std::thread::current().id(),
            jobs: jobs.clone(),
            handed: Arc::default(),
        };
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(place).or_default().push(resident);
    }

    /// It has none any longer.
    pub(super) fn remove(&self, place: usize) {
        let here = std::thread::current().id();
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(residents) = all.get_mut(&place) {
            residents.retain(|resident| resident.thread != here);
            if residents.is_empty() {
                all.remove(&place);
            }
        }
    }

    /// Nothing is handed to a thread any longer.
    pub(super) fn forsake(&self, thread: ThreadId) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, residents| {
            residents.retain(|resident| resident.thread != thread);
            !residents.is_empty()
        });
    }

    /// The isolate of an agent on another thread, where it has time for one request more.
    pub(super) fn of(&self, place: usize) -> Option<Resident> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let residents = all.get(&place)?.iter();
        let idle = residents.min_by_key(|resident| resident.handed.load(Ordering::Relaxed))?;
        (idle.handed.load(Ordering::Relaxed) < MOST && !idle.jobs.is_closed()).then(|| idle.clone())
    }
}

impl Resident {
    /// Hands a request over. Dropping the future cancels it.
    pub(super) async fn dispatch(self, place: usize, request: Request, trace: &Trace) -> Result<Response, EventError> {
        self.handed.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay(Arc::clone(&self.handed));
        let mut hung = hangs();
        let (job, response) = Job::new(request, trace);
        if self.jobs.send((place, job)).is_err() {
            return Err(EventError::Shutdown);
        }
        let response: Response = tokio::select! {
            biased;
            response = response => response.unwrap_or(Err(EventError::Shutdown))?.into(),
            error = lost(&mut hung, self.thread, trace) => return Err(error),
        };
        Ok(keeping(response, under_way))
    }
}

/// Waits until a thread does not come back from what it does, and tells what that is for a request that waits there.
async fn lost(hung: &mut broadcast::Receiver<Hang>, thread: ThreadId, trace: &Trace) -> EventError {
    let account = trace.account();
    loop {
        match hung.recv().await {
            Ok(Hang::Late(late, worker, why)) if late == thread => {
                let own = account.as_ref().zip(worker.agent());
                if own.is_some_and(|(account, agent)| account.id() == agent) {
                    return EventError::Terminated(why);
                }
            }
            Ok(Hang::Lost(lost, _)) if lost == thread => return EventError::Shutdown,
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
            _ => {}
        }
    }
}
