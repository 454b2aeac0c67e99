//! Calls of methods over a link, with what they take along: functions, stubs and streams, both ways. Each event has a bridge at both ends of
//! its link: what is given over it is known by numbers, which mean something for that event alone, and ends with it.

mod bridge;
mod content;
mod message;
mod received;
mod reply;
mod sent;
mod streams;
mod table;

pub(crate) use bridge::{Bridge, Side};
pub(super) use content::collect;
pub(crate) use message::{Begin, Opened};
pub(crate) use received::{Came, refuse};
