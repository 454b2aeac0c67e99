//! One end of a WebSocket, as it moves between isolates, threads and connections.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::direct::Direct;
use super::lane::{Frame, Lane, Passed};
use crate::external_memory::ExternalMemory;

/// One end. Where it is dropped without a close, the other end hears that its peer is gone.
pub struct SocketEnd {
    incoming: Lane,
    outgoing: Lane,
}

impl fmt::Debug for SocketEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketEnd")
    }
}

/// Both ends of a new WebSocket.
pub fn socket_pair() -> (SocketEnd, SocketEnd) {
    let (one, other) = (Lane::default(), Lane::default());
    let first = SocketEnd {
        incoming: one.clone(),
        outgoing: other.clone(),
    };
    let second = SocketEnd {
        incoming: other,
        outgoing: one,
    };
    (first, second)
}

impl SocketEnd {
    /// This end is read from now on, and `memory` pays for what comes.
    pub fn accept(&self, memory: ExternalMemory) {
        self.incoming.is_read(memory);
    }

    /// Sends something, without a look at how much waits already. Gives whether anybody will read it.
    pub fn push(&self, frame: Frame) -> bool {
        self.outgoing.push(frame)
    }

    /// The next that comes; nothing once the peer is gone.
    pub fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Frame>> {
        self.incoming.poll_next(cx)
    }

    /// The same.
    pub async fn next(&self) -> Option<Frame> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether nothing has come that was not taken.
    pub fn has_nothing(&self) -> bool {
        self.incoming.is_empty()
    }

    /// Ready while the peer has not too much to read.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        self.outgoing.poll_room(cx)
    }

    /// Waits until the peer reads, and gives what pays for what is read ahead for it; nothing where it is gone.
    pub async fn peer(&self) -> Option<ExternalMemory> {
        poll_fn(|cx| self.outgoing.poll_reader(cx)).await
    }

    /// Offers the connection whose end this is to a peer that is one too.
    pub fn offer(&self, direct: Direct) {
        self.outgoing.offer(direct);
    }

    /// The connection at the other end, where it was offered and nobody has read from it. All that passes is to be
    /// [counted](Self::count) from then on.
    pub fn take_direct(&self) -> Option<Direct> {
        self.incoming.take_direct()
    }

    /// Waits until what was offered is taken: gives nothing then. It is given back where the peer is no connection, with what pays for
    /// what is read ahead for it, or nothing where the peer is gone.
    pub async fn claimed(&self) -> Option<(Direct, Option<ExternalMemory>)> {
        poll_fn(|cx| self.outgoing.poll_claimed(cx)).await
    }

    /// Takes back what was offered, where nobody has taken it.
    pub fn withdraw(&self) -> Option<Direct> {
        self.outgoing.take_direct()
    }

    /// Waits until the peer is gone.
    pub async fn ended(&self) {
        poll_fn(|cx| self.incoming.poll_over(cx)).await;
    }

    /// So much has come and gone without passing through this.
    pub fn count(&self, received: Passed, sent: Passed) {
        self.incoming.count(received);
        self.outgoing.count(sent);
    }

    /// Bytes of messages that the peer has not taken.
    pub fn buffered(&self) -> usize {
        self.outgoing.queued()
    }

    /// Whether both ends are read by the same isolate.
    pub fn is_within(&self) -> bool {
        match (self.incoming.memory(), self.outgoing.memory()) {
            (Some(own), Some(peers)) => own.is(&peers),
            _ => false,
        }
    }

    /// What passes, for whoever records it.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            incoming: self.incoming.clone(),
            outgoing: self.outgoing.clone(),
        }
    }
}

impl SocketEnd {
    /// The peer hears that this end is gone, and nothing more.
    pub fn hang_up(&self) {
        self.outgoing.filler_goes();
        self.incoming.reader_goes();
    }
}

impl Drop for SocketEnd {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// What passes over a WebSocket, seen from one of its ends.
pub struct Traffic {
    incoming: Lane,
    outgoing: Lane,
}

impl Traffic {
    /// Waits until it is over.
    pub async fn ended(&self) {
        poll_fn(|cx| {
            ready!(self.incoming.poll_over(cx));
            self.outgoing.poll_over(cx).map(|_| ())
        })
        .await;
    }

    /// Waits until nobody reads what is sent.
    pub async fn unread(&self) {
        poll_fn(|cx| self.outgoing.poll_unread(cx)).await;
    }

    /// What has come by now, and what was sent.
    pub fn passed(&self) -> (Passed, Passed) {
        (self.incoming.passed(), self.outgoing.passed())
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use bytes::Bytes;

    use super::*;

    #[test]
    fn messages_go_both_ways_and_then_none() {
        let cx = Context::from_waker(Waker::noop());
        let (one, other) = socket_pair();
        assert!(one.push(Frame::Text(Bytes::from_static(b"a"))) && one.push(Frame::Close(1000, String::new())));
        assert!(matches!(other.poll_next(&cx), Poll::Ready(Some(Frame::Text(text))) if text == "a"));
        assert!(matches!(other.poll_next(&cx), Poll::Ready(Some(Frame::Close(1000, _)))));
        assert!(other.poll_next(&cx).is_pending());
        let traffic = other.traffic();
        drop(one);
        assert!(matches!(other.poll_next(&cx), Poll::Ready(None)));
        assert!(!other.push(Frame::Binary(Bytes::new())));
        let (came, sent) = traffic.passed();
        assert_eq!((came.messages, came.bytes, came.code), (1, 1, Some(1000)));
        assert_eq!(sent, Passed::default());
    }

    #[test]
    fn what_is_not_read_fills_it_whatever_its_size() {
        let cx = Context::from_waker(Waker::noop());
        let (one, other) = socket_pair();
        let mut sent = 0;
        while one.poll_room(&cx).is_ready() {
            one.push(Frame::Text(Bytes::new()));
            sent += 1;
        }
        assert!(sent < 4096, "{sent}");
        assert!(other.poll_next(&cx).is_ready() && one.poll_room(&cx).is_ready());
        while one.poll_room(&cx).is_ready() {
            one.push(Frame::Text(Bytes::new()));
        }
        drop(other);
        assert!(one.poll_room(&cx).is_ready());
    }
}
