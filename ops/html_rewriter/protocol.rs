//! What a rewriter's coroutine and the ops say to each other. The parser calls its handlers from within a write, and a handler of
//! JavaScript may take its time: so the parser has a stack of its own, and waits on it.

use std::rc::Rc;

use super::counted::Counted;

/// The words of the error that ends a parser which nobody wants any more.
pub(super) const ABORTED: &str = "the rewriter was given up";

/// What the parser stops for.
#[derive(Debug)]
pub enum Event {
    /// It wants more of the document.
    Hungry,
    /// A handler is to be called, by its number.
    Token(Kind, u32),
    /// The next piece of a content that is a stream, by its number.
    Content(u32),
    /// What a command gave.
    Reply(Reply),
}

/// What a handler is given.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub enum Kind {
    /// A start tag with its element.
    Element = 1,
    /// A comment.
    Comment = 2,
    /// A piece of text.
    Text = 3,
    /// The doctype.
    Doctype = 4,
    /// The end of the document.
    End = 5,
    /// An element's end tag.
    EndTag = 6,
}

/// What the parser is told.
#[derive(Debug)]
pub enum Command {
    /// More of the document.
    Write(Vec<u8>),
    /// There is no more of it.
    Finish,
    /// The handler is done, or a content has ended.
    Continue,
    /// The next piece of a content.
    Piece(Vec<u8>),
    /// Nothing more is wanted.
    Abort,
    /// The token is asked.
    Ask(Property, String),
    /// The token is changed.
    Change(Change),
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Property {
    /// Its name, where it has one.
    Name,
    /// An element's namespace.
    Namespace,
    /// An attribute's value.
    Attribute,
    /// Names and values of all attributes, in turns.
    Attributes,
    /// Its text.
    Text,
    /// Whether an attribute is there.
    HasAttribute,
    /// Whether it was taken out.
    Removed,
    /// Whether it is the last piece of its text.
    Last,
    /// Whether an element can have content.
    CanHaveContent,
    /// Whether a start tag ends with a slash.
    SelfClosing,
    /// A doctype's public id.
    PublicId,
    /// A doctype's system id.
    SystemId,
}

/// A change of a token.
#[derive(Debug)]
pub enum Change {
    /// Content at a place.
    Insert(Place, Content),
    /// It is taken out.
    Remove,
    /// An element's tags are taken out.
    RemoveTags,
    /// It gets another name.
    SetName(String),
    /// An attribute gets a value.
    SetAttribute(String, String),
    /// An attribute is taken out.
    RemoveAttribute(String),
    /// A comment gets another text.
    SetText(String),
    /// The handler of an element's end tag, by its number.
    OnEndTag(u32),
}

/// Where content goes.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// Before the token.
    Before,
    /// Behind it.
    After,
    /// In its place.
    Replace,
    /// An element's first.
    Prepend,
    /// An element's last.
    Append,
    /// All that is in an element.
    Inner,
}

/// What is put in.
#[derive(Debug)]
pub struct Content {
    /// Whether it is markup; else text, which is escaped.
    pub html: bool,
    /// What it is.
    pub source: Source,
}

/// Where content comes from.
#[derive(Debug)]
pub enum Source {
    /// It is all there.
    Text(Counted),
    /// A stream, by its number.
    Stream(u32),
}

/// What a command gives.
#[derive(Debug)]
pub enum Reply {
    /// It is done.
    Done,
    /// It is not possible, and why.
    Refused(String),
    /// A text, where there is one.
    Text(Option<String>),
    /// Texts.
    Texts(Vec<String>),
    /// Yes or no.
    Flag(bool),
}

/// Stops the coroutine that calls it, until there is a command.
pub trait Suspend {
    /// Gives `event` to who runs the coroutine, and waits. Without a command the coroutine is to end.
    fn suspend(&self, event: Event) -> Command;
}

/// What runs on a stack of its own: it ends with an error's words, or without.
pub type Body = Box<dyn FnOnce(Rc<dyn Suspend>) -> Result<(), String>>;

/// A body that runs until it suspends itself.
pub trait Coroutine {
    /// Lets it run on: its next event, or how it ended. After its end it gives an error.
    fn resume(&mut self, command: Command) -> Result<Option<Event>, String>;
}

/// Makes coroutines. The host does, for it takes unsafe code.
pub trait Coroutines {
    /// One that has not begun. It is nothing where there is no memory for its stack.
    fn start(&self, body: Body) -> Option<Box<dyn Coroutine>>;
}
