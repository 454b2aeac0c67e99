//! What happens, as it happens: for the page that an author looks at. Nothing of it is kept but the latest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::broadcast;

/// How many happenings a new listener hears of, and how many a slow one may miss.
const KEPT: usize = 500;

/// Clients' requests and what left for them, as JSON.
#[derive(Debug)]
pub struct Feed {
    recent: Mutex<VecDeque<Arc<str>>>,
    sender: broadcast::Sender<Arc<str>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            recent: Mutex::default(),
            sender: broadcast::Sender::new(KEPT),
        }
    }
}

impl Feed {
    /// Tells whoever listens.
    pub(crate) fn publish(&self, what: &impl Serialize) {
        let Ok(text) = serde_json::to_string(what) else { return };
        let text: Arc<str> = text.into();
        let Ok(mut recent) = self.recent.lock() else { return };
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(Arc::clone(&text));
        // Under the lock, so that nobody misses or repeats one between hearing of the recent ones and listening.
        let _ = self.sender.send(text);
    }

    /// The latest happenings, and those to come.
    pub(crate) fn listen(&self) -> (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>) {
        let Ok(recent) = self.recent.lock() else {
            return (Vec::new(), self.sender.subscribe());
        };
        (recent.iter().cloned().collect(), self.sender.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_hears_the_latest_and_then_the_rest() {
        let feed = Feed::default();
        for number in 0..=KEPT {
            feed.publish(&number);
        }
        let (recent, mut rest) = feed.listen();
        assert_eq!((recent.len(), &*recent[0]), (KEPT, "1"));
        feed.publish(&"next");
        assert_eq!(&*rest.try_recv().unwrap(), "\"next\"");
    }
}
