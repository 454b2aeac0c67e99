//! A WebSocket whose handshake carried a credential that is to be taken out of what comes back: each message of the upstream's is
//! cleaned before anybody reads it.

use std::future::poll_fn;

use bytes::Bytes;
use deno_core::unsync::spawn;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::websocket::{Frame, SocketEnd, socket_pair};

use crate::credentials::redact::Redactor;

/// The end that is read in the place of the upstream's.
pub(super) fn cleaned(upstream: SocketEnd, redactor: Redactor) -> SocketEnd {
    let (given, own) = socket_pair();
    let passing = async move {
        // What a connection reads ahead for us is bounded by what waits in its queue, and one message.
        own.accept(ExternalMemory::new(usize::MAX));
        let Some(memory) = own.peer().await else { return };
        upstream.accept(memory);
        tokio::select! {
            () = pass(&upstream, &own, |frame| clean(frame, &redactor)) => {}
            () = pass(&own, &upstream, |frame| frame) => {}
        }
    };
    match Account::current() {
        Some(account) => spawn(account.meter(passing)),
        None => spawn(passing),
    };
    given
}

/// Passes what comes from one end on to another, until nothing more comes or nobody wants it.
async fn pass(from: &SocketEnd, to: &SocketEnd, change: impl Fn(Frame) -> Frame) {
    loop {
        poll_fn(|cx| to.poll_room(cx)).await;
        let Some(frame) = from.next().await else { return };
        if !to.push(change(frame)) {
            return;
        }
    }
}

fn clean(frame: Frame, redactor: &Redactor) -> Frame {
    match frame {
        Frame::Text(text) => Frame::Text(redactor.whole(&text).map_or(text, |clean| {
            // What stands in for a secret is ASCII, and so is what a secret is made of, or it is no text any more.
            Bytes::from(String::from_utf8_lossy(&clean).into_owned())
        })),
        Frame::Binary(bytes) => Frame::Binary(redactor.whole(&bytes).unwrap_or(bytes)),
        Frame::Close(code, reason) => Frame::Close(code, shortened(redactor.text(&reason))),
        Frame::Failed(why) => Frame::Failed(redactor.text(&why)),
        Frame::StartTls(start) => Frame::StartTls(start),
    }
}

/// A reason that a frame of control has room for (RFC 6455, section 5.5).
fn shortened(mut reason: String) -> String {
    const MOST: usize = 123;
    reason.truncate(reason.floor_char_boundary(MOST));
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_all_that_comes() {
        let redactor = Redactor::new(&["canary-5f1d-canary".to_owned()]).unwrap();
        let cleaned = |frame| clean(frame, &redactor);
        let said = "you said canary-5f1d-canary, \u{e9}";
        assert!(
            matches!(cleaned(Frame::Text(said.into())), Frame::Text(text) if text == "you said [redacted], \u{e9}")
        );
        assert!(
            matches!(cleaned(Frame::Binary(said.into())), Frame::Binary(bytes) if !bytes.ends_with(said.as_bytes()))
        );
        assert!(matches!(cleaned(Frame::Close(1000, said.into())), Frame::Close(1000, why) if !why.contains("canary")));
        let long = "canary-5f1d-canary".repeat(6);
        assert!(matches!(cleaned(Frame::Close(1000, long)), Frame::Close(1000, why) if why.len() <= 123));
        assert!(matches!(cleaned(Frame::Text("other".into())), Frame::Text(text) if text == "other"));
    }
}
