//! Two connections that no script stands between: one task moves messages from each to the other. Each of them answers its own peer's
//! pings and closes, has its own limits, and is told of the other's end as a script's would be.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::Role;
use workerd_lite_ops::external_memory::{ExternalMemory, OutOfMemory};
use workerd_lite_ops::websocket::{Passed, SocketEnd, SocketLimits};

use super::metered::{Meter, Metered, is_idle};
use super::pace::Pace;
use super::reasons::{AHEAD, CLOSING, CONTROL, GONE, IDLE, LINGERS, Reason, STOPS, TOO_MANY, explain};
use super::stopping::stopped;
use super::wire::{Message, Wire};

/// One of both.
struct Side<S> {
    wire: Wire<Metered<S>>,
    meter: Rc<Meter>,
    idle: Duration,
    control: Option<Pace>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    fn new(stream: S, role: Role, limits: SocketLimits) -> Result<Self, OutOfMemory> {
        let meter = Meter::new(ExternalMemory::new(limits.message.saturating_add(AHEAD)))?;
        let metered = Metered {
            stream,
            meter: Rc::clone(&meter),
        };
        Ok(Self {
            wire: Wire::new(metered, role, limits.message, false),
            meter,
            idle: limits.idle,
            control: Pace::new(Some(CONTROL)),
        })
    }

    /// Tells the peer that nothing follows.
    fn close(&mut self, (code, reason): Reason) {
        self.wire.close(Some((code, reason)));
    }

    /// Waits until the peer has said its last, which is nothing for anybody any more, and for a while longer.
    async fn drain(mut self, lingers: Duration) {
        while poll_fn(|cx| self.wire.poll_next(cx)).await.is_ok() {
            self.meter.settle();
        }
        sleep(lingers).await;
    }
}

/// Why messages pass no longer.
enum End {
    /// The peer has closed it, and the other was told.
    Closed,
    /// Nothing more comes, or nothing that may pass.
    Failed(Option<Reason>),
}

/// Moves all messages that have come from one to the other, which counts what it is given.
fn pass<A, B>(from: &mut Side<A>, to: &mut Side<B>, passed: &mut Passed, cx: &mut Context<'_>) -> Result<(), End>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    // An end that takes nothing more is found by who reads it: its own direction says why.
    while let Poll::Ready(room) = to.wire.poll_room(cx) {
        if room.is_err() {
            return Ok(());
        }
        let wire = &mut to.wire;
        let mut take = |is_text: bool, bytes: &[u8]| {
            passed.messages += 1;
            passed.bytes = passed.bytes.saturating_add(bytes.len() as u64);
            wire.send(is_text, bytes);
        };
        let next = match from.wire.poll_pass(cx, &mut take) {
            Poll::Pending => break,
            Poll::Ready(next) => next,
        };
        match next {
            Ok(None) => {}
            Ok(Some(Message::Text(text))) => take(true, &text),
            Ok(Some(Message::Binary(bytes))) => take(false, &bytes),
            Ok(Some(Message::Ping(bytes) | Message::Pong(bytes))) => {
                from.meter.forget(bytes);
                if from.control.as_mut().is_some_and(|control| !control.takes()) {
                    return Err(End::Failed(Some(TOO_MANY)));
                }
                continue;
            }
            Ok(Some(Message::Close(frame))) => {
                passed.code = Some(frame.as_ref().map_or(1005, |(code, _)| *code));
                to.wire
                    .close(frame.as_ref().map(|(code, reason)| (*code, reason.as_str())));
                return Err(End::Closed);
            }
            Err(over) => return Err(End::Failed(explain(&over).1)),
        }
        from.meter.settle();
    }
    let _ = to.wire.poll_flush(cx);
    Ok(())
}

/// Joins a client's connection, whose end this is, with the one at the other end.
pub(super) async fn join<A, B>(client: (A, SocketLimits), upstream: (B, SocketLimits), end: &SocketEnd)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (Ok(mut client), Ok(mut upstream)) = (
        Side::new(client.0, Role::Server, client.1),
        Side::new(upstream.0, Role::Client, upstream.1),
    ) else {
        return;
    };
    let (clients, upstreams) = (Rc::clone(&client.meter), Rc::clone(&upstream.meter));
    let idle = (client.idle, upstream.idle);
    let passing = poll_fn(|cx| {
        let (mut sent, mut received) = (Passed::default(), Passed::default());
        let ended = pass(&mut client, &mut upstream, &mut sent, cx)
            .map_err(|why| (true, why))
            .and_then(|()| pass(&mut upstream, &mut client, &mut received, cx).map_err(|why| (false, why)));
        let failed = Passed {
            code: Some(1006),
            ..Passed::default()
        };
        match &ended {
            Err((true, End::Failed(_))) => end.count(Passed::default(), failed),
            Err((false, End::Failed(_))) => end.count(failed, Passed::default()),
            _ => {}
        }
        if sent != Passed::default() || received != Passed::default() {
            end.count(received, sent);
        }
        match ended {
            Ok(()) => Poll::Pending,
            Err(ended) => Poll::Ready(ended),
        }
    });
    let ended = tokio::select! {
        biased;
        ended = passing => Ok(ended),
        () = stopped() => Err((STOPS, STOPS)),
        () = is_idle(&clients, idle.0) => Err((IDLE, GONE)),
        () = is_idle(&upstreams, idle.1) => Err((GONE, IDLE)),
    };
    let mut lingers = Duration::ZERO;
    match ended {
        Ok((_, End::Closed)) => {}
        Ok((is_client, End::Failed(reason))) => {
            let (own, others) = if is_client {
                (reason, Some(GONE))
            } else {
                (Some(GONE), reason)
            };
            if let Some(reason) = own {
                client.close(reason);
            }
            if let Some(reason) = others {
                upstream.close(reason);
            }
            lingers = LINGERS;
        }
        Err((clients, upstreams)) => {
            let code = if clients == STOPS { STOPS.0 } else { 1006 };
            let ended = Passed {
                code: Some(code),
                ..Passed::default()
            };
            end.count(ended, ended);
            client.close(clients);
            upstream.close(upstreams);
        }
    }
    let _ = timeout(CLOSING, async {
        tokio::join!(client.drain(lingers), upstream.drain(lingers));
    })
    .await;
}
