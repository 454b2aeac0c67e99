//! One direction of a WebSocket: a queue of messages between two ends, which may be on two threads. Whoever fills it can see how full
//! it is and wait; a script, which cannot wait within `send()`, pays for what it queues.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::direct::Direct;
use crate::external_memory::ExternalMemory;
use crate::start_tls::StartTls;

/// A lane that holds as much, in bytes, is full.
const FULL: usize = 256 << 10;

/// What a message takes beside its content, in bytes: empty ones fill a lane too.
pub const OVERHEAD: usize = 128;

/// What passes over a WebSocket.
#[derive(Debug)]
pub enum Frame {
    /// A message of text, in UTF-8.
    Text(Bytes),
    /// A message of bytes.
    Binary(Bytes),
    /// Nothing follows. The code is 1005 where the peer gave none.
    Close(u16, String),
    /// The connection broke, and why, for the author.
    Failed(String),
    /// A connection of TCP is to go on under TLS.
    StartTls(StartTls),
}

impl Frame {
    fn size(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
            Self::Close(..) | Self::Failed(_) | Self::StartTls(_) => 0,
        }
    }
}

/// What has passed over a lane.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Messages.
    pub messages: u64,
    /// Bytes of their contents.
    pub bytes: u64,
    /// The code by which it was closed.
    pub code: Option<u16>,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame>,
    held: usize,
    passed: Passed,
    filler_gone: bool,
    reader_gone: bool,
    /// Pays for what is read ahead for the reader, once there is one.
    memory: Option<ExternalMemory>,
    /// The connection of whoever fills it, for a reader that is a connection too.
    direct: Option<Direct>,
    /// Whoever reads.
    reader: Option<Waker>,
    /// Whoever waits until there is room, a reader, or the end.
    others: Vec<Waker>,
}

impl State {
    fn is_full(&self) -> bool {
        self.held >= FULL && !self.reader_gone
    }

    fn wait(&mut self, waker: &Waker) {
        if !self.others.iter().any(|known| known.will_wake(waker)) {
            self.others.push(waker.clone());
        }
    }
}

/// A lane, as both of its ends and who watches it know it.
#[derive(Default, Clone)]
pub(super) struct Lane(Arc<Mutex<State>>);

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets those go on who wait for a change.
    fn tell_others(&self) {
        let others = std::mem::take(&mut self.state().others);
        others.into_iter().for_each(Waker::wake);
    }

    /// Queues a frame. Gives whether anybody will read it.
    pub(super) fn push(&self, frame: Frame) -> bool {
        let (reader, wanted) = {
            let mut state = self.state();
            if state.reader_gone || state.filler_gone {
                return false;
            }
            let size = frame.size();
            match &frame {
                Frame::Text(_) | Frame::Binary(_) => {
                    state.passed.messages += 1;
                    state.passed.bytes = state.passed.bytes.saturating_add(size as u64);
                }
                Frame::Close(code, _) => state.passed.code = Some(*code),
                Frame::Failed(_) => state.passed.code = Some(1006),
                Frame::StartTls(_) => {}
            }
            state.held += size + OVERHEAD;
            state.frames.push_back(frame);
            (state.reader.take(), true)
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        wanted
    }

    /// The next frame; nothing once there is none and no more will come.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Frame>> {
        let (frame, was_full) = {
            let mut state = self.state();
            let was_full = state.is_full();
            match state.frames.pop_front() {
                Some(frame) => {
                    state.held -= frame.size() + OVERHEAD;
                    (frame, was_full && !state.is_full())
                }
                None if state.filler_gone => return Poll::Ready(None),
                None => {
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        };
        if was_full {
            self.tell_others();
        }
        Poll::Ready(Some(frame))
    }

    /// Ready while there is room for one message more, and where nobody will read it.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.is_full() {
            state.wait(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Ready once somebody reads, with what pays for what is read ahead; nothing where nobody will.
    pub(super) fn poll_reader(&self, cx: &Context<'_>) -> Poll<Option<ExternalMemory>> {
        let mut state = self.state();
        if state.reader_gone {
            return Poll::Ready(None);
        }
        if let Some(memory) = &state.memory {
            return Poll::Ready(Some(memory.clone()));
        }
        state.wait(cx.waker());
        Poll::Pending
    }

    /// Offers the connection that fills this.
    pub(super) fn offer(&self, direct: Direct) {
        self.state().direct = Some(direct);
    }

    /// Takes that connection, where it is still there.
    pub(super) fn take_direct(&self) -> Option<Direct> {
        let direct = self.state().direct.take();
        if direct.is_some() {
            self.tell_others();
        }
        direct
    }

    /// Ready once what was offered is taken, or once somebody reads otherwise or nobody will: the connection goes on then, with what
    /// pays for what it reads ahead.
    pub(super) fn poll_claimed(&self, cx: &Context<'_>) -> Poll<Option<(Direct, Option<ExternalMemory>)>> {
        let mut state = self.state();
        let is_over = state.reader_gone || state.memory.is_some();
        if state.direct.is_some() && !is_over {
            state.wait(cx.waker());
            return Poll::Pending;
        }
        let memory = state.memory.clone().filter(|_| !state.reader_gone);
        Poll::Ready(state.direct.take().map(|direct| (direct, memory)))
    }

    /// So much has passed beside the queue.
    pub(super) fn count(&self, passed: Passed) {
        let all = &mut self.state().passed;
        all.messages += passed.messages;
        all.bytes = all.bytes.saturating_add(passed.bytes);
        all.code = all.code.or(passed.code);
    }

    /// Ready once nobody reads any longer.
    pub(super) fn poll_unread(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.reader_gone {
            return Poll::Ready(());
        }
        state.wait(cx.waker());
        Poll::Pending
    }

    /// Ready once one of both ends is gone.
    pub(super) fn poll_over(&self, cx: &Context<'_>) -> Poll<Passed> {
        let mut state = self.state();
        if state.filler_gone || state.reader_gone {
            return Poll::Ready(state.passed);
        }
        state.wait(cx.waker());
        Poll::Pending
    }

    /// Whether nothing is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.state().frames.is_empty()
    }

    /// Bytes that are queued.
    pub(super) fn queued(&self) -> usize {
        let state = self.state();
        state.frames.iter().map(Frame::size).sum()
    }

    /// Somebody begins to read, for whom this pays.
    pub(super) fn is_read(&self, memory: ExternalMemory) {
        self.state().memory = Some(memory);
        self.tell_others();
    }

    /// What pays for whoever reads.
    pub(super) fn memory(&self) -> Option<ExternalMemory> {
        self.state().memory.clone()
    }

    pub(super) fn passed(&self) -> Passed {
        self.state().passed
    }

    /// Nothing more is filled in.
    pub(super) fn filler_goes(&self) {
        let reader = {
            let mut state = self.state();
            state.filler_gone = true;
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        self.tell_others();
    }

    /// Nobody reads any longer.
    pub(super) fn reader_goes(&self) {
        let dropped = {
            let mut state = self.state();
            state.reader_gone = true;
            state.held = 0;
            std::mem::take(&mut state.frames)
        };
        drop(dropped);
        self.tell_others();
    }
}
