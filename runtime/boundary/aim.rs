//! What an event calls that is no client's request, and who calls it: another agent, or the agent for whom a policy judges.

use bytes::{BufMut as _, BytesMut};
use workerd_lite_ops::Target;

use super::cursor::{Cursor, put};
use super::link::LinkError;

const HAS_CALLER: u8 = 1;
const HAS_ENTRYPOINT: u8 = 2;
const HAS_AGENT: u8 = 4;

/// What the parent says of an event that is not a client's request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Aim<'a> {
    /// The agent that calls: a number that no other has, and `ctx.agent` as JSON, where that was not told before.
    pub(crate) caller: Option<(u32, &'a str)>,
    /// What is called.
    pub(crate) what: What<'a>,
    /// The caller's way in by which a call comes.
    pub(crate) door: u32,
    /// How many events of tail workers it comes of.
    pub(crate) tails: u8,
}

/// What is called, as [`Target`] has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// What the caller calls always.
    #[default]
    Own,
    /// The same, on behalf of this agent: `ctx.agent`, as JSON.
    OnBehalf(&'a str),
    /// One of the caller's ways in, and on whose behalf.
    Door(u32, Option<&'a str>),
    /// An export, the default one without a name, and `ctx.props` as JSON.
    Entrypoint(Option<&'a str>, &'a str),
}

const OWN: u8 = 0;
const ON_BEHALF: u8 = 1;
const DOOR: u8 = 2;
const ENTRYPOINT: u8 = 3;

impl<'a> From<Option<&'a Target>> for What<'a> {
    fn from(target: Option<&'a Target>) -> Self {
        match target {
            None => Self::Own,
            Some(Target::Agent(agent)) => Self::OnBehalf(agent),
            Some(Target::Door(door, agent)) => Self::Door(*door, agent.as_deref()),
            Some(Target::Entrypoint { entrypoint, props }) => Self::Entrypoint(entrypoint.as_deref(), props),
        }
    }
}

impl What<'_> {
    /// The same, as an isolate has it.
    pub(crate) fn target(self) -> Option<Target> {
        Some(match self {
            Self::Own => return None,
            Self::OnBehalf(agent) => Target::Agent(agent.into()),
            Self::Door(door, agent) => Target::Door(door, agent.map(Into::into)),
            Self::Entrypoint(entrypoint, props) => Target::Entrypoint {
                entrypoint: entrypoint.map(ToOwned::to_owned),
                props: props.to_owned(),
            },
        })
    }
}

pub(super) fn write(out: &mut BytesMut, aim: Aim<'_>) {
    let (kind, door, agent, entrypoint, props) = match aim.what {
        What::Own => (OWN, 0, None, None, ""),
        What::OnBehalf(agent) => (ON_BEHALF, 0, Some(agent), None, ""),
        What::Door(door, agent) => (DOOR, door, agent, None, ""),
        What::Entrypoint(entrypoint, props) => (ENTRYPOINT, 0, None, entrypoint, props),
    };
    let bit = |has: bool, bit: u8| if has { bit } else { 0 };
    out.put_u8(
        bit(aim.caller.is_some(), HAS_CALLER)
            | bit(entrypoint.is_some(), HAS_ENTRYPOINT)
            | bit(agent.is_some(), HAS_AGENT),
    );
    let (number, caller) = aim.caller.unwrap_or_default();
    out.put_u8(kind);
    out.put_u8(aim.tails);
    for number in [number, aim.door, door] {
        out.put_u32_le(number);
    }
    for text in [caller, agent.unwrap_or_default(), entrypoint.unwrap_or_default(), props] {
        put(out, text.as_bytes());
    }
}

pub(super) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Aim<'a>, LinkError> {
    let (bits, kind, tails) = (cursor.byte()?, cursor.byte()?, cursor.byte()?);
    let (number, by, door) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    let (caller, agent) = (cursor.text()?, cursor.text()?);
    let (entrypoint, props) = (cursor.text()?, cursor.text()?);
    let has = |bit: u8| bits & bit != 0;
    Ok(Aim {
        caller: has(HAS_CALLER).then_some((number, caller)),
        what: match kind {
            OWN => What::Own,
            ON_BEHALF => What::OnBehalf(agent),
            DOOR => What::Door(door, has(HAS_AGENT).then_some(agent)),
            ENTRYPOINT => What::Entrypoint(has(HAS_ENTRYPOINT).then_some(entrypoint), props),
            _ => return Err(LinkError::Head("it calls what there is not")),
        },
        door: by,
        tails,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_is_read_as_it_was_written() {
        for what in [
            What::Own,
            What::OnBehalf("{}"),
            What::Door(3, None),
            What::Door(0, Some("{}")),
            What::Entrypoint(None, "{}"),
            What::Entrypoint(Some("audit"), "{\"a\":1}"),
        ] {
            for caller in [None, Some((7, "")), Some((0, "{}"))] {
                let aim = Aim {
                    caller,
                    what,
                    door: 2,
                    tails: 2,
                };
                let mut out = BytesMut::new();
                write(&mut out, aim);
                let mut cursor = Cursor::new(&out);
                assert_eq!(read(&mut cursor).unwrap(), aim);
                cursor.end().unwrap();
                assert_eq!(What::from(what.target().as_ref()), what);
            }
        }
    }
}
