//! Paths of URLs and of files. A file has one path, which is encoded as `encodeURIComponent` does; others lead to it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What `encodeURIComponent` leaves as it is: <https://tc39.es/ecma262/#sec-encodeuricomponent-uricomponent>.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A URL's path as files are named. Parts that are not encoded well stay as they are.
pub(super) fn decode(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    for (index, part) in path.split('/').enumerate() {
        if index > 0 && !decoded.ends_with('/') {
            decoded.push('/');
        }
        let plain = if is_well_formed(part) {
            percent_decode_str(part).decode_utf8().ok()
        } else {
            None
        };
        // What is decoded may hold slashes too.
        for letter in plain.as_deref().unwrap_or(part).chars() {
            if letter != '/' || !decoded.ends_with('/') {
                decoded.push(letter);
            }
        }
    }
    decoded
}

/// Whether two digits follow each `%`.
fn is_well_formed(part: &str) -> bool {
    part.split('%')
        .skip(1)
        .all(|rest| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// A file's path as its URL has it.
pub(super) fn encode(path: &str) -> String {
    let parts: Vec<String> = path
        .split('/')
        .map(|part| utf8_percent_encode(part, ENCODED).to_string())
        .collect();
    parts.join("/")
}
