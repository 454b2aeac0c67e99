//! What is kept: by cache and URL, and the longest unused goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::freshness::Kept;
use crate::external_memory::{ExternalMemory, OutOfMemory, Reservation};

/// A cache's name and a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(Arc<(String, String)>);

impl Key {
    pub(super) fn new(cache: &str, url: &str) -> Self {
        Self(Arc::new((cache.to_owned(), url.to_owned())))
    }

    fn len(&self) -> usize {
        self.0.0.len() + self.0.1.len()
    }
}

/// A response, whole.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) status: StatusCode,
    pub(super) reason: String,
    pub(super) headers: HeaderMap,
    /// Counted until nobody reads it any longer.
    pub(super) body: Bytes,
    /// The body is in the coding that the headers tell.
    pub(super) coded: bool,
    pub(super) kept: Kept,
}

/// What an entry takes beside its strings, about, in bytes.
const ENTRY: usize = 512;
/// And a header.
const HEADER: usize = 64;

impl Stored {
    /// About how many bytes it takes, without its body.
    fn size(&self) -> usize {
        let fields = |headers: &HeaderMap| -> usize {
            let each = headers.iter();
            each.map(|(name, value)| name.as_str().len() + value.len() + HEADER)
                .sum()
        };
        ENTRY + self.reason.len() + fields(&self.headers) + self.kept.size()
    }
}

struct Entry {
    stored: Arc<Stored>,
    used: u64,
    /// Of its body and of what is about it.
    bytes: usize,
    _counted: Reservation,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<Key, Entry>,
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
}

impl Entries {
    fn take(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.by_key.remove(key)?;
        self.by_use.remove(&entry.used);
        self.bytes -= entry.bytes;
        Some(entry)
    }

    /// As the one that was used last.
    fn insert(&mut self, key: Key, mut entry: Entry) {
        self.uses += 1;
        entry.used = self.uses;
        self.bytes += entry.bytes;
        self.by_use.insert(entry.used, key.clone());
        self.by_key.insert(key, entry);
    }

    fn evict(&mut self) -> bool {
        let oldest = self.by_use.first_key_value().map(|(_, key)| key.clone());
        oldest.is_some_and(|key| self.take(&key).is_some())
    }
}

/// The caches of one worker, by their names.
pub struct Store {
    memory: ExternalMemory,
    entries: Mutex<Entries>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// The cache of an isolate. The host puts one into each.
pub type Caches = Arc<Store>;

/// A cache that holds what it has in this memory.
pub fn new(memory: &ExternalMemory) -> Caches {
    Arc::new(Store {
        memory: memory.clone(),
        entries: Mutex::default(),
    })
}

impl Store {
    pub(super) fn memory(&self) -> &ExternalMemory {
        &self.memory
    }

    /// How many bytes all of it may take: half of the memory, whose other half is for what passes.
    pub(super) fn most(&self) -> usize {
        self.memory.limit() / 2
    }

    // What a thread that panicked has left is whole: nothing is changed in two steps.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was used longest ago. Gives whether there was something.
    pub(super) fn evict(&self) -> bool {
        self.lock().evict()
    }

    pub(super) fn put(&self, key: Key, stored: Stored) -> Result<(), OutOfMemory> {
        let mut entries = self.lock();
        entries.take(&key);
        let own = stored.size() + key.len();
        let counted = loop {
            match self.memory.reserve(own) {
                Ok(counted) => break counted,
                Err(full) => {
                    if !entries.evict() {
                        return Err(full);
                    }
                }
            }
        };
        let bytes = own + stored.body.len();
        while entries.bytes + bytes > self.most() && entries.evict() {}
        let entry = Entry {
            stored: Arc::new(stored),
            used: 0,
            bytes,
            _counted: counted,
        };
        entries.insert(key, entry);
        Ok(())
    }

    /// What is kept, where it is wanted.
    pub(super) fn get(&self, key: &Key, wanted: impl FnOnce(&Stored) -> bool) -> Option<Arc<Stored>> {
        let mut entries = self.lock();
        if !wanted(&entries.by_key.get(key)?.stored) {
            return None;
        }
        let entry = entries.take(key)?;
        let stored = Arc::clone(&entry.stored);
        entries.insert(key.clone(), entry);
        Some(stored)
    }

    /// Forgets it. Gives whether it would have been found.
    pub(super) fn remove(&self, key: &Key, now: SystemTime) -> bool {
        let entry = self.lock().take(key);
        entry.is_some_and(|entry| entry.stored.kept.is_fresh(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stored(store: &Store, bytes: usize) -> Stored {
        Stored {
            status: StatusCode::OK,
            reason: String::new(),
            headers: HeaderMap::new(),
            body: store.memory().bytes(vec![0; bytes]).unwrap(),
            coded: false,
            kept: Kept::new(SystemTime::now(), Duration::ZERO, Duration::from_secs(9), Vec::new()),
        }
    }

    #[test]
    fn the_longest_unused_goes_first_and_gives_its_memory_back() {
        let store = new(&ExternalMemory::new(20_000));
        let key = |name: &str| Key::new("", name);
        for name in ["a", "b"] {
            store.put(key(name), stored(&store, 4000)).unwrap();
        }
        assert!(store.get(&key("a"), |_| true).is_some());
        store.put(key("c"), stored(&store, 4000)).unwrap();
        assert!(store.get(&key("b"), |_| true).is_none());
        let read = store.get(&key("a"), |_| true).unwrap();
        let now = SystemTime::now();
        assert!(store.remove(&key("a"), now) && !store.remove(&key("a"), now));
        assert!(store.remove(&key("c"), now));
        assert_eq!(store.memory().used(), 4000);
        drop(read);
        assert_eq!(store.memory().used(), 0);
    }
}
