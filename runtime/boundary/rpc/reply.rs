//! What comes of calls: a value with what it takes along, or why there is none.

use bytes::{BufMut as _, Bytes, BytesMut};
use workerd_lite_ops::Termination;
use workerd_lite_ops::rpc::Failure;

use super::content::{self, Content};
use super::table::{self, Table};
use crate::boundary::cursor::{Cursor, put};
use crate::boundary::link::LinkError;

/// The longest text of a failure, in bytes, and the most of what was thrown.
const TEXT: usize = 32 << 10;
const THROWN: usize = 64 << 10;

const IS_VALUE: u8 = 1;
const HAS_DISPOSER: u8 = 2;
const IS_TOLD: u8 = 4;
const HAS_THROWN: u8 = 8;

/// What came.
pub(super) enum Replied {
    Value {
        table: Table,
        content: Content,
        disposer: bool,
    },
    Failed(Failure),
}

pub(super) fn write_value(out: &mut BytesMut, table: &Table, bytes: &Bytes, disposer: bool) {
    out.put_u8(IS_VALUE | if disposer { HAS_DISPOSER } else { 0 });
    table::write(out, table);
    content::write(out, Some(bytes));
}

/// Writes why there is no value; where it failed is said to who may know it alone.
pub(super) fn write_failure(out: &mut BytesMut, failure: &Failure, with_stack: bool) {
    let cut = |text: &str| text[..text.floor_char_boundary(TEXT)].to_owned();
    let thrown = failure.value.as_ref().filter(|value| value.len() <= THROWN);
    let told = if failure.told { IS_TOLD } else { 0 };
    out.put_u8(told | if thrown.is_some() { HAS_THROWN } else { 0 });
    put(out, cut(&failure.name).as_bytes());
    put(out, cut(&failure.message).as_bytes());
    put(out, thrown.map(|value| &**value).unwrap_or_default());
    let stack = if with_stack { cut(&failure.stack) } else { String::new() };
    put(out, stack.as_bytes());
    let stopped = failure.stopped.filter(|_| with_stack).map_or("", Termination::word);
    put(out, stopped.as_bytes());
}

pub(super) fn read(head: &[u8]) -> Result<Replied, LinkError> {
    let mut cursor = Cursor::new(head);
    let bits = cursor.byte()?;
    let replied = if bits & IS_VALUE != 0 {
        Replied::Value {
            disposer: bits & HAS_DISPOSER != 0,
            table: table::read(&mut cursor)?,
            content: content::read(&mut cursor)?,
        }
    } else {
        let (name, message) = (cursor.text()?, cursor.text()?);
        let (thrown, stack) = (cursor.bytes()?, cursor.text()?);
        let stopped = Termination::named(cursor.text()?);
        if name.len() > TEXT || message.len() > TEXT || stack.len() > TEXT || thrown.len() > THROWN {
            return Err(LinkError::Head("its failure has too long a text"));
        }
        Replied::Failed(Failure {
            value: (bits & HAS_THROWN != 0).then(|| Bytes::copy_from_slice(thrown)),
            told: bits & IS_TOLD != 0,
            stack: stack.to_owned(),
            // Whether the process is there, is known here.
            stopped: stopped.filter(|why| *why != Termination::Process),
            ..Failure::new(name, message)
        })
    };
    cursor.end()?;
    Ok(replied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_read_as_they_were_written() {
        let failure = Failure {
            value: Some(Bytes::from_static(b"thrown")),
            stack: "at a.js".into(),
            told: false,
            stopped: Some(Termination::Cpu),
            ..Failure::new("TypeError", "no")
        };
        for (with_stack, stack, stopped) in [(true, "at a.js", Some(Termination::Cpu)), (false, "", None)] {
            let mut out = BytesMut::new();
            write_failure(&mut out, &failure, with_stack);
            let Replied::Failed(read) = read(&out).unwrap() else {
                panic!("it is a failure")
            };
            assert_eq!((&*read.name, &*read.message, read.told), ("TypeError", "no", false));
            assert_eq!((read.value.as_deref(), &*read.stack), (Some(&b"thrown"[..]), stack));
            assert_eq!(read.stopped, stopped);
        }
    }
}
