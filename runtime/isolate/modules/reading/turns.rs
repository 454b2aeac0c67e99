//! Whose turn it is to have modules read: a few are read at once, one of an agent's. Who waits has no thread, and leaves as it is given up.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use workerd_lite_ops::turns::{Turns, Whose};

/// How many read at once, and how many of them are one agent's.
const AT_ONCE: usize = 4;
const SHARE: usize = 1;

struct Waiting {
    turns: Turns<oneshot::Sender<Turn>>,
    busy: usize,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    turns: Turns::new(),
    busy: 0,
});

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A turn, which is given back however it ends.
pub(super) struct Turn(Whose);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut waiting = waiting();
        waiting.busy -= 1;
        waiting.turns.has_ended(&self.0);
        drop(waiting);
        hand_out();
    }
}

/// Waits for a turn.
pub(super) async fn turn(whose: Whose) -> Option<Turn> {
    let (give, given) = oneshot::channel();
    waiting().turns.queue(whose, give);
    hand_out();
    given.await.ok()
}

/// Gives turns, as long as there are some.
fn hand_out() {
    loop {
        let mut waiting = waiting();
        if waiting.busy >= AT_ONCE {
            return;
        }
        let Some((whose, give)) = waiting.turns.next(SHARE) else {
            return;
        };
        if give.is_closed() {
            waiting.turns.has_ended(&whose);
            continue;
        }
        waiting.busy += 1;
        drop(waiting);
        // What is not taken is given back.
        let _ = give.send(Turn(whose));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use workerd_lite_ops::account::AgentId;

    use super::*;

    #[tokio::test]
    async fn one_agent_takes_no_turns_of_others() {
        let named = |name| Some(AgentId::new(None, name));
        let within = Duration::from_millis(100);
        let first = turn(named("many")).await.unwrap();
        let others: Vec<_> = (0..1000).map(|_| tokio::spawn(turn(named("many")))).collect();
        tokio::task::yield_now().await;
        assert!(timeout(within, turn(named("many"))).await.is_err());
        assert!(timeout(within, turn(named("cold"))).await.is_ok());
        // They leave, and nobody waits for them.
        for other in &others {
            other.abort();
        }
        for other in others {
            assert!(other.await.is_err());
        }
        drop(first);
        assert!(timeout(within, turn(named("many"))).await.is_ok());
    }
}
