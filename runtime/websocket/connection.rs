//! One connection: its messages to an end, and that end's messages to it.

use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::websocket::{Frame, OVERHEAD, SocketEnd, SocketLimits};

use super::metered::{Meter, Metered};
use super::pace::Pace;
use super::stopping::stopped;

/// How long a peer has to answer a close.
const CLOSING: Duration = Duration::from_secs(5);

/// Bytes that are read at once.
const READ: usize = 4 << 10;

/// How many messages are written before they are let go, where more wait.
const BATCH: usize = 64;

/// Pings and the like in a second, and as many at once.
const CONTROL: u32 = 100;

/// What a frame of control takes beside its content, at most.
const HEAD: usize = 6;

/// What a connection holds for its peer beside one message.
const AHEAD: usize = 1 << 20;

type Socket<S> = WebSocketStream<Metered<S>>;

/// Why a connection is closed from here.
type Reason = (u16, &'static str);

const GONE: Reason = (1011, "");
const STOPS: Reason = (1001, "the server stops");
const IDLE: Reason = (1001, "nothing has passed for too long");
const TOO_MANY: Reason = (1008, "too many pings");

/// Moves messages until the WebSocket is closed, its peer or the end's other side is gone, or nothing passes for too long.
pub(crate) async fn run<S>(stream: S, role: Role, limits: SocketLimits, end: SocketEnd)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    run_on(stream, role, limits, end, Failures::Close).await;
}

/// The same between processes of ours: where the other connection breaks, so does this one, and what reads it is told no other code.
pub(crate) async fn run_between<S>(stream: S, role: Role, limits: SocketLimits, end: SocketEnd)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    run_on(stream, role, limits, end, Failures::Break).await;
}

/// What becomes of a connection where the one that its end's other side has breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failures {
    Close,
    Break,
}

async fn run_on<S>(stream: S, role: Role, limits: SocketLimits, end: SocketEnd, failures: Failures)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Where the other side is a connection too, this pays for what that reads ahead.
    end.accept(ExternalMemory::new(limits.message.saturating_add(AHEAD)));
    let read = tokio::select! {
        read = timeout(limits.idle, end.peer()) => read.ok().flatten(),
        () = stopped() => None,
    };
    let paid = read.and_then(|memory| Meter::new(memory).ok());
    let wanted = paid.is_some();
    let Some(meter) = paid.or_else(|| Meter::new(ExternalMemory::new(READ)).ok()) else {
        return;
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(READ)
        .max_message_size(Some(limits.message))
        .max_frame_size(Some(limits.message));
    let metered = Metered {
        stream,
        meter: Rc::clone(&meter),
    };
    let socket = WebSocketStream::from_raw_socket(metered, role, Some(config)).await;
    let (sink, source) = socket.split();
    let (orders, ordered) = mpsc::unbounded_channel();
    if !wanted {
        let _ = orders.send(GONE);
    }
    let incoming = Incoming {
        source,
        end: &end,
        meter: &meter,
        limits,
        orders,
    };
    let outgoing = Outgoing {
        sink,
        end: &end,
        meter: &meter,
        limits,
        ordered,
        failures,
    };
    let (mut incoming, mut outgoing) = (std::pin::pin!(incoming.run()), std::pin::pin!(outgoing.run()));
    tokio::select! {
        // Nothing comes any more: nobody is there for what is left to say.
        () = &mut incoming => {}
        // Nothing is left to say: the peer says its last, where it was told so.
        said = &mut outgoing => if said {
            let _ = timeout(CLOSING, incoming).await;
        },
    }
}

/// What comes from the peer.
struct Incoming<'a, S> {
    source: SplitStream<Socket<S>>,
    end: &'a SocketEnd,
    meter: &'a Meter,
    limits: SocketLimits,
    /// How to end where this cannot go on.
    orders: mpsc::UnboundedSender<Reason>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Incoming<'_, S> {
    async fn run(mut self) {
        let mut pace = Pace::new(self.limits.per_second);
        let mut control = Pace::new(Some(CONTROL));
        let mut closed = false;
        loop {
            poll_fn(|cx| self.end.poll_room(cx)).await;
            if let Some(pace) = &mut pace {
                pace.take().await;
            }
            let message = match self.source.next().await {
                None => return,
                Some(Err(_)) if closed => return,
                Some(Err(error)) => {
                    let (words, reason) = explain(&error, self.limits.message);
                    self.end.push(Frame::Failed(words));
                    return self.give_up(reason).await;
                }
                Some(Ok(message)) => message,
            };
            let frame: fn(bytes::Bytes) -> Frame = match &message {
                Message::Text(_) => Frame::Text,
                Message::Binary(_) => Frame::Binary,
                Message::Close(frame) => {
                    let (code, reason) = frame.as_ref().map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.as_str().to_owned())
                    });
                    closed = true;
                    self.end.push(Frame::Close(code, reason));
                    continue;
                }
                Message::Ping(bytes) | Message::Pong(bytes) => {
                    self.meter.forget(bytes.len() + HEAD);
                    if control.as_mut().is_some_and(|control| !control.takes()) {
                        self.end.push(Frame::Failed("the peer sends too many pings".to_owned()));
                        return self.give_up(Some(TOO_MANY)).await;
                    }
                    continue;
                }
                Message::Frame(_) => continue,
            };
            let bytes = message.into_data();
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
    async fn give_up(&mut self, reason: Option<Reason>) {
        let Some(reason) = reason else { return };
        let _ = self.orders.send(reason);
        let rest = async { while let Some(Ok(_)) = self.source.next().await {} };
        // It may be in the middle of a message that is read no further: its kernel is to have the close before the connection goes.
        let _ = timeout(CLOSING, async {
            tokio::join!(rest, sleep(Duration::from_millis(50)));
        })
        .await;
    }
}

/// In words for the author, and what the peer is told.
fn explain(error: &Error, most: usize) -> (String, Option<Reason>) {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => (
            format!("the peer's message is larger than {most} bytes: see limits.websocket_message_kb"),
            Some((1009, "the message is too large")),
        ),
        Error::Utf8(_) => (
            "the peer's text is not UTF-8".to_owned(),
            Some((1007, "the text is not UTF-8")),
        ),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => ("the connection ended without a close".to_owned(), None),
        Error::Protocol(error) => (
            format!("the peer breaks the protocol: {error}"),
            Some((1002, "a protocol error")),
        ),
        Error::Io(error) => (format!("the connection broke: {error}"), None),
        error => (error.to_string(), Some(GONE)),
    }
}

/// What goes to the peer.
struct Outgoing<'a, S> {
    sink: SplitSink<Socket<S>, Message>,
    end: &'a SocketEnd,
    meter: &'a Meter,
    limits: SocketLimits,
    ordered: mpsc::UnboundedReceiver<Reason>,
    failures: Failures,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Outgoing<'_, S> {
    /// Gives whether the peer was told, or may have been, that nothing follows.
    async fn run(mut self) -> bool {
        let mut pace = Pace::new(self.limits.per_second);
        // What was given to be written is paid for until it is.
        let mut unsent = Vec::new();
        loop {
            let frame = tokio::select! {
                biased;
                Some(reason) = self.ordered.recv() => return self.close(reason).await,
                () = stopped() => {
                    self.end.push(Frame::Close(STOPS.0, STOPS.1.to_owned()));
                    return self.close(STOPS).await;
                }
                frame = self.end.next() => frame,
                () = is_idle(self.meter, self.limits.idle) => {
                    self.end.push(Frame::Failed(format!("nothing has passed over the WebSocket for {:?}", self.limits.idle)));
                    return self.close(IDLE).await;
                }
            };
            let (message, paid) = match frame {
                None => return self.close(GONE).await,
                Some(Frame::Failed(_)) if self.failures == Failures::Break => return false,
                Some(Frame::Failed(_) | Frame::StartTls(_)) => return self.close(GONE).await,
                Some(Frame::Close(code, reason)) => {
                    let _ = self.write(closing(code, reason)).await && self.flush().await;
                    return true;
                }
                Some(Frame::Text(bytes)) => match Utf8Bytes::try_from(bytes.clone()) {
                    Ok(text) => (Message::Text(text), bytes),
                    Err(_) => return self.close(GONE).await,
                },
                Some(Frame::Binary(bytes)) => (Message::Binary(bytes.clone()), bytes),
            };
            if let Some(pace) = &mut pace {
                pace.take().await;
            }
            unsent.push(paid);
            if !self.write(message).await {
                return true;
            }
            if self.end.has_nothing() || unsent.len() >= BATCH {
                if !self.flush().await {
                    return true;
                }
                unsent.clear();
            }
        }
    }

    async fn close(&mut self, (code, reason): Reason) -> bool {
        let _ = self.write(closing(code, reason.to_owned())).await && self.flush().await;
        true
    }

    /// Writes a message. Gives whether the connection took it.
    async fn write(&mut self, message: Message) -> bool {
        tokio::select! {
            biased;
            written = self.sink.feed(message) => written.is_ok(),
            () = is_idle(self.meter, self.limits.idle) => false,
        }
    }

    /// Lets all of it go.
    async fn flush(&mut self) -> bool {
        tokio::select! {
            biased;
            flushed = self.sink.flush() => flushed.is_ok(),
            () = is_idle(self.meter, self.limits.idle) => false,
        }
    }
}

fn closing(code: u16, reason: String) -> Message {
    // It stands for none, and is not sent (RFC 6455, section 7.4.1).
    let frame = (code != 1005).then(|| CloseFrame {
        code: CloseCode::from(code),
        reason: reason.into(),
    });
    Message::Close(frame)
}

/// Waits until nothing has passed for so long.
async fn is_idle(meter: &Meter, limit: Duration) {
    loop {
        let end = meter.passed() + limit;
        sleep_until(end).await;
        if meter.passed() + limit <= tokio::time::Instant::now() {
            return;
        }
    }
}
