//! Calls of services' methods, as they are on a link.

use bytes::{BufMut as _, Bytes, BytesMut};
use workerd_lite_ops::rpc::{Failure, MESSAGE, PATH};

use super::cursor::{Cursor, put};
use super::heads::CALLS_METHOD;
use super::link::{Call, Connection, Gone, Incoming, LinkError, Outgoing};

/// The longest text of a failure, in bytes.
const LONGEST_TEXT: usize = 32 << 10;

/// What is called, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    /// The event that calls.
    pub(crate) event: u32,
    /// The service, by its place among its agent's.
    pub(crate) service: u32,
    /// The names from what is called to the method.
    pub(crate) path: Vec<String>,
    /// Bytes of its arguments; nothing for the value of a property.
    pub(crate) arguments: Option<usize>,
}

/// What came of it: a value without stubs or streams, or why there is none.
pub(crate) type Came = Result<Bytes, Failure>;

/// A call that the other end has.
pub(crate) struct Calling(Incoming);

/// Calls a method. Nothing where as many calls are open as may be.
pub(crate) fn call(
    link: &Connection,
    called: &Called,
    arguments: Option<&Bytes>,
) -> Option<(Calling, Option<Outgoing>)> {
    if !link.has_room() {
        return None;
    }
    let call = link.call(link.next(), arguments.is_none(), |out| {
        out.put_u8(CALLS_METHOD);
        out.put_u32_le(called.event);
        out.put_u32_le(called.service);
        out.put_u32_le(arguments.map_or(u32::MAX, |bytes| number(bytes.len())));
        out.put_u32_le(number(called.path.len()));
        for name in &called.path {
            put(out, name.as_bytes());
        }
    });
    let Call { outgoing, incoming } = call.ok()?;
    Some((Calling(incoming), arguments.map(|_| outgoing)))
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Calling {
    /// Waits for what comes of it.
    pub(crate) async fn came(self) -> Result<Came, Gone> {
        let head = self.0.head().await?;
        match read_came(&head).map_err(|_| Gone)? {
            Ok(length) => collect(&self.0, length).await.map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

/// How many bytes the value has that came of a call, or why there is none.
fn read_came(head: &[u8]) -> Result<Result<usize, Failure>, LinkError> {
    let mut cursor = Cursor::new(head);
    if cursor.byte()? == 0 {
        return Ok(Ok(cursor.u32()? as usize));
    }
    let (name, message) = (cursor.text()?, cursor.text()?);
    Ok(Err(Failure::new(name, message)))
}

/// All bytes of a message, which has so many.
pub(super) async fn collect(incoming: &Incoming, length: usize) -> Result<Bytes, Gone> {
    let mut all = BytesMut::new();
    while let Some(bytes) = std::future::poll_fn(|cx| incoming.poll_bytes(cx)).await {
        all.extend_from_slice(&bytes?);
        if all.len() > length {
            return Err(Gone);
        }
    }
    if all.len() == length {
        Ok(all.freeze())
    } else {
        Err(Gone)
    }
}

/// A call that has come.
pub(crate) struct CallCame {
    pub(crate) called: Called,
    call: Call,
}

impl CallCame {
    /// Whether a head is one's.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first() == Some(&CALLS_METHOD)
    }

    pub(crate) fn read(head: &[u8], call: Call) -> Result<Self, LinkError> {
        let mut cursor = Cursor::new(head);
        cursor.byte()?;
        let (event, service) = (cursor.u32()?, cursor.u32()?);
        let arguments = Some(cursor.u32()?).filter(|length| *length != u32::MAX);
        let arguments = arguments.map(|length| length as usize);
        if arguments.is_some_and(|length| length > MESSAGE) {
            return Err(LinkError::Head("its arguments are larger than a message may be"));
        }
        let names = cursor.u32()? as usize;
        if names > PATH {
            return Err(LinkError::Head("its path is longer than one may be"));
        }
        let path = (0..names).map(|_| cursor.text().map(ToOwned::to_owned));
        let path = path.collect::<Result<_, _>>()?;
        cursor.end()?;
        let called = Called {
            event,
            service,
            path,
            arguments,
        };
        Ok(Self { called, call })
    }

    /// The arguments, once they have come.
    pub(crate) async fn arguments(&self) -> Result<Option<Bytes>, Gone> {
        match self.called.arguments {
            Some(length) => collect(&self.call.incoming, length).await.map(Some),
            None => Ok(None),
        }
    }

    /// Waits until nobody waits for what comes of it.
    pub(crate) async fn unwanted(&self) {
        self.call.outgoing.stopped().await;
    }

    /// Tells what came of it.
    pub(crate) async fn answer(self, came: Came) {
        let outgoing = self.call.outgoing;
        let cut = |text: &str| text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned();
        match came {
            Ok(bytes) => {
                outgoing.head(false, |out| {
                    out.put_u8(0);
                    out.put_u32_le(number(bytes.len()));
                });
                if outgoing.send(bytes).await.is_ok() {
                    outgoing.end();
                }
            }
            Err(failure) => outgoing.head(true, |out| {
                out.put_u8(1);
                put(out, cut(&failure.name).as_bytes());
                put(out, cut(&failure.message).as_bytes());
            }),
        }
    }
}

/// Sends a call's arguments.
pub(crate) async fn send(outgoing: Outgoing, arguments: Bytes) {
    if outgoing.send(arguments).await.is_ok() {
        outgoing.end();
    }
}
