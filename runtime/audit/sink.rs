//! Where lines are written. A line that is taken at once is written by who brings it. What reads slowly gets the rest from a thread,
//! out of a queue for each agent in turn: a flood of one takes no other's places.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, Metadata};
use std::io::{Error, Result};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use workerd_lite_ops::account::AgentId;

use super::line_file::{open, write_line};
use super::share::{Share, TOLD};
use crate::metrics::{self, Stream};
use crate::output::{has_room, wait_for_room};

/// A pipe that has room takes so many bytes at once (`PIPE_BUF`), and lines of several processes do not mix.
const AT_ONCE: usize = 4096;

/// How often it is looked whether a file is still in its place.
const LOOK: Duration = Duration::from_secs(1);

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Something that has left. `reserved` has a place for it.
    Left { reserved: bool },
    /// Something that has not.
    Stayed,
}

#[derive(Debug)]
pub(super) struct Sink {
    /// Standard output without one.
    path: Option<PathBuf>,
    /// Records a second of one agent, of what does not leave.
    rate: u32,
    state: Mutex<State>,
    /// There is something for the thread.
    wanted: Condvar,
    /// The queue is empty.
    written: Condvar,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    /// Whether it is on a disk, where a write waits for nobody.
    on_disk: bool,
    shares: BTreeMap<AgentId, Share>,
    /// Those whose lines wait, in the order of their turns.
    turns: VecDeque<AgentId>,
    /// Whether there is a thread, and whether it writes a line just now.
    thread: bool,
    writing: bool,
    /// The last write failed.
    failed: bool,
    /// The last line has no end.
    torn: bool,
    /// It was told that the reader is too slow.
    told: bool,
    /// When it was looked whether the file is still in its place.
    looked: Instant,
    stream: Stream,
}

impl Sink {
    pub(super) fn open(path: Option<PathBuf>, rate: u32, stream: Stream) -> Result<Arc<Self>> {
        let (file, on_disk, torn) = open(path.as_deref())?;
        Ok(Arc::new(Self {
            path,
            rate,
            state: Mutex::new(State {
                file,
                on_disk,
                shares: BTreeMap::new(),
                turns: VecDeque::new(),
                thread: false,
                writing: false,
                failed: false,
                torn,
                told: false,
                looked: Instant::now(),
                stream,
            }),
            wanted: Condvar::new(),
            written: Condvar::new(),
        }))
    }

    /// Opens the file anew, after it was rotated away.
    pub(super) fn reopen(&self) -> Result<()> {
        if self.path.is_some() {
            let opened = open(self.path.as_deref())?;
            let mut state = self.lock();
            (state.file, state.on_disk, state.torn) = opened;
        }
        Ok(())
    }

    /// Opens the file anew where it was moved or taken away: whoever rotates files need not say so. The old one stays where that fails.
    fn follow(&self, state: &mut State) {
        let Some(path) = self.path.as_deref().filter(|_| state.on_disk) else {
            return;
        };
        if state.looked.elapsed() < LOOK {
            return;
        }
        state.looked = Instant::now();
        let place = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        let ours = state.file.metadata().as_ref().map(place).ok();
        if ours.is_some() && std::fs::metadata(path).as_ref().map(place).ok() != ours {
            if let Ok(opened) = open(Some(path)) {
                (state.file, state.on_disk, state.torn) = opened;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a record of this agent, or counts it. `make` is asked for the line where there is to be one.
    pub(super) fn put(self: &Arc<Self>, whose: &AgentId, about: About, make: impl FnOnce() -> Option<Vec<u8>>) {
        if about == About::Stayed {
            let mut state = self.lock();
            let share = state.share(whose, self.rate);
            if !share.is_within(self.rate, Instant::now()) {
                share.beyond_rate();
                self.wake(&mut state);
                return;
            }
        }
        let line = make();
        let mut state = self.lock();
        self.follow(&mut state);
        let reserved = about == About::Left { reserved: true };
        if reserved {
            let share = state.share(whose, self.rate);
            share.reserved = share.reserved.saturating_sub(1);
        }
        let Some(line) = line else { return };
        match state.at_once(&line) {
            Some(Ok(())) => state.resumes(),
            Some(Err(error)) => {
                state.fails(&error);
                state.lose(whose, self.rate);
                self.wake(&mut state);
            }
            None if reserved || state.share(whose, self.rate).has_places(1) => {
                state.queue(whose, self.rate, line);
                self.wake(&mut state);
            }
            None => {
                stands_still(&mut state);
                state.lose(whose, self.rate);
                self.wake(&mut state);
            }
        }
    }

    /// Whether something of this agent may leave: what says so is written, or has a place in the queue, and so will have the record of
    /// what becomes of it.
    pub(super) fn admit(self: &Arc<Self>, whose: &AgentId, line: Vec<u8>) -> bool {
        let mut state = self.lock();
        self.follow(&mut state);
        match state.at_once(&line) {
            Some(Ok(())) => state.resumes(),
            Some(Err(error)) => {
                // A file may have been taken away, and be there again.
                state.fails(&error);
                return false;
            }
            None if !state.failed && state.share(whose, self.rate).has_places(2) => {
                state.queue(whose, self.rate, line);
                self.wake(&mut state);
            }
            None => {
                stands_still(&mut state);
                return false;
            }
        }
        let share = state.share(whose, self.rate);
        share.reserved = share.reserved.saturating_add(1);
        true
    }

    /// There is something for the thread, which is made where there is none.
    fn wake(self: &Arc<Self>, state: &mut State) {
        if state.thread {
            self.wanted.notify_all();
            return;
        }
        let sink = Arc::clone(self);
        let begun = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || sink.work());
        state.thread = begun.is_ok();
    }

    /// Writes what waits, and tells what was not written, until there is neither.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            state.tell_unwritten(self.rate, false);
            if let Some((whose, line)) = state.next() {
                state.writing = true;
                let (file, mut torn) = (Arc::clone(&state.file), state.torn);
                drop(state);
                let result = wait_for_room(&*file).and_then(|()| write_line(&file, &mut torn, &line));
                state = self.lock();
                state.writing = false;
                if Arc::ptr_eq(&file, &state.file) {
                    state.torn = torn;
                }
                match result {
                    Ok(()) => state.resumes(),
                    Err(error) => {
                        state.fails(&error);
                        state.lose(&whose, self.rate);
                    }
                }
                continue;
            }
            self.written.notify_all();
            state.told = false;
            if !state.shares.values().any(Share::has_unwritten) {
                state.thread = false;
                return;
            }
            let (locked, _) = self
                .wanted
                .wait_timeout(state, TOLD / 4)
                .unwrap_or_else(PoisonError::into_inner);
            state = locked;
        }
    }

    /// Waits until what there is has been written, for so long at most.
    pub(super) fn flush(self: &Arc<Self>, limit: Duration) {
        let mut state = self.lock();
        state.tell_unwritten(self.rate, true);
        if !state.turns.is_empty() {
            self.wake(&mut state);
        }
        let waited = self
            .written
            .wait_timeout_while(state, limit, |state| state.thread && !state.is_clear());
        drop(waited);
    }
}

/// An agent has no place left. Others have theirs.
fn stands_still(state: &mut State) {
    if !std::mem::replace(&mut state.told, true) {
        tracing::error!(
            "{} can not be written: whoever reads them stands still, or is too slow for an agent",
            state.what()
        );
    }
}

impl State {
    fn share(&mut self, whose: &AgentId, rate: u32) -> &mut Share {
        self.shares
            .entry(whose.clone())
            .or_insert_with(|| Share::new(rate, Instant::now()))
    }

    /// What is written, for the log.
    fn what(&self) -> &'static str {
        match self.stream {
            Stream::Audit => "audit records",
            Stream::Access | Stream::Log => "lines of the access log",
        }
    }

    /// A line of this agent is not written.
    fn lose(&mut self, whose: &AgentId, rate: u32) {
        metrics::lost(self.stream);
        self.share(whose, rate).lost();
    }

    fn fails(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.failed, true) {
            tracing::error!("{} can not be written ({error})", self.what());
        }
    }

    fn resumes(&mut self) {
        if std::mem::take(&mut self.failed) {
            tracing::info!("{} can be written again", self.what());
        }
    }

    /// Whether nothing waits.
    fn is_clear(&self) -> bool {
        self.turns.is_empty() && !self.writing
    }

    /// Writes a line where nothing waits before it and it is taken at once.
    fn at_once(&mut self, line: &[u8]) -> Option<Result<()>> {
        let taken = self.on_disk || (line.len() <= AT_ONCE && has_room(&*self.file));
        (self.is_clear() && taken).then(|| write_line(&self.file, &mut self.torn, line))
    }

    fn queue(&mut self, whose: &AgentId, rate: u32, line: Vec<u8>) {
        let lines = &mut self.share(whose, rate).lines;
        lines.push_back(line);
        if lines.len() == 1 {
            self.turns.push_back(whose.clone());
        }
    }

    /// The next line, of the agent whose turn it is.
    fn next(&mut self) -> Option<(AgentId, Vec<u8>)> {
        let whose = self.turns.pop_front()?;
        let lines = &mut self.shares.get_mut(&whose)?.lines;
        let line = lines.pop_front()?;
        if !lines.is_empty() {
            self.turns.push_back(whose.clone());
        }
        Some((whose, line))
    }

    fn tell_unwritten(&mut self, rate: u32, at_once: bool) {
        let told: Vec<_> = self
            .shares
            .iter_mut()
            .filter_map(|(whose, share)| Some((whose.clone(), share.tell(whose, at_once)?)))
            .collect();
        for (whose, line) in told {
            self.queue(&whose, rate, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use super::*;
    use crate::audit::share::PLACES;

    /// A sink whose reader stands still until it is read.
    fn slow(rate: u32) -> (Arc<Sink>, BufReader<std::io::PipeReader>) {
        let (reader, writer) = std::io::pipe().unwrap();
        let sink = Sink::open(Some("/dev/null".into()), rate, Stream::Audit).unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        sink.lock().file = Arc::new(file);
        (sink, BufReader::new(reader))
    }

    fn put(sink: &Arc<Sink>, whose: &AgentId, about: About, text: &str) {
        sink.put(whose, about, || Some(format!("{text}\n").into_bytes()));
    }

    #[test]
    fn a_flood_takes_its_own_places_only() {
        let (sink, mut reader) = slow(u32::MAX);
        let (attacker, victim) = (AgentId::new(Some("a"), "bot"), AgentId::new(Some("b"), "bot"));
        let filler = "x".repeat(1000);
        let mut admitted = 0;
        while sink.admit(&attacker, format!("leaves {filler}\n").into_bytes()) {
            admitted += 1;
            assert!(admitted < PLACES * 2, "no end");
        }
        for _ in 0..admitted {
            put(&sink, &attacker, About::Left { reserved: true }, "left");
        }
        assert!(sink.admit(&victim, b"victim leaves\n".to_vec()));
        put(&sink, &victim, About::Left { reserved: true }, "victim left");
        (0..3).for_each(|_| put(&sink, &attacker, About::Stayed, "stayed"));
        let lines = std::thread::spawn(move || {
            let mut lines = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 0 {
                lines.push(std::mem::take(&mut line));
            }
            lines
        });
        sink.flush(Duration::from_secs(20));
        sink.lock().file = Arc::new(File::open("/dev/null").unwrap());
        let lines = lines.join().unwrap();
        let count = |text: &str| lines.iter().filter(|line| line.starts_with(text)).count();
        assert_eq!((count("leaves"), count("left")), (admitted, admitted));
        assert_eq!((count("victim leaves"), count("victim left")), (1, 1));
        // The victim's are not behind all of the attacker's.
        let place = lines.iter().position(|line| line == "victim left\n").unwrap();
        assert!(place < lines.len() / 2, "{place} of {}", lines.len());
        let omitted = lines.iter().find(|line| line.contains("records omitted")).unwrap();
        assert!(
            omitted.contains("\"lost\":") && omitted.contains("\"tenant\":\"a\""),
            "{omitted}"
        );
    }

    #[test]
    fn beyond_the_rate_a_count_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let sink = Sink::open(Some(path.clone()), 5, Stream::Audit).unwrap();
        let whose = AgentId::new(None, "scout");
        for _ in 0..100 {
            put(&sink, &whose, About::Stayed, "stayed");
        }
        for _ in 0..100 {
            put(&sink, &whose, About::Left { reserved: false }, "left");
        }
        sink.flush(Duration::from_secs(20));
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.matches("left").count(), 100, "what left is never counted only");
        let stayed = text.matches("stayed").count();
        assert!((5..10).contains(&stayed), "{stayed}");
        assert!(text.contains(&format!("\"beyond_rate\":{}", 100 - stayed)), "{text}");
    }

    #[test]
    fn what_cannot_be_written_does_not_leave() {
        let sink = Sink::open(Some("/dev/full".into()), 5, Stream::Audit).unwrap();
        let whose = AgentId::new(None, "scout");
        assert!(!sink.admit(&whose, b"leaves\n".to_vec()));
        assert!(!sink.admit(&whose, b"leaves\n".to_vec()));
        sink.lock().file = Arc::new(File::options().write(true).open("/dev/null").unwrap());
        assert!(sink.admit(&whose, b"leaves\n".to_vec()));
    }
}
