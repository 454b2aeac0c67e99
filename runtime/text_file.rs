//! Reading files that people write with editors: UTF-8, with or without a byte-order mark.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::bounded_file::{self, AGENTS_SETTINGS, SETTINGS};
use crate::private_files::is_secret;
use crate::unlinked_file;

/// Byte-order marks of encodings that are refused. UTF-32's first: its little-endian mark begins with UTF-16's.
const OTHERS: [(&[u8], &str); 4] = [
    (b"\x00\x00\xFE\xFF", "UTF-32"),
    (b"\xFF\xFE\x00\x00", "UTF-32"),
    (b"\xFE\xFF", "UTF-16"),
    (b"\xFF\xFE", "UTF-16"),
];

/// The text of a file, without its byte-order mark. Fails where the file is unreadable or not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String> {
    decode(std::fs::read(path)?)
}

/// The same of a file that others have put there: a regular one, of no more than settings have, by a path without symbolic links.
pub(crate) fn read_settings(path: &Path) -> Result<String> {
    decode(bounded_file::read(path, SETTINGS)?)
}

/// The same of what is read where others wait: a wrangler file in an agent's folder.
pub(crate) fn read_agents_settings(path: &Path) -> Result<String> {
    decode(bounded_file::read(path, AGENTS_SETTINGS)?)
}

/// The same by a path that may have links, where what they lead to is within a folder, which has none, and holds nobody's keys.
pub(crate) fn read_settings_within(folder: &Path, path: &Path) -> Result<String> {
    read_settings(&unlinked_file::checked(path, |found| {
        found.starts_with(folder) && !is_secret(found)
    })?)
}

fn decode(bytes: Vec<u8>) -> Result<String> {
    let refused = |why: String| Error::new(ErrorKind::InvalidData, why);
    if let Some((_, encoding)) = OTHERS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Err(refused(format!("it is {encoding}; save it as UTF-8")));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        refused(format!(
            "it is not UTF-8 from byte {} on",
            error.utf8_error().valid_up_to()
        ))
    })?;
    if text.starts_with('\u{FEFF}') {
        text.drain(..'\u{FEFF}'.len_utf8());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn marks_are_stripped_once_and_other_encodings_refused() {
        let cases: [(&[u8], Result<&str, &str>); 8] = [
            (b"a", Ok("a")),
            (b"\xEF\xBB\xBFa", Ok("a")),
            (b"\xEF\xBB\xBF", Ok("")),
            (b"\xEF\xBB\xBF\xEF\xBB\xBFa", Ok("\u{FEFF}a")),
            (b"a\xEF\xBB\xBF", Ok("a\u{FEFF}")),
            (b"\xFF\xFEa\0", Err("UTF-16")),
            (b"\0\0\xFE\xFF\0\0\0a", Err("UTF-32")),
            (b"ab\xC3", Err("from byte 2")),
        ];
        for (bytes, expected) in cases {
            match (decode(bytes.to_vec()), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (got, _) => panic!("{bytes:?}: {got:?}"),
            }
        }
    }
}
