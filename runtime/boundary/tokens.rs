//! Tokens of agents' identities, as a policy's process asks for them. They are signed where the key is.

use bytes::BufMut as _;
use workerd_lite_ops::FetchError;

use super::cursor::{Cursor, put};
use super::heads::TOKENS;
use super::link::{Call, Connection, LinkError};

/// The most audiences of a token, and bytes of its claims.
const AUDIENCES: u16 = 256;
const CLAIMS: usize = 64 << 10;

/// What came of it.
const SIGNED: u8 = 0;
const REFUSED: u8 = 1;

/// Asks for a token in the name of an event, and waits for it.
pub(crate) async fn ask_for_token(
    link: &Connection,
    event: u32,
    audience: &[String],
    claims: &str,
) -> Result<String, FetchError> {
    let long = || FetchError::Invalid("the audiences or claims of a token are too long".into());
    let count = u16::try_from(audience.len()).unwrap_or(u16::MAX);
    if count > AUDIENCES || claims.len() > CLAIMS {
        return Err(long());
    }
    link.room().await;
    let call = link.call(link.next(), true, |out| {
        out.put_u8(TOKENS);
        out.put_u32_le(event);
        out.put_u16_le(count);
        for audience in audience {
            put(out, audience.as_bytes());
        }
        put(out, claims.as_bytes());
    });
    let call = call.map_err(|_| long())?;
    let head = call.incoming.head().await.map_err(|_| FetchError::EventEnded)?;
    let mut cursor = Cursor::new(&head);
    let kind = cursor.byte();
    match (kind, cursor.text()) {
        (Ok(SIGNED), Ok(token)) => Ok(token.to_owned()),
        (Ok(_), Ok(why)) => Err(FetchError::Invalid(why.to_owned())),
        _ => Err(FetchError::EventEnded),
    }
}

/// A token that a process asks for.
pub(crate) struct TokenCame {
    /// The event that asks.
    pub(crate) event: u32,
    /// For whom it is.
    pub(crate) audience: Vec<String>,
    /// Further claims, as JSON.
    pub(crate) claims: String,
    call: Call,
}

impl TokenCame {
    /// Whether a head is one's.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first() == Some(&TOKENS)
    }

    pub(crate) fn read(head: &[u8], call: Call) -> Result<Self, LinkError> {
        const LONG: LinkError = LinkError::Head("it asks for a token of more than one may be of");
        let mut cursor = Cursor::new(head);
        cursor.byte()?;
        let (event, count) = (cursor.u32()?, cursor.u16()?);
        if count > AUDIENCES {
            return Err(LONG);
        }
        let audience = (0..count).map(|_| cursor.text().map(ToOwned::to_owned));
        let audience = audience.collect::<Result<_, _>>()?;
        let claims = cursor.text()?.to_owned();
        cursor.end()?;
        if claims.len() > CLAIMS {
            return Err(LONG);
        }
        Ok(Self {
            event,
            audience,
            claims,
            call,
        })
    }

    /// Gives it, or why there is none.
    pub(crate) fn answer(self, answer: Result<String, FetchError>) {
        let (kind, text) = match answer {
            Ok(token) => (SIGNED, token),
            Err(error) => (REFUSED, error.to_string()),
        };
        self.call.outgoing.head(true, |out| {
            out.put_u8(kind);
            put(out, text.as_bytes());
        });
    }
}
