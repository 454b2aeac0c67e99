//! Agents for whom a policy's process judges: it is told of each before the first of its events.

use bytes::BufMut as _;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use super::heads::JOINS;
use super::link::{Connection, LinkError};
use crate::isolate::Caller;

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Joins {
    /// Its name and its tenant's, for the log.
    pub(crate) name: String,
    pub(crate) tenant: Option<String>,
    /// What the policy sees of it.
    pub(crate) caller: Caller,
}

impl Joins {
    /// Whether a head is one's.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first() == Some(&JOINS)
    }

    /// From now on events name this one by its number. Fails where what is said of it has no room in a head.
    pub(crate) fn tell(&self, link: &Connection, number: u32) -> Result<(), LinkError> {
        let said = serde_json::to_vec(self).map_err(|_| LinkError::Head("an agent can not be told of"))?;
        // Nothing is answered: what follows comes behind it.
        let call = link.call(link.next(), true, |out| {
            out.put_u8(JOINS);
            out.put_u32_le(number);
            out.put_slice(&said);
        });
        call.map(drop)
    }

    /// Its number, and what is said of it.
    pub(crate) fn read(head: &[u8]) -> Result<(u32, Self), LinkError> {
        const NONE: LinkError = LinkError::Head("it tells of an agent that is none");
        let mut cursor = Cursor::new(head);
        cursor.byte()?;
        let number = cursor.u32()?;
        let said = serde_json::from_slice(cursor.rest()).map_err(|_| NONE)?;
        Ok((number, said))
    }
}
