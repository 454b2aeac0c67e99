//! Content that a handler puts in. It is kept until the parser writes it, for `append()` as long as the element is open, and counts
//! so long.

use std::rc::Rc;

use lol_html::html_content::{ContentType, StreamingHandler, StreamingHandlerSink};
use send_wrapper::SendWrapper;

use super::protocol::{Command, Content, Event, Source, Suspend};
use crate::external_memory::Reservation;

/// A text that is counted for as long as it is kept.
#[derive(Debug)]
pub struct Counted {
    text: String,
    _reservation: Reservation,
}

impl Counted {
    pub(super) fn new(text: String, reservation: Reservation) -> Self {
        Self {
            text,
            _reservation: reservation,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The parser's handlers may be sent between threads; a rewriter's thread is its isolate's.
struct Local(SendWrapper<(Content, Rc<dyn Suspend>)>);

impl StreamingHandler for Local {
    fn write_all(self: Box<Self>, sink: &mut StreamingHandlerSink<'_>) -> lol_html::HandlerResult {
        let (content, suspend) = self.0.take();
        let kind = if content.html {
            ContentType::Html
        } else {
            ContentType::Text
        };
        let stream = match content.source {
            Source::Text(counted) => {
                sink.write_str(&counted.text, kind);
                return Ok(());
            }
            Source::Stream(stream) => stream,
        };
        loop {
            match suspend.suspend(Event::Content(stream)) {
                Command::Piece(piece) => sink.write_utf8_chunk(&piece, kind)?,
                Command::Continue => return Ok(()),
                _ => return Err(super::handlers::ABORTED.into()),
            }
        }
    }
}

/// The parser's handler of a content.
pub(super) fn handler(content: Content, suspend: &Rc<dyn Suspend>) -> Box<dyn StreamingHandler + Send> {
    Box::new(Local(SendWrapper::new((content, Rc::clone(suspend)))))
}
