//! Which entrypoint of an agent an event is of, and which agent calls it, where that is another one.

use bytes::{BufMut as _, BytesMut};

use super::cursor::{Cursor, put};
use super::link::LinkError;

const HAS_CALLER: u8 = 1;
const HAS_ENTRYPOINT: u8 = 2;
const IS_UNTOLD: u8 = 4;

/// What the parent says of an event that is not a client's request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Aim<'a> {
    /// The agent that calls: a number that no other has, and `ctx.agent` as JSON.
    pub(crate) caller: Option<(u32, &'a str)>,
    /// The export that is called; the default one without.
    pub(crate) entrypoint: Option<&'a str>,
    /// `ctx.props`, as JSON.
    pub(crate) props: &'a str,
    /// Whether nobody is told of it: it tells of another one.
    pub(crate) untold: bool,
}

pub(super) fn write(out: &mut BytesMut, aim: Aim<'_>) {
    let caller = if aim.caller.is_some() { HAS_CALLER } else { 0 };
    let entrypoint = if aim.entrypoint.is_some() { HAS_ENTRYPOINT } else { 0 };
    let untold = if aim.untold { IS_UNTOLD } else { 0 };
    out.put_u8(caller | entrypoint | untold);
    let (number, agent) = aim.caller.unwrap_or_default();
    out.put_u32_le(number);
    put(out, agent.as_bytes());
    put(out, aim.entrypoint.unwrap_or_default().as_bytes());
    put(out, aim.props.as_bytes());
}

pub(super) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Aim<'a>, LinkError> {
    let bits = cursor.byte()?;
    let caller = (cursor.u32()?, cursor.text()?);
    let (entrypoint, props) = (cursor.text()?, cursor.text()?);
    Ok(Aim {
        caller: (bits & HAS_CALLER != 0).then_some(caller),
        entrypoint: (bits & HAS_ENTRYPOINT != 0).then_some(entrypoint),
        props,
        untold: bits & IS_UNTOLD != 0,
    })
}
