//! Content that a handler puts in. It is kept until the parser writes it, for `append()` as long as the element is open, and counts
//! so long.

use std::rc::Rc;

use lol_html::html_content::{ContentType, StreamingHandler, StreamingHandlerSink};
use send_wrapper::SendWrapper;

use super::protocol::{ABORTED, Command, Content, Event, Source, Suspend};

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
                sink.write_str(counted.text(), kind);
                return Ok(());
            }
            Source::Stream(stream) => stream,
        };
        loop {
            match suspend.suspend(Event::Content(stream)) {
                Command::Piece(piece) => sink.write_utf8_chunk(&piece, kind)?,
                Command::Continue => return Ok(()),
                _ => return Err(ABORTED.into()),
            }
        }
    }
}

/// The parser's handler of a content.
pub(super) fn handler(content: Content, suspend: &Rc<dyn Suspend>) -> Box<dyn StreamingHandler + Send> {
    Box::new(Local(SendWrapper::new((content, Rc::clone(suspend)))))
}
