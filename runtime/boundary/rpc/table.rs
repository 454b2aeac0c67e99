//! What a message takes along: capabilities and streams, by their numbers. All of it is read anew.

use bytes::{BufMut as _, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::rpc::STUBS;

use crate::boundary::cursor::{Cursor, put};
use crate::boundary::link::LinkError;

/// The longest names of codings, in bytes.
const CODINGS: usize = 64;

const GIVEN: u8 = 0;
const BACK: u8 = 1;
const SERVICE: u8 = 2;

const READ: u8 = 0;
const WRITTEN: u8 = 1;

/// One capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capability {
    /// The sender gives it, under this number.
    Given(u32),
    /// The receiver has given it, under this number.
    Back(u32),
    /// A service of the agent's, by its place.
    Service(u32),
}

/// One stream, which is a call of its own that its sender has opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) call: u32,
    /// Whether the receiver writes it.
    pub(super) written: bool,
    pub(super) length: Option<u64>,
    pub(super) coding: Option<ContentEncoding>,
}

/// All of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) capabilities: Vec<Capability>,
    pub(super) streams: Vec<Described>,
}

fn count(of: usize) -> u16 {
    u16::try_from(of).unwrap_or(u16::MAX)
}

pub(super) fn write(out: &mut BytesMut, table: &Table) {
    out.put_u16_le(count(table.capabilities.len()));
    for capability in &table.capabilities {
        let (kind, number) = match capability {
            Capability::Given(number) => (GIVEN, number),
            Capability::Back(number) => (BACK, number),
            Capability::Service(place) => (SERVICE, place),
        };
        out.put_u8(kind);
        out.put_u32_le(*number);
    }
    out.put_u16_le(count(table.streams.len()));
    for stream in &table.streams {
        out.put_u8(if stream.written { WRITTEN } else { READ });
        out.put_u32_le(stream.call);
        out.put_u64_le(stream.length.unwrap_or(u64::MAX));
        let coding = stream.coding.map(|coding| coding.to_string()).unwrap_or_default();
        put(out, coding.as_bytes());
    }
}

fn many(cursor: &mut Cursor<'_>) -> Result<usize, LinkError> {
    let many = usize::from(cursor.u16()?);
    if many > STUBS {
        return Err(LinkError::Head("it takes more along than may be"));
    }
    Ok(many)
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Table, LinkError> {
    let mut table = Table::default();
    for _ in 0..many(cursor)? {
        let (kind, number) = (cursor.byte()?, cursor.u32()?);
        table.capabilities.push(match kind {
            GIVEN => Capability::Given(number),
            BACK => Capability::Back(number),
            SERVICE => Capability::Service(number),
            _ => return Err(LinkError::Head("it takes along what there is not")),
        });
    }
    for _ in 0..many(cursor)? {
        let (kind, call, length) = (cursor.byte()?, cursor.u32()?, cursor.u64()?);
        if kind > WRITTEN {
            return Err(LinkError::Head("it takes along what there is not"));
        }
        table.streams.push(Described {
            call,
            written: kind == WRITTEN,
            length: (length != u64::MAX).then_some(length),
            coding: coding(cursor.text()?)?,
        });
    }
    Ok(table)
}

fn coding(names: &str) -> Result<Option<ContentEncoding>, LinkError> {
    const UNKNOWN: LinkError = LinkError::Head("a stream is in no coding that there is");
    if names.is_empty() {
        return Ok(None);
    }
    let value = HeaderValue::from_str(names).ok().filter(|_| names.len() <= CODINGS);
    let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, value.ok_or(UNKNOWN)?)]);
    ContentEncoding::of(&headers).ok_or(UNKNOWN).map(Some)
}

#[cfg(test)]
mod tests {
    use workerd_lite_ops::coding::Coding;

    use super::*;

    #[test]
    fn tables_are_read_as_they_were_written() {
        let table = Table {
            capabilities: vec![Capability::Given(7), Capability::Back(1), Capability::Service(2)],
            streams: vec![
                Described {
                    call: 9,
                    written: false,
                    length: Some(3),
                    coding: Some(Coding::Gzip.into()),
                },
                Described {
                    call: 10,
                    written: true,
                    length: None,
                    coding: None,
                },
            ],
        };
        let mut out = BytesMut::new();
        write(&mut out, &table);
        assert_eq!(read(&mut Cursor::new(&out)).unwrap(), table);
        for cut in 0..out.len() {
            assert!(read(&mut Cursor::new(&out[..cut])).is_err(), "{cut}");
        }
        out[2] = 3;
        assert!(read(&mut Cursor::new(&out)).is_err());
        let many = u16::try_from(STUBS + 1).unwrap().to_le_bytes();
        assert!(read(&mut Cursor::new(&many)).is_err());
    }

    #[test]
    fn codings_are_those_that_there_are() {
        assert_eq!(coding("gzip, br").unwrap().unwrap().to_string(), "gzip, br");
        for names in ["zstd", "identity", "gzip\n", &"gzip, ".repeat(20)] {
            assert!(coding(names).is_err(), "{names}");
        }
    }
}
