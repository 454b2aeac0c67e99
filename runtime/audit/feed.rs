//! What happens, as it happens: for the page that an author looks at. Nothing of it is kept but the latest, and no secret is in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::broadcast;
use workerd_lite_ops::clock;

/// How many entries a new listener hears of, and how many bytes of them.
const KEPT: usize = 4000;
const KEPT_BYTES: usize = 8 << 20;

/// How many a slow listener may miss before it hears all of them again.
const BEHIND: usize = 1024;

/// Takes secrets out of text.
type Mask = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Clients' requests and what comes of them, as JSON. An entry is told again, whole, when more is known of it: `key` says which.
pub struct Feed {
    kept: Mutex<Kept>,
    sender: broadcast::Sender<Arc<str>>,
    next: AtomicU64,
    mask: Mask,
    /// A moment on both clocks, so that what is shown is in order whatever the wall clock does.
    began: (Instant, f64),
}

/// The newest entries, and what is served now.
#[derive(Default)]
struct Kept {
    project: Option<Arc<str>>,
    entries: BTreeMap<u64, Arc<str>>,
    bytes: usize,
}

impl Kept {
    fn put(&mut self, key: u64, text: &Arc<str>) {
        self.bytes += text.len();
        if let Some(before) = self.entries.insert(key, Arc::clone(text)) {
            self.bytes -= before.len();
        }
        while self.entries.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.entries.pop_first() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

impl Feed {
    /// Nothing has happened yet. `mask` takes secrets out of all that is told.
    pub fn new(mask: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let wall = clock::wall().duration_since(std::time::UNIX_EPOCH);
        Self {
            kept: Mutex::default(),
            sender: broadcast::Sender::new(BEHIND),
            next: AtomicU64::new(1),
            mask: Box::new(mask),
            began: (Instant::now(), wall.unwrap_or_default().as_secs_f64() * 1000.0),
        }
    }

    /// The key of a new entry. Later entries have larger ones.
    pub(crate) fn key(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A moment as the page knows it: milliseconds since 1970.
    pub(crate) fn at(&self, moment: Instant) -> f64 {
        let (instant, wall) = self.began;
        let passed = moment.saturating_duration_since(instant).as_secs_f64() * 1000.0;
        ((wall + passed) * 1000.0).round() / 1000.0
    }

    /// Tells an entry to whoever listens, in the place of what was told of it before.
    pub(crate) fn put(&self, key: u64, mut entry: Value) {
        entry["key"] = json!(key);
        let text = self.text(entry);
        let Ok(mut kept) = self.kept.lock() else { return };
        kept.put(key, &text);
        // Under the lock, so that nobody misses or repeats one between hearing of the recent ones and listening.
        let _ = self.sender.send(text);
    }

    /// Tells what has just happened, and has no more to it.
    pub(crate) fn note(&self, mut entry: Value) {
        entry["at"] = json!(self.at(Instant::now()));
        self.put(self.key(), entry);
    }

    /// Tells what is served from now on.
    pub(crate) fn serves(&self, mut project: Value) {
        project["kind"] = json!("project");
        // Keys of another process begin anew.
        project["boot"] = json!(self.began.1);
        let text = self.text(project);
        let Ok(mut kept) = self.kept.lock() else { return };
        kept.project = Some(Arc::clone(&text));
        let _ = self.sender.send(text);
    }

    /// What is served and the latest entries, and what comes then.
    pub(crate) fn listen(&self) -> (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>) {
        let Ok(kept) = self.kept.lock() else {
            return (Vec::new(), self.sender.subscribe());
        };
        let recent = kept.project.iter().chain(kept.entries.values()).cloned();
        (recent.collect(), self.sender.subscribe())
    }

    fn text(&self, mut entry: Value) -> Arc<str> {
        self.clean(&mut entry);
        entry.to_string().into()
    }

    /// Takes secrets out of each text.
    fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = (self.mask)(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.clean(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.clean(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_listener_hears_the_latest_and_then_the_rest() {
        let feed = Feed::new(|text| text.replace("s3cret", "[secret]"));
        for number in 0..=KEPT {
            feed.put(feed.key(), json!({ "number": number }));
        }
        feed.put(3, json!({ "number": "of s3cret" }));
        feed.serves(json!({ "agents": [] }));
        let (recent, mut rest) = feed.listen();
        assert_eq!(recent.len(), KEPT + 1);
        assert_eq!(of(&recent[0])["kind"], "project");
        assert_eq!(of(&recent[1]), json!({ "key": 2, "number": 1 }));
        assert_eq!(of(&recent[2]), json!({ "key": 3, "number": "of [secret]" }));
        feed.note(json!({ "kind": "next" }));
        assert_eq!(of(&rest.try_recv().unwrap())["kind"], "next");
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let feed = Feed::new(str::to_owned);
        let long = "x".repeat(1 << 20);
        for _ in 0..20 {
            feed.put(feed.key(), json!({ "text": long }));
        }
        feed.put(20, json!({ "text": "" }));
        assert_eq!(feed.listen().0.len(), 7);
    }
}
