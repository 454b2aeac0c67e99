//! What all handles of one end of a link share: its calls, what waits to be written, and what may come and go in all.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, BytesMut};

use super::frame::{Frame, Kind};
use super::stream::{Came, Stream};
use super::{WINDOW, WINDOWS};

fn number(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// One end.
pub(super) struct Shared {
    /// How large a head may be, in either direction.
    pub(super) head: usize,
    /// How many calls the other end may have open.
    pub(super) calls: usize,
    /// How many calls this end may have open.
    pub(super) own_calls: usize,
    /// Within which time the other end has to give a sign of life, where it is asked for one.
    pub(super) patience: Option<Duration>,
    pub(super) out: RefCell<BytesMut>,
    /// Whoever writes.
    pub(super) writes: RefCell<Option<Waker>>,
    pub(super) mine: RefCell<HashMap<u32, Rc<Stream>>>,
    pub(super) theirs: RefCell<HashMap<u32, Rc<Stream>>>,
    pub(super) last: Cell<u32>,
    /// Bytes of bodies that may be sent, and that may still come.
    pub(super) credit: Cell<usize>,
    pub(super) left: Cell<usize>,
    /// Bytes that were read since the other end was told.
    pub(super) read: Cell<usize>,
    /// Who waits until there is room for bytes, or for a call.
    pub(super) waiting: RefCell<Vec<Waker>>,
    pub(super) asked: Cell<Option<Instant>>,
    /// Calls that were opened in all, and frames of none that is open.
    pub(super) opened: Cell<u64>,
    pub(super) strays: Cell<u64>,
    pub(super) closed: Cell<bool>,
}

impl Shared {
    pub(super) fn new(head: usize, calls: usize, own_calls: usize, patience: Option<Duration>) -> Self {
        Self {
            head,
            calls,
            own_calls,
            patience,
            out: RefCell::default(),
            writes: RefCell::default(),
            mine: RefCell::default(),
            theirs: RefCell::default(),
            last: Cell::new(0),
            credit: Cell::new(WINDOWS),
            left: Cell::new(WINDOWS),
            read: Cell::new(0),
            waiting: RefCell::default(),
            asked: Cell::new(None),
            opened: Cell::new(0),
            strays: Cell::new(0),
            closed: Cell::new(false),
        }
    }

    /// Queues a frame. All that is queued until the link's task is polled is written at once.
    pub(super) fn send(&self, frame: Frame, carried: impl FnOnce(&mut BytesMut)) {
        if self.closed.get() {
            return;
        }
        frame.write(&mut self.out.borrow_mut(), carried);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(writes) = self.writes.take() {
            writes.wake();
        }
    }

    /// A frame of a call, in this end's direction of it.
    pub(super) fn send_of(&self, stream: &Stream, kind: Kind, ends: bool, carried: impl FnOnce(&mut BytesMut)) {
        let frame = Frame {
            kind,
            call: stream.call,
            ends,
            answers: !stream.own,
        };
        self.send(frame, carried);
        if ends || kind == Kind::Reset {
            stream.sent.set(true);
            self.forget(stream);
        }
    }

    /// Bytes have been taken, or are not wanted: as many more may come in all.
    pub(super) fn was_taken(&self, bytes: usize) {
        let all = self.read.get() + bytes;
        self.read.set(all);
        if all >= WINDOWS / 4 {
            self.read.set(0);
            self.left.set(self.left.get() + all);
            self.send(Frame::of_link(Kind::Windows), |out| out.put_u32_le(number(all)));
        }
    }

    /// Bytes of a body have been read, or are not wanted: as many more may come.
    pub(super) fn was_read(&self, stream: &Stream, bytes: usize) {
        self.was_taken(bytes);
        if stream.unwanted.get() || stream.came.get() != Came::Open {
            return;
        }
        let all = stream.read.get() + bytes;
        stream.read.set(all);
        if all >= WINDOW / 2 {
            stream.read.set(0);
            stream.left.set(stream.left.get() + all);
            self.send_of(stream, Kind::Window, false, |out| out.put_u32_le(number(all)));
        }
    }

    pub(super) fn map(&self, own: bool) -> &RefCell<HashMap<u32, Rc<Stream>>> {
        if own { &self.mine } else { &self.theirs }
    }

    /// A call that has ended in both directions is known no longer.
    pub(super) fn forget(&self, stream: &Stream) {
        if !stream.is_over() {
            return;
        }
        self.map(stream.own).borrow_mut().remove(&stream.call);
        if stream.own {
            self.wake_waiting();
        }
    }

    pub(super) fn wait(&self, cx: &Context<'_>) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|known| known.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
    }

    pub(super) fn wake_waiting(&self) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Nothing comes or goes any longer.
    pub(super) fn close(&self) {
        self.closed.set(true);
        let streams: Vec<_> = [&self.mine, &self.theirs]
            .into_iter()
            .flat_map(|streams| streams.take().into_values())
            .collect();
        for stream in streams {
            stream.wake_reader();
            stream.wake_writer();
        }
        self.wake_waiting();
        *self.out.borrow_mut() = BytesMut::new();
        self.wake();
    }
}
