//! Connections of TCP, as they are asked for over a link. Both ends read the address anew, as whoever judges it does.

use bytes::BufMut as _;
use workerd_lite_ops::tcp::{Secure, request, secure};
use workerd_lite_ops::{FetchError, Request};

use super::cursor::{Cursor, put};
use super::heads::DIALS;
use super::link::{Call, Connection, LinkError};
use super::loaded::{self, LoadedWorker};

/// The longest text of a failure, in bytes.
const LONGEST_TEXT: usize = 4 << 10;

/// What came of it.
const OPEN: u8 = 0;
const DENIED: u8 = 1;
const UNREACHED: u8 = 2;
const FAILED: u8 = 3;

/// Why a connection did not come about.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The policy refused it, or has failed.
    Denied,
    /// The network did, in words for the author.
    Unreached(String),
    /// Something else is wrong with it.
    Failed(String),
}

impl From<FetchError> for Refused {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::OutboundWorker => Self::Denied,
            FetchError::Network(why) => Self::Unreached(why),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// A connection that the other end is asked for.
pub(crate) struct Dialling(Call);

/// Asks for the connection that a request asks for, in the name of an event.
pub(crate) fn dial(
    link: &Connection,
    (event, binding, loaded): (u32, Option<u32>, Option<&LoadedWorker>),
    asked: &Request,
) -> Result<Dialling, LinkError> {
    let host = asked.url.host_str().unwrap_or_default();
    let call = link.call(link.next(), false, |out| {
        out.put_u8(DIALS);
        out.put_u32_le(event);
        out.put_u8(u8::from(binding.is_some()));
        out.put_u32_le(binding.unwrap_or_default());
        out.put_u16_le(asked.url.port_or_known_default().unwrap_or_default());
        put(out, host.as_bytes());
        put(out, secure(&asked.headers).name().as_bytes());
        loaded::write(out, loaded);
    })?;
    Ok(Dialling(call))
}

impl Dialling {
    /// Waits until it stands. Dropping this gives it up.
    pub(crate) async fn opened(self) -> Result<Call, Refused> {
        let head = self.0.incoming.head().await.map_err(|_| Refused::Denied)?;
        let mut cursor = Cursor::new(&head);
        let text = |cursor: &mut Cursor<'_>| cursor.text().map(ToOwned::to_owned).unwrap_or_default();
        match cursor.byte() {
            Ok(OPEN) => Ok(self.0),
            Ok(UNREACHED) => Err(Refused::Unreached(text(&mut cursor))),
            Ok(FAILED) => Err(Refused::Failed(text(&mut cursor))),
            _ => Err(Refused::Denied),
        }
    }
}

/// A connection that a process asks for.
pub(crate) struct DialCame {
    /// The event that asks.
    pub(crate) event: u32,
    /// The policy's binding by which it goes out.
    pub(crate) binding: Option<u32>,
    /// The worker that asks, where the agent has loaded it.
    pub(crate) loaded: Option<LoadedWorker>,
    call: Call,
}

impl DialCame {
    /// Whether a head is one's.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first() == Some(&DIALS)
    }

    /// Reads it, with the request that it is judged by.
    pub(crate) fn read(head: &[u8], call: Call) -> Result<(Self, Request), LinkError> {
        const INVALID: LinkError = LinkError::Head("it asks for a connection to no address");
        let mut cursor = Cursor::new(head);
        cursor.byte()?;
        let event = cursor.u32()?;
        let (bound, binding) = (cursor.byte()? != 0, cursor.u32()?);
        let port = cursor.u16()?;
        let (host, secure) = (cursor.text()?, cursor.text()?);
        let loaded = loaded::read(&mut cursor)?;
        cursor.end()?;
        let secure = Secure::named(secure).ok_or(INVALID)?;
        let request = request(host, port, secure).map_err(|_| INVALID)?;
        let came = Self {
            event,
            binding: bound.then_some(binding),
            loaded,
            call,
        };
        Ok((came, request))
    }

    /// Waits until nobody waits for it.
    pub(crate) async fn unwanted(&self) {
        self.call.outgoing.stopped().await;
    }

    /// It stands. Gives what passes over it.
    pub(crate) fn open(self) -> Call {
        self.call.outgoing.head(false, |out| out.put_u8(OPEN));
        self.call
    }

    /// It did not come about.
    pub(crate) fn refuse(self, why: &Refused) {
        let (kind, text) = match why {
            Refused::Denied => (DENIED, ""),
            Refused::Unreached(text) => (UNREACHED, text.as_str()),
            Refused::Failed(text) => (FAILED, text.as_str()),
        };
        self.call.outgoing.head(true, |out| {
            out.put_u8(kind);
            put(out, &text.as_bytes()[..text.floor_char_boundary(LONGEST_TEXT)]);
        });
    }
}
