//! The ops and resources that a worker's scripts call, and the traits their host implements.
//!
//! Nothing in this crate opens a socket, reads a file or looks at the environment: an op either works on
//! what its own isolate holds, or hands a plain request to the [`Egress`] that the host put there.

pub mod account;
mod agent_id;
mod allocated;
mod blob;
pub mod body;
pub mod broken;
pub mod byte_stream;
pub mod cache;
pub mod clock;
mod cloning;
pub mod coding;
mod coding_steps;
mod collection;
mod compression;
mod console;
pub mod console_tap;
pub mod content_encoding;
mod decoder;
pub mod egress;
mod encoder;
pub mod error;
pub mod events;
mod exact;
pub mod extensions;
pub mod external_memory;
pub mod fetch;
mod given;
pub mod head;
pub mod html_rewriter;
pub mod inbox;
pub mod loader;
pub mod loading;
pub mod message;
pub mod node;
pub mod origin;
mod outgoing;
mod poll_time;
#[cfg(test)]
mod properties;
pub mod pump;
mod reading;
pub mod residual;
mod resizable;
pub mod role;
pub mod rpc;
pub mod shares;
pub mod stack_depth;
pub mod start_tls;
pub mod statistics;
pub mod stop;
pub mod tail;
pub mod tcp;
pub mod trace;
pub mod trailers;
pub mod turns;
pub mod verdict;
pub mod webassembly;
mod webcrypto;
pub mod websocket;
mod whatwg_url;
pub mod work_pool;
pub mod worker_log;

pub use body::Body;
pub use byte_stream::ByteStream;
pub use egress::Egress;
pub use error::{BodyError, EventError, FetchError, Termination};
pub use events::{BeingWritten, Events, HUNG};
pub use inbox::{Inbox, Message};
pub use message::{Request, Response};
pub use origin::{CallerId, EventId, Origin, Target};
pub use poll_time::thread_cpu;
pub use role::Role;
pub use webcrypto::CryptoLimits;
