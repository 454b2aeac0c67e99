//! The heads of calls. All of it is read anew.

use std::rc::Rc;

use bytes::{BufMut as _, Bytes, BytesMut};
use workerd_lite_ops::rpc::PATH;

use super::content::{self, Content};
use super::table::{self, Table};
use crate::boundary::aim::{self, Aim};
use crate::boundary::cursor::{Cursor, put};
use crate::boundary::heads::{BEGINS, CALLS, WATCHES};
use crate::boundary::link::LinkError;
use crate::boundary::loaded::{self, LoadedWorker};

/// The most bytes of the names of one path.
pub(super) const NAMES: usize = 64 << 10;

const SERVICE: u8 = 0;
const GIVEN: u8 = 1;
const ANSWER: u8 = 2;
const LOADED: u8 = 3;

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A service of the agent's, by its place, and the worker that calls it, where the agent has loaded that.
    Service(u32, Option<Rc<LoadedWorker>>),
    /// Something that the receiver has given, by its number.
    Given(u32),
    /// What comes of a call, by that call's number.
    Answer(u32),
}

impl Target {
    fn write(&self, out: &mut BytesMut) {
        let (kind, number) = match self {
            Self::Service(place, None) => (SERVICE, place),
            Self::Service(place, Some(_)) => (LOADED, place),
            Self::Given(number) => (GIVEN, number),
            Self::Answer(call) => (ANSWER, call),
        };
        out.put_u8(kind);
        out.put_u32_le(*number);
        if let Self::Service(_, Some(by)) = self {
            loaded::write(out, Some(by));
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, LinkError> {
        let (kind, number) = (cursor.byte()?, cursor.u32()?);
        match kind {
            SERVICE => Ok(Self::Service(number, None)),
            LOADED => Ok(Self::Service(number, loaded::read(cursor)?.map(Rc::new))),
            GIVEN => Ok(Self::Given(number)),
            ANSWER => Ok(Self::Answer(number)),
            _ => Err(LinkError::Head("it calls what there is not")),
        }
    }
}

/// What an event is begun with that is a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin<'a> {
    /// The agent, by its place among the process's.
    pub(crate) agent: u32,
    /// The id of the client's request.
    pub(crate) request_id: &'a str,
    /// What is called, and by whom.
    pub(crate) aim: Aim<'a>,
}

/// The names of a call, what it takes along, and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) path: Vec<String>,
    pub(super) table: Table,
    pub(super) content: Content,
}

fn write_said(out: &mut BytesMut, path: &[String], table: &Table, bytes: Option<&Bytes>) {
    out.put_u16_le(u16::try_from(path.len()).unwrap_or(u16::MAX));
    for name in path {
        put(out, name.as_bytes());
    }
    table::write(out, table);
    content::write(out, bytes);
}

fn read_said(mut cursor: Cursor<'_>) -> Result<Said, LinkError> {
    const LONG: LinkError = LinkError::Head("its path is longer than one may be");
    let names = usize::from(cursor.u16()?);
    if names > PATH {
        return Err(LONG);
    }
    let path = (0..names).map(|_| cursor.text().map(ToOwned::to_owned));
    let path = path.collect::<Result<Vec<_>, _>>()?;
    if path.iter().map(String::len).sum::<usize>() > NAMES {
        return Err(LONG);
    }
    let table = table::read(&mut cursor)?;
    let content = content::read(&mut cursor)?;
    cursor.end()?;
    Ok(Said { path, table, content })
}

pub(super) fn write_call(
    out: &mut BytesMut,
    (event, target): (u32, &Target),
    (path, table, bytes): (&[String], &Table, Option<&Bytes>),
) {
    out.put_u8(CALLS);
    out.put_u32_le(event);
    target.write(out);
    write_said(out, path, table, bytes);
}

/// Reads a call behind its kind and its event.
pub(super) fn read_call(mut cursor: Cursor<'_>) -> Result<(Target, Said), LinkError> {
    let target = Target::read(&mut cursor)?;
    Ok((target, read_said(cursor)?))
}

pub(super) fn write_watch(out: &mut BytesMut, event: u32, target: &Target) {
    out.put_u8(WATCHES);
    out.put_u32_le(event);
    target.write(out);
}

/// Reads what is watched behind its kind and its event.
pub(super) fn read_watch(mut cursor: Cursor<'_>) -> Result<Target, LinkError> {
    let target = Target::read(&mut cursor)?;
    cursor.end()?;
    Ok(target)
}

pub(super) fn write_begin(
    out: &mut BytesMut,
    begin: Begin<'_>,
    (path, table, bytes): (&[String], &Table, Option<&Bytes>),
) {
    out.put_u8(BEGINS);
    out.put_u32_le(begin.agent);
    put(out, begin.request_id.as_bytes());
    aim::write(out, begin.aim);
    write_said(out, path, table, bytes);
}

/// A call that begins an event.
pub(crate) struct Opened<'a> {
    pub(crate) begin: Begin<'a>,
    pub(super) said: Said,
}

impl<'a> Opened<'a> {
    /// Whether a head is one's.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first() == Some(&BEGINS)
    }

    pub(crate) fn read(head: &'a [u8]) -> Result<Self, LinkError> {
        let mut cursor = Cursor::new(head);
        cursor.byte()?;
        let begin = Begin {
            agent: cursor.u32()?,
            request_id: cursor.text()?,
            aim: aim::read(&mut cursor)?,
        };
        let said = read_said(cursor)?;
        Ok(Self { begin, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(of: Cursor<'_>) -> Cursor<'_> {
        let mut cursor = of;
        cursor.byte().unwrap();
        cursor.u32().unwrap();
        cursor
    }

    #[test]
    fn calls_are_read_as_they_were_written_and_bounded() {
        let mut out = BytesMut::new();
        let path = ["a".to_owned(), "b".to_owned()];
        let bytes = Bytes::from_static(b"arguments");
        write_call(
            &mut out,
            (3, &Target::Answer(9)),
            (&path, &Table::default(), Some(&bytes)),
        );
        let (target, said) = read_call(head(Cursor::new(&out))).unwrap();
        assert_eq!(
            (target, said.path, said.content),
            (Target::Answer(9), path.to_vec(), Content::Here(bytes))
        );
        let long = vec!["x".to_owned(); PATH + 1];
        let large = vec!["x".repeat(NAMES + 1)];
        for path in [long, large] {
            let mut out = BytesMut::new();
            write_call(&mut out, (3, &Target::Given(1)), (&path, &Table::default(), None));
            assert!(read_call(head(Cursor::new(&out))).is_err());
        }
    }
}
