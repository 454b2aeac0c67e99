//! A worker that an agent has loaded, as its process names it: its id among those of its agent, and the hash of its code. Who has loaded it
//! is known by the event; what its code is, is the process's word.

use bytes::BytesMut;

use super::cursor::{Cursor, put};
use super::link::LinkError;
use crate::identity::is_plain;

/// Letters of a hash.
const HASH: usize = 64;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LoadedWorker {
    /// A plain name.
    pub(crate) id: String,
    /// SHA-256, in hex.
    pub(crate) code_sha256: String,
}

/// Writes it, where there is one.
pub(super) fn write(out: &mut BytesMut, loaded: Option<&LoadedWorker>) {
    let (id, hash) = loaded.map_or(("", ""), |loaded| (&loaded.id, &loaded.code_sha256));
    put(out, id.as_bytes());
    put(out, hash.as_bytes());
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<LoadedWorker>, LinkError> {
    let (id, hash) = (cursor.text()?, cursor.text()?);
    if id.is_empty() && hash.is_empty() {
        return Ok(None);
    }
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !is_plain(id) || hash.len() != HASH || !hash.bytes().all(hex) {
        return Err(LinkError::Head("a loaded worker has no name or no hash"));
    }
    Ok(Some(LoadedWorker {
        id: id.to_owned(),
        code_sha256: hash.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_a_plain_name_with_a_hash() {
        let of = |id: &str, hash: &str| {
            let mut out = BytesMut::new();
            let loaded = LoadedWorker {
                id: id.into(),
                code_sha256: hash.into(),
            };
            write(&mut out, Some(&loaded));
            read(&mut Cursor::new(&out)).map(|read| read == Some(loaded))
        };
        let hash = "a".repeat(64);
        assert!(of("load-1", &hash).unwrap());
        let mut none = BytesMut::new();
        write(&mut none, None);
        assert_eq!(read(&mut Cursor::new(&none)).unwrap(), None);
        for (id, hash) in [
            ("../x", &*hash),
            ("a/b", &hash),
            ("", &hash),
            ("a", "a"),
            ("a", &"A".repeat(64)),
            ("a", ""),
        ] {
            assert!(of(id, hash).is_err(), "{id} {hash}");
        }
    }
}
