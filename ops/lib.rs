//! The ops and resources that a worker's scripts call, and the traits their host implements.
//!
//! Nothing in this crate opens a socket, reads a file or looks at the environment: an op either works on
//! what its own isolate holds, or hands a plain request to the [`Egress`] that the host put there.

pub mod body;
pub mod clock;
pub mod coding;
mod compression;
pub mod console;
mod decoder;
pub mod error;
pub mod events;
pub mod extensions;
pub mod fetch;
pub mod head;
pub mod held;
pub mod inbox;
pub mod message;
mod outgoing;
#[cfg(test)]
mod properties;
pub mod pump;
pub mod role;
pub mod trace;
pub mod webassembly;

pub use body::{Body, ByteStream};
pub use error::{BodyError, EventError, FetchError, Termination};
pub use events::{CallerId, Events, Origin};
pub use fetch::Egress;
pub use inbox::{Inbox, Message};
pub use message::{Request, Response};
pub use role::Role;
