//! One call's state at one end: what has come of it and was not taken, and what may be sent.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use bytes::Bytes;

use super::WINDOW;

/// What is known of the direction that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// More will come.
    Open,
    /// That was all.
    Ended,
    /// The other end gave it up.
    Cut,
}

/// A call.
pub(super) struct Stream {
    pub(super) call: u32,
    /// Whether this end has opened it.
    pub(super) own: bool,
    /// The response's head, where this end asked.
    pub(super) head: RefCell<Option<Bytes>>,
    /// Whether a head has come: bytes before it belong to nothing.
    pub(super) has_head: Cell<bool>,
    /// Bytes that have come and were not taken. Whoever takes them may keep them for long, so that they take no more room than they are.
    pub(super) bytes: RefCell<Vec<u8>>,
    /// What has come behind them.
    pub(super) trailers: RefCell<Option<Bytes>>,
    pub(super) came: Cell<Came>,
    /// Nobody here reads what comes.
    pub(super) unwanted: Cell<bool>,
    /// How many bytes may still come, and how many were read since the other end was told.
    pub(super) left: Cell<usize>,
    pub(super) read: Cell<usize>,
    pub(super) reader: RefCell<Option<Waker>>,
    /// How many bytes may be sent.
    pub(super) credit: Cell<usize>,
    /// This end has said its last.
    pub(super) sent: Cell<bool>,
    /// The other end wants no more of it.
    pub(super) stopped: Cell<bool>,
    pub(super) writer: RefCell<Option<Waker>>,
}

impl Stream {
    pub(super) fn new(call: u32, own: bool) -> Self {
        Self {
            call,
            own,
            head: RefCell::default(),
            has_head: Cell::new(!own),
            bytes: RefCell::default(),
            trailers: RefCell::default(),
            came: Cell::new(Came::Open),
            unwanted: Cell::new(false),
            left: Cell::new(WINDOW),
            read: Cell::new(0),
            reader: RefCell::default(),
            credit: Cell::new(WINDOW),
            sent: Cell::new(false),
            stopped: Cell::new(false),
            writer: RefCell::default(),
        }
    }

    /// Both directions have ended.
    pub(super) fn is_over(&self) -> bool {
        self.sent.get() && self.came.get() != Came::Open
    }

    /// Something has come.
    pub(super) fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// There is room, or nobody wants more.
    pub(super) fn wake_writer(&self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}
