//! One connection: its messages to an end, and that end's messages to it.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::Role;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::websocket::{Direct, Duplex, Frame, OVERHEAD, SocketEnd, SocketLimits};

use super::joined::join;
use super::metered::{Meter, Metered, is_idle};
use super::pace::Pace;
use super::reasons::{AHEAD, CLOSING, CONTROL, GONE, IDLE, LINGERS, Reason, STOPS, TOO_MANY, explain};
use super::stopping::stopped;
use super::wire::{Message, Over, Wire};

/// What a connection may hold whose peer's other side is gone.
const LITTLE: usize = 64 << 10;

/// How many messages are written before they are let go, where more wait.
const BATCH: usize = 64;

/// Moves a client's messages until the WebSocket is closed, its peer or the end's other side is gone, or nothing passes for too long.
pub(crate) async fn run_client<S>(stream: S, limits: SocketLimits, end: SocketEnd)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if passes_whole(&limits) {
        if let Some(direct) = end.take_direct() {
            // In a box, as all that follows: most WebSockets need one of these only.
            return Box::pin(join((stream, limits), (direct.stream, direct.limits), &end)).await;
        }
    }
    let reader = reader(&limits, &end).await;
    Box::pin(run_on(stream, Role::Server, limits, &end, reader, Failures::Close)).await;
}

/// Moves an upstream's messages likewise. Where a client's connection is at the other end, that one does.
pub(crate) async fn run_upstream(stream: impl Duplex + 'static, limits: SocketLimits, end: SocketEnd) {
    if !passes_whole(&limits) {
        let reader = reader(&limits, &end).await;
        return Box::pin(run_on(stream, Role::Client, limits, &end, reader, Failures::Close)).await;
    }
    let stream = Box::new(stream);
    end.offer(Direct { stream, limits });
    let claimed = tokio::select! {
        claimed = timeout(limits.idle, end.claimed()) => claimed,
        () = stopped() => return,
    };
    let (direct, reader) = match claimed {
        Ok(Some((direct, memory))) => (direct, memory.map_or(Reader::Gone, Reader::Pays)),
        // Somebody may have taken it in the last moment.
        Err(_) => match end.withdraw() {
            Some(direct) => (direct, Reader::Late),
            None => return end.ended().await,
        },
        Ok(None) => return end.ended().await,
    };
    end.accept(ahead(&limits));
    Box::pin(run_on(
        direct.stream,
        Role::Client,
        limits,
        &end,
        reader,
        Failures::Close,
    ))
    .await;
}

/// The same between processes of ours: where the other connection breaks, so does this one, and what reads it is told no other code.
pub(crate) async fn run_between<S>(stream: S, role: Role, limits: SocketLimits, end: SocketEnd)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The link is ours, and what was agreed with others is not agreed on it.
    let limits = SocketLimits {
        compression: false,
        ..limits
    };
    let reader = reader(&limits, &end).await;
    run_on(stream, role, limits, &end, reader, Failures::Break).await;
}

/// Whether messages may pass as they come, and as fast.
fn passes_whole(limits: &SocketLimits) -> bool {
    limits.per_second.is_none() && !limits.compression
}

/// Pays, where the other side is a connection too, for what that reads ahead.
fn ahead(limits: &SocketLimits) -> ExternalMemory {
    ExternalMemory::new(limits.message.saturating_add(AHEAD))
}

/// The end's other side.
enum Reader {
    /// It reads, and this pays for what is read ahead for it.
    Pays(ExternalMemory),
    /// It is gone, or is to go. What it has said before is still passed on, the reason of its end above all.
    Gone,
    /// It did not begin to read in time.
    Late,
}

/// Waits until the other side reads.
async fn reader(limits: &SocketLimits, end: &SocketEnd) -> Reader {
    end.accept(ahead(limits));
    tokio::select! {
        read = timeout(limits.idle, end.peer()) => match read {
            Ok(memory) => memory.map_or(Reader::Gone, Reader::Pays),
            Err(_) => Reader::Late,
        },
        () = stopped() => Reader::Gone,
    }
}

/// The code that no connection may send (RFC 6455, section 7.4.1): between processes of ours it says why the other one broke.
const BROKE: u16 = 1006;

/// The longest reason of a close, in bytes (section 5.5).
const REASON: usize = 123;

/// What becomes of a connection where the one that its end's other side has breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failures {
    Close,
    Break,
}

async fn run_on<S>(stream: S, role: Role, limits: SocketLimits, end: &SocketEnd, reader: Reader, failures: Failures)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (paid, order) = match reader {
        Reader::Pays(memory) => match Meter::new(memory) {
            Ok(meter) => (Some(meter), None),
            Err(_) => (None, Some(GONE)),
        },
        Reader::Gone => (None, None),
        Reader::Late => (None, Some(GONE)),
    };
    let ordered = Cell::new(order);
    let Some(meter) = paid.or_else(|| Meter::new(ExternalMemory::new(LITTLE)).ok()) else {
        return;
    };
    let metered = Metered {
        stream,
        meter: Rc::clone(&meter),
    };
    let wire = Wire::new(metered, role, limits.message, limits.compression);
    let wire = RefCell::new(match failures {
        Failures::Close => wire,
        Failures::Break => wire.of_ours(),
    });
    let both = Both {
        wire: &wire,
        end,
        meter: &meter,
        ordered: &ordered,
        failures,
    };
    let mut incoming = std::pin::pin!(both.incoming(Pace::new(limits.per_second)));
    let outgoing = std::pin::pin!(both.outgoing(limits));
    tokio::select! {
        // What it orders is done at once.
        biased;
        // Nothing comes any more: nobody is there for what is left to say.
        () = &mut incoming => {}
        // Nothing is left to say: the peer says its last, where it was told so.
        said = outgoing => if said {
            let _ = timeout(CLOSING, incoming).await;
        },
    }
}

/// What both directions of a connection know.
struct Both<'a, S> {
    wire: &'a RefCell<Wire<Metered<S>>>,
    end: &'a SocketEnd,
    meter: &'a Meter,
    /// How to end where what comes cannot go on.
    ordered: &'a Cell<Option<Reason>>,
    failures: Failures,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Both<'_, S> {
    async fn next(&self) -> Result<Message, Over> {
        poll_fn(|cx| self.wire.borrow_mut().poll_next(cx)).await
    }

    /// What comes from the peer.
    async fn incoming(&self, mut pace: Option<Pace>) {
        let mut control = Pace::new(Some(CONTROL));
        let mut closed = false;
        loop {
            poll_fn(|cx| self.end.poll_room(cx)).await;
            if let Some(pace) = &mut pace {
                pace.take().await;
            }
            let (frame, bytes): (fn(Bytes) -> Frame, Bytes) = match self.next().await {
                Err(_) if closed => return,
                Err(over) => {
                    let (words, reason) = explain(&over);
                    self.end.push(Frame::Failed(words));
                    return self.give_up(reason).await;
                }
                Ok(Message::Text(text)) => (Frame::Text, text),
                Ok(Message::Binary(bytes)) => (Frame::Binary, bytes),
                Ok(Message::Close(Some((BROKE, why)))) if self.failures == Failures::Break => {
                    closed = true;
                    self.end.push(Frame::Failed(why));
                    continue;
                }
                Ok(Message::Close(frame)) => {
                    let (code, reason) = frame.unwrap_or((1005, String::new()));
                    closed = true;
                    self.end.push(Frame::Close(code, reason));
                    continue;
                }
                Ok(Message::Ping(bytes) | Message::Pong(bytes)) => {
                    self.meter.forget(bytes);
                    if control.as_mut().is_some_and(|control| !control.takes()) {
                        self.end.push(Frame::Failed("the peer sends too many pings".to_owned()));
                        return self.give_up(Some(TOO_MANY)).await;
                    }
                    continue;
                }
            };
            match self.meter.whole(bytes.len() + OVERHEAD) {
                Ok(paid) => {
                    self.end.push(frame(paid.hold(bytes)));
                }
                Err(error) => {
                    self.end.push(Frame::Failed(error.to_string()));
                    return self.give_up(Some((1009, "no memory is left for the message"))).await;
                }
            }
        }
    }

    /// Lets the peer be told why, for a while.
    async fn give_up(&self, reason: Option<Reason>) {
        let Some(reason) = reason else { return };
        self.ordered.set(Some(reason));
        let rest = async { while self.next().await.is_ok() {} };
        let _ = timeout(CLOSING, async {
            tokio::join!(rest, sleep(LINGERS));
        })
        .await;
    }

    /// What goes to the peer. Gives whether it was told, or may have been, that nothing follows.
    async fn outgoing(&self, limits: SocketLimits) -> bool {
        let mut pace = Pace::new(limits.per_second);
        // What was given to be written is paid for until it is.
        let mut unsent = Vec::new();
        let mut stopped = std::pin::pin!(stopped());
        let mut idle = std::pin::pin!(self.nothing_passes(limits, false));
        loop {
            let ordered = poll_fn(|_| self.ordered.take().map_or(Poll::Pending, Poll::Ready));
            let frame = tokio::select! {
                biased;
                reason = ordered => return self.close(reason, limits).await,
                () = &mut stopped => {
                    self.end.push(Frame::Close(STOPS.0, STOPS.1.to_owned()));
                    return self.close(STOPS, limits).await;
                }
                frame = self.end.next() => frame,
                () = &mut idle => {
                    self.end.push(Frame::Failed(format!("nothing has passed over the WebSocket for {:?}", limits.idle)));
                    return self.close(IDLE, limits).await;
                }
            };
            let (is_text, bytes) = match frame {
                None => return self.close(GONE, limits).await,
                Some(Frame::Failed(why)) if self.failures == Failures::Break => {
                    let end = why.floor_char_boundary(REASON);
                    self.wire.borrow_mut().close(Some((BROKE, &why[..end])));
                    return self.flush(limits).await;
                }
                Some(Frame::Failed(_) | Frame::StartTls(_)) => return self.close(GONE, limits).await,
                Some(Frame::Close(code, reason)) => {
                    // It stands for none, and is not sent (RFC 6455, section 7.4.1).
                    let frame = (code != 1005).then_some((code, reason.as_str()));
                    self.wire.borrow_mut().close(frame);
                    self.flush(limits).await;
                    return true;
                }
                Some(Frame::Text(bytes)) => (true, bytes),
                Some(Frame::Binary(bytes)) => (false, bytes),
            };
            if let Some(pace) = &mut pace {
                pace.take().await;
            }
            let room = poll_fn(|cx| self.wire.borrow_mut().poll_room(cx));
            if !self.in_time(room, limits).await || !self.wire.borrow_mut().send(is_text, &bytes) {
                return true;
            }
            unsent.push(bytes);
            if self.end.has_nothing() || unsent.len() >= BATCH {
                if !self.flush(limits).await {
                    return true;
                }
                unsent = Vec::new();
            }
        }
    }

    async fn close(&self, (code, reason): Reason, limits: SocketLimits) -> bool {
        self.wire.borrow_mut().close(Some((code, reason)));
        self.flush(limits).await;
        true
    }

    /// Lets all of it go. Gives whether the connection took it.
    async fn flush(&self, limits: SocketLimits) -> bool {
        let flushed = poll_fn(|cx| self.wire.borrow_mut().poll_flush(cx));
        self.in_time(flushed, limits).await
    }

    /// Waits until nothing has passed for too long. Between processes of ours that is so only where something is being `written`: whether a peer
    /// still lives is seen where its own connection is, to which its pings come.
    async fn nothing_passes(&self, limits: SocketLimits, written: bool) {
        match self.failures {
            Failures::Close => is_idle(self.meter, limits.idle).await,
            Failures::Break if written => sleep(limits.idle).await,
            Failures::Break => pending().await,
        }
    }

    /// Gives whether something that is written was in time.
    async fn in_time(&self, writing: impl Future<Output = io::Result<()>>, limits: SocketLimits) -> bool {
        tokio::select! {
            biased;
            written = writing => written.is_ok(),
            () = self.nothing_passes(limits, true) => false,
        }
    }
}
