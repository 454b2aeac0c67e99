//! What comes over a connection, as a script's stream reads it, or as a body that is handed on takes it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use deno_core::{AsyncResult, BufView, CancelFuture as _, Resource};
use deno_error::JsErrorBox;

use super::resource::{LOST, Reading, TcpResource, gone};
use crate::websocket::Frame;

/// The bytes of a connection, until the peer ends them.
pub(super) struct TcpReader {
    tcp: Rc<TcpResource>,
    /// It reads what comes under TLS, and nothing before.
    secured: bool,
    rest: RefCell<Bytes>,
    reading: Rc<Reading>,
}

impl TcpReader {
    pub(super) fn new(tcp: Rc<TcpResource>, secured: bool) -> Self {
        let reading = Rc::new(Reading::default());
        tcp.is_read_by(&reading, secured);
        Self {
            tcp,
            secured,
            rest: RefCell::default(),
            reading,
        }
    }

    async fn next(&self) -> Result<Bytes, JsErrorBox> {
        if self.reading.ended.get() {
            return Ok(Bytes::new());
        }
        let next = next(&self.tcp, self.secured)
            .or_cancel(Rc::clone(&self.reading.cancel))
            .or_cancel(Rc::clone(&self.tcp.cancel));
        match next.await {
            Ok(Ok(next)) => {
                let bytes = next?.unwrap_or_default();
                self.reading.ended.set(bytes.is_empty());
                Ok(bytes)
            }
            _ if self.reading.ended.get() => Ok(Bytes::new()),
            _ => Err(gone()),
        }
    }
}

impl Resource for TcpReader {
    fn name(&self) -> Cow<'_, str> {
        "tcpReader".into()
    }

    fn read(self: Rc<Self>, limit: usize) -> AsyncResult<BufView> {
        Box::pin(async move {
            let mut rest = self.rest.take();
            if rest.is_empty() {
                rest = self.next().await?;
            }
            let part = rest.split_to(rest.len().min(limit));
            self.reading.has_rest.set(!rest.is_empty());
            self.rest.replace(rest);
            Ok(BufView::from(part))
        })
    }

    fn close(self: Rc<Self>) {
        self.reading.cancel.cancel();
        self.rest.take();
    }

    fn cancel_read_ops(self: Rc<Self>) {
        self.reading.cancel.cancel();
    }
}

async fn next(tcp: &TcpResource, secured: bool) -> Result<Option<Bytes>, JsErrorBox> {
    let end = tcp.opened(secured).await?;
    loop {
        let failed = |why: &str| {
            tcp.over(Some(why));
            Err(JsErrorBox::generic(why.to_owned()))
        };
        match end.next().await {
            Some(Frame::Binary(bytes) | Frame::Text(bytes)) if bytes.is_empty() => {}
            Some(Frame::Binary(bytes) | Frame::Text(bytes)) => return Ok(Some(bytes)),
            Some(Frame::Close(..)) => {
                tcp.is_read();
                return Ok(None);
            }
            Some(Frame::Failed(why)) => return failed(&why),
            Some(Frame::StartTls(asked)) => tcp.is_asked(asked).await,
            None => return failed(LOST),
        }
    }
}
