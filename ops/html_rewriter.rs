//! `HTMLRewriter` (<https://developers.cloudflare.com/workers/runtime-apis/html-rewriter/>): the parser is `lol_html`, on a stack of
//! its own, so that a handler of JavaScript may be asynchronous. A script gives it a bounded piece at a time, and can be stopped
//! between them.

mod content;
mod counted;
mod handlers;
pub mod protocol;
mod unit;
mod units;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use deno_core::convert::Uint8Array;
use deno_core::{OpState, Resource, ResourceId, op2};
use deno_error::JsErrorBox;
use encoding_rs::{Encoding, UTF_8};
use lol_html::Selector;

use self::counted::Counted;
use self::handlers::{Handlers, Output};
use self::protocol::{Change, Command, Content, Coroutine, Coroutines, Event, Place, Property, Reply, Source};
use crate::events::Events;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::EventId;

/// The most that the parser keeps of a document, in bytes: what is between a start and its end, and the elements that are open.
const KEEPS: usize = 4 << 20;
/// What a rewriter counts for without a document, in bytes: its stack as far as it is used, and its tables.
const LEAST: usize = 64 << 10;
/// What a handler's selector counts for, in bytes.
const EACH: usize = 1 << 10;

/// A parser and what it was given.
struct Session {
    coroutine: Box<dyn Coroutine>,
    output: Output,
    /// Of `LEAST`, what the parser may keep, what handlers have written into tokens, and the output.
    reservation: Reservation,
    base: usize,
    taken: usize,
    changed: usize,
    /// A token is at its handler, or a content is read.
    stopped: bool,
}

impl Session {
    fn counts(&mut self) -> Result<(), JsErrorBox> {
        let output = self.output.borrow().len();
        let bytes = self.base + self.taken.min(KEEPS) + self.changed + output;
        self.reservation.resize(bytes).map_err(JsErrorBox::from_err)
    }

    /// Lets the parser run on: what it stops for, in bits 32 and up, and that one's number; nothing where it has ended.
    fn resume(&mut self, command: Command) -> Result<u64, JsErrorBox> {
        const HUNGRY: u64 = 0;
        const CONTENT: u64 = 7 << 32;
        const ENDED: u64 = 8 << 32;
        let event = self.coroutine.resume(command).map_err(JsErrorBox::type_error)?;
        self.stopped = matches!(event, Some(Event::Token(..) | Event::Content(_)));
        let told = match event {
            Some(Event::Token(kind, number)) => ((kind as u64) << 32) | u64::from(number),
            Some(Event::Content(number)) => CONTENT | u64::from(number),
            Some(Event::Hungry | Event::Reply(_)) => {
                self.changed = 0;
                HUNGRY
            }
            None => ENDED,
        };
        self.counts()?;
        Ok(told)
    }

    /// What the token that is at its handler says.
    fn tell(&mut self, command: Command) -> Result<Reply, JsErrorBox> {
        if !self.stopped {
            return Err(gone());
        }
        match self.coroutine.resume(command).map_err(JsErrorBox::type_error)? {
            Some(Event::Reply(Reply::Refused(why))) => Err(JsErrorBox::type_error(format!("Parser error: {why}"))),
            Some(Event::Reply(reply)) => Ok(reply),
            _ => Err(gone()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The parser unwinds its own stack by returning. It has no other way to give up what is on it.
        let _ = self.coroutine.resume(Command::Abort);
    }
}

/// A rewriter of one document. It goes with the event that it belongs to.
struct RewriterResource(RefCell<Option<Session>>);

impl Resource for RewriterResource {
    fn name(&self) -> Cow<'_, str> {
        "rewriter".into()
    }

    fn close(self: Rc<Self>) {
        self.0.borrow_mut().take();
    }
}

fn gone() -> JsErrorBox {
    JsErrorBox::type_error(
        "This content token is no longer valid. Content tokens are only valid during the execution of the relevant content handler.",
    )
}

fn with<T>(
    state: &OpState,
    rid: ResourceId,
    does: impl FnOnce(&mut Session) -> Result<T, JsErrorBox>,
) -> Result<T, JsErrorBox> {
    let resource = state.resource_table.get::<RewriterResource>(rid).map_err(|_| gone())?;
    let mut slot = resource.0.borrow_mut();
    does(slot.as_mut().ok_or_else(gone)?)
}

fn selector(text: &str) -> Result<Selector, JsErrorBox> {
    /// A longer one is refused: selectors nest, and their parser with them.
    const LONGEST: usize = 4096;
    if text.len() > LONGEST {
        return Err(JsErrorBox::type_error(format!(
            "Parser error: a selector has at most {LONGEST} bytes"
        )));
    }
    text.parse()
        .map_err(|error| JsErrorBox::type_error(format!("Parser error: {error}")))
}

/// Throws where a selector is none.
#[op2(fast)]
pub(crate) fn op_rewriter_selector(#[string] text: &str) -> Result<(), JsErrorBox> {
    selector(text).map(drop)
}

/// A rewriter with handlers. `esi` makes `esi:include` and its like elements without content. `selectors` has a selector, or nothing for the document, and `handles` says what each handles.
#[op2]
#[smi]
pub(crate) fn op_rewriter_new(
    state: &mut OpState,
    #[smi] event: EventId,
    #[string] charset: &str,
    esi: bool,
    #[scoped] selectors: Vec<Option<String>>,
    #[buffer] handles: &[u32],
) -> Result<ResourceId, JsErrorBox> {
    let encoding = if charset.is_empty() {
        UTF_8
    } else {
        Encoding::for_label(charset.as_bytes())
            .filter(|encoding| encoding.is_ascii_compatible())
            .ok_or_else(|| JsErrorBox::type_error("Parser error: Unknown character encoding has been provided."))?
    };
    let base = LEAST + selectors.len() * EACH;
    let reservation = state
        .borrow::<ExternalMemory>()
        .reserve(base)
        .map_err(JsErrorBox::from_err)?;
    let all = selectors.into_iter().zip(handles).map(|(text, handles)| {
        Ok(Handlers {
            selector: text.as_deref().map(selector).transpose()?,
            handles: *handles,
        })
    });
    let all = all.collect::<Result<_, JsErrorBox>>()?;
    let output = Output::default();
    let body = handlers::body(all, (encoding, esi), KEEPS, &output);
    let coroutine = state.borrow::<Rc<dyn Coroutines>>().start(body);
    let mut session = Session {
        coroutine: coroutine.ok_or_else(|| JsErrorBox::range_error("there is no memory for the rewriter's stack"))?,
        output,
        reservation,
        base,
        taken: 0,
        changed: 0,
        stopped: false,
    };
    // To where it wants the document.
    session.resume(Command::Continue)?;
    let rid = state.resource_table.add(RewriterResource(RefCell::new(Some(session))));
    if let Some(scope) = state.borrow::<Events>().scope(event) {
        scope.own(rid);
    }
    Ok(rid)
}

/// Gives it a piece of the document.
#[op2(fast)]
#[number]
pub(crate) fn op_rewriter_write(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[buffer] piece: &[u8],
) -> Result<u64, JsErrorBox> {
    with(state, rid, |session| {
        session.taken = session.taken.saturating_add(piece.len());
        session.counts()?;
        session.resume(Command::Write(piece.to_vec()))
    })
}

/// There is no more of the document.
#[op2(fast)]
#[number]
pub(crate) fn op_rewriter_finish(state: &mut OpState, #[smi] rid: ResourceId) -> Result<u64, JsErrorBox> {
    with(state, rid, |session| session.resume(Command::Finish))
}

/// The handler is done, or a content has ended.
#[op2(fast)]
#[number]
pub(crate) fn op_rewriter_continue(state: &mut OpState, #[smi] rid: ResourceId) -> Result<u64, JsErrorBox> {
    with(state, rid, |session| session.resume(Command::Continue))
}

/// The next piece of the content that is asked for.
#[op2(fast)]
#[number]
pub(crate) fn op_rewriter_piece(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[buffer] piece: &[u8],
) -> Result<u64, JsErrorBox> {
    with(state, rid, |session| session.resume(Command::Piece(piece.to_vec())))
}

/// What has become of the document since the last call.
#[op2]
pub(crate) fn op_rewriter_output(state: &mut OpState, #[smi] rid: ResourceId) -> Result<Uint8Array, JsErrorBox> {
    with(state, rid, |session| {
        let output = std::mem::take(&mut *session.output.borrow_mut());
        session.counts()?;
        Ok(output.into())
    })
}

/// Nothing more is wanted of it.
#[op2(fast)]
pub(crate) fn op_rewriter_close(state: &mut OpState, #[smi] rid: ResourceId) {
    // It may have gone with its event.
    if let Ok(resource) = state.resource_table.take::<RewriterResource>(rid) {
        resource.close();
    }
}

/// A text of the token that is at its handler.
#[op2]
#[string]
pub(crate) fn op_rewriter_text(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] property: u32,
    #[string] name: String,
) -> Result<Option<String>, JsErrorBox> {
    let property = match property {
        0 => Property::Name,
        1 => Property::Namespace,
        2 => Property::Attribute,
        3 => Property::Text,
        4 => Property::PublicId,
        _ => Property::SystemId,
    };
    match with(state, rid, |session| session.tell(Command::Ask(property, name)))? {
        Reply::Text(text) => Ok(text),
        _ => Ok(None),
    }
}

/// Names and values of its attributes, in turns.
#[op2]
#[serde]
pub(crate) fn op_rewriter_attributes(state: &mut OpState, #[smi] rid: ResourceId) -> Result<Vec<String>, JsErrorBox> {
    let asked = Command::Ask(Property::Attributes, String::new());
    match with(state, rid, |session| session.tell(asked))? {
        Reply::Texts(texts) => Ok(texts),
        _ => Ok(Vec::new()),
    }
}

/// Whether something is so of it.
#[op2(fast)]
pub(crate) fn op_rewriter_flag(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] property: u32,
    #[string] name: &str,
) -> Result<bool, JsErrorBox> {
    let property = match property {
        0 => Property::HasAttribute,
        1 => Property::Removed,
        2 => Property::Last,
        3 => Property::CanHaveContent,
        _ => Property::SelfClosing,
    };
    let asked = Command::Ask(property, name.to_owned());
    let reply = with(state, rid, |session| session.tell(asked))?;
    Ok(matches!(reply, Reply::Flag(true)))
}

/// Changes it: its name, text or an attribute, or takes it out.
#[op2(fast)]
pub(crate) fn op_rewriter_change(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] change: u32,
    #[string] first: String,
    #[string] second: String,
) -> Result<(), JsErrorBox> {
    with(state, rid, |session| {
        session.changed = session.changed.saturating_add(first.len() + second.len());
        session.counts()?;
        let change = match change {
            0 => Change::Remove,
            1 => Change::RemoveTags,
            2 => Change::SetName(first),
            3 => Change::SetAttribute(first, second),
            4 => Change::RemoveAttribute(first),
            _ => Change::SetText(first),
        };
        session.tell(Command::Change(change)).map(drop)
    })
}

fn place(number: u32) -> Place {
    match number {
        0 => Place::Before,
        1 => Place::After,
        2 => Place::Replace,
        3 => Place::Prepend,
        4 => Place::Append,
        _ => Place::Inner,
    }
}

/// Puts a text in.
#[op2(fast)]
pub(crate) fn op_rewriter_insert(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] at: u32,
    #[string] text: String,
    html: bool,
) -> Result<(), JsErrorBox> {
    let memory = state.borrow::<ExternalMemory>();
    let reservation = memory.reserve(text.len() + 64).map_err(JsErrorBox::from_err)?;
    let source = Source::Text(Counted::new(text, reservation));
    let change = Change::Insert(place(at), Content { html, source });
    with(state, rid, |session| session.tell(Command::Change(change)).map(drop))
}

/// Puts in what a stream gives, when the parser comes to it.
#[op2(fast)]
pub(crate) fn op_rewriter_insert_stream(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] at: u32,
    #[smi] stream: u32,
    html: bool,
) -> Result<(), JsErrorBox> {
    let source = Source::Stream(stream);
    let change = Change::Insert(place(at), Content { html, source });
    with(state, rid, |session| {
        session.changed = session.changed.saturating_add(64);
        session.counts()?;
        session.tell(Command::Change(change)).map(drop)
    })
}

/// Calls a handler at the element's end tag.
#[op2(fast)]
pub(crate) fn op_rewriter_end_tag(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] number: u32,
) -> Result<(), JsErrorBox> {
    with(state, rid, |session| {
        session.changed = session.changed.saturating_add(64);
        session.counts()?;
        session.tell(Command::Change(Change::OnEndTag(number))).map(drop)
    })
}
