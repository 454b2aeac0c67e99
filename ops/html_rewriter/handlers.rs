//! The parser with handlers that suspend its coroutine, and the coroutine's body.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use encoding_rs::Encoding;
use lol_html::errors::RewritingError;
use lol_html::html_content::{Comment, Doctype, DocumentEnd, Element, TextChunk};
use lol_html::{
    AsciiCompatibleEncoding, DocumentContentHandlers, ElementContentHandlers, HtmlRewriter, MemorySettings, Selector,
    Settings,
};

use super::protocol::{ABORTED, Body, Command, Event, Kind, Suspend};
use super::unit::serve;

/// What an `on()` or `onDocument()` handles, by bits.
pub(super) mod handles {
    pub(in super::super) const ELEMENT: u32 = 1;
    pub(in super::super) const COMMENTS: u32 = 2;
    pub(in super::super) const TEXT: u32 = 4;
    pub(in super::super) const DOCTYPE: u32 = 8;
    pub(in super::super) const END: u32 = 16;
}

/// Handlers of one `on()` or, without a selector, `onDocument()`. Its number is its place among them.
pub(super) struct Handlers {
    pub(super) selector: Option<Selector>,
    pub(super) handles: u32,
}

/// What becomes of the document so far.
pub(super) type Output = Rc<RefCell<Vec<u8>>>;

/// A closure that serves tokens of one kind.
macro_rules! serves {
    ($suspend:ident, $kind:ident: $unit:ty, $number:ident) => {{
        let suspend = Rc::clone($suspend);
        move |unit: &mut $unit| serve(&suspend, Event::Token(Kind::$kind, $number), unit)
    }};
}

fn settings(
    all: Vec<Handlers>,
    (encoding, esi): (AsciiCompatibleEncoding, bool),
    memory: usize,
    suspend: &Rc<dyn Suspend>,
) -> Settings<'static, 'static> {
    let mut settings = Settings::new()
        .with_encoding(encoding)
        .with_enable_esi_tags(esi)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(memory));
    for (number, Handlers { selector, handles }) in (0_u32..).zip(all) {
        let wants = |what| handles & what != 0;
        if let Some(selector) = selector {
            let mut content = ElementContentHandlers::default();
            if wants(handles::ELEMENT) {
                content = content.element(serves!(suspend, Element: Element<'_, '_>, number));
            }
            if wants(handles::COMMENTS) {
                content = content.comments(serves!(suspend, Comment: Comment<'_>, number));
            }
            if wants(handles::TEXT) {
                content = content.text(serves!(suspend, Text: TextChunk<'_>, number));
            }
            settings = settings.append_element_content_handler((Cow::Owned(selector), content));
        } else {
            let mut content = DocumentContentHandlers::default();
            if wants(handles::DOCTYPE) {
                content = content.doctype(serves!(suspend, Doctype: Doctype<'_>, number));
            }
            if wants(handles::COMMENTS) {
                content = content.comments(serves!(suspend, Comment: Comment<'_>, number));
            }
            if wants(handles::TEXT) {
                content = content.text(serves!(suspend, Text: TextChunk<'_>, number));
            }
            if wants(handles::END) {
                content = content.end(serves!(suspend, End: DocumentEnd<'_>, number));
            }
            settings = settings.append_document_content_handler(content);
        }
    }
    settings
}

fn words(error: &RewritingError) -> String {
    format!("Parser error: {error}")
}

/// What the coroutine does: takes the document as it comes, and calls handlers by suspending itself.
pub(super) fn body(
    all: Vec<Handlers>,
    (encoding, esi): (&'static Encoding, bool),
    memory: usize,
    output: &Output,
) -> Body {
    let output = Rc::clone(output);
    Box::new(move |suspend| {
        let encoding = AsciiCompatibleEncoding::new(encoding).unwrap_or_else(AsciiCompatibleEncoding::utf_8);
        let settings = settings(all, (encoding, esi), memory, &suspend);
        let mut rewriter = HtmlRewriter::new(settings, |piece: &[u8]| output.borrow_mut().extend_from_slice(piece));
        loop {
            match suspend.suspend(Event::Hungry) {
                Command::Write(piece) => rewriter.write(&piece).map_err(|error| words(&error))?,
                Command::Finish => return rewriter.end().map_err(|error| words(&error)),
                // No handler runs of which these could speak.
                Command::Ask(..) | Command::Change(_) | Command::Continue | Command::Piece(_) | Command::Abort => {
                    return Err(ABORTED.to_owned());
                }
            }
        }
    })
}
