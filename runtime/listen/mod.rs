//! Sockets that are listened on: where they are, how they are bound or given, and the connections that come in.
#![expect(clippy::disallowed_types, reason = "listeners are bound in this room")]

mod activation;
mod address;
mod bind;
mod error;
mod listener;
mod proxy_protocol;
mod stream;
mod successor;
mod unix;

pub(crate) use activation::{VARIABLES, given};
pub use address::{AddressError, ListenAddress};
pub(crate) use bind::bind;
pub use error::ListenError;
pub(crate) use listener::{Listener, accept};
pub use listener::{Role, Socket};
pub(crate) use proxy_protocol::{Proxied, read as read_proxied};
pub(crate) use stream::{Incoming, Remote, Stream};
pub(crate) use successor::comes as successor_comes;
