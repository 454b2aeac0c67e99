//! What is told of an event that has ended, for whoever is told of it. Nothing comes of that.

use bytes::BufMut as _;
use deno_core::unsync::spawn;

use super::cursor::Cursor;
use super::heads::TELLS;
use super::link::{Call, Connection, LinkError};
use super::rpc::collect;

/// The most bytes of it: what is kept of an event is 128 KiB, and JSON may write a byte as six.
const LONGEST: usize = 1 << 20;

/// Tells of an event. Gives whether that could be sent.
pub(crate) fn tell(link: &Connection, event: u32, item: &serde_json::Value) -> bool {
    let Ok(item) = serde_json::to_vec(item) else {
        return false;
    };
    let Ok(length) = u32::try_from(item.len()) else {
        return false;
    };
    if item.len() > LONGEST || !link.has_room() {
        return false;
    }
    let call = link.call(link.next(), false, |out| {
        out.put_u8(TELLS);
        out.put_u32_le(event);
        out.put_u32_le(length);
    });
    let Ok(Call { outgoing, incoming }) = call else {
        return false;
    };
    spawn(async move {
        if outgoing.send(item.into()).await.is_ok() {
            outgoing.end();
        }
        let _ = incoming.head().await;
    });
    true
}

/// What is told of an event.
pub(crate) struct Tells {
    /// The event.
    pub(crate) event: u32,
    length: usize,
    call: Call,
}

impl Tells {
    /// Whether a head is one's.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first() == Some(&TELLS)
    }

    pub(crate) fn read(head: &[u8], call: Call) -> Result<Self, LinkError> {
        let mut cursor = Cursor::new(head);
        cursor.byte()?;
        let (event, length) = (cursor.u32()?, cursor.u32()? as usize);
        cursor.end()?;
        if length > LONGEST {
            return Err(LinkError::Head("it tells more of an event than may be"));
        }
        Ok(Self { event, length, call })
    }

    /// Bytes of it.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// All of it, once it has come; nothing where it is none.
    pub(crate) async fn item(self) -> Option<serde_json::Value> {
        let told = collect(&self.call.incoming, self.length).await;
        self.call.outgoing.head(true, |_| {});
        serde_json::from_slice(&told.ok()?).ok()
    }
}
