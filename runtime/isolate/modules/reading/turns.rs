//! Turns of agents that have modules read at run time: one at once for each, so that none takes what others wait for. Whoever waits for a turn takes
//! no thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use workerd_lite_ops::account::AgentId;

static TURNS: Mutex<Option<HashMap<AgentId, Weak<Semaphore>>>> = Mutex::new(None);

/// An agent's turn, until it is dropped. Nothing is kept of agents that have none and wait for none.
pub(crate) async fn turn(agent: &AgentId) -> Option<OwnedSemaphorePermit> {
    let own = {
        let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = turns.get_or_insert_default();
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(agent).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let own = Arc::new(Semaphore::new(1));
            turns.insert(agent.clone(), Arc::downgrade(&own));
            own
        })
    };
    own.acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn an_agent_has_one_turn_and_others_have_theirs() {
        let mut context = Context::from_waker(Waker::noop());
        let (one, other) = (AgentId::new(Some("turns"), "one"), AgentId::new(Some("turns"), "other"));
        let Poll::Ready(Some(first)) = pin!(turn(&one)).poll(&mut context) else {
            panic!("it is free")
        };
        let mut second = pin!(turn(&one));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(pin!(turn(&other)).poll(&mut context).is_ready());
        drop(first);
        assert!(second.as_mut().poll(&mut context).is_ready());
    }
}
