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

/// The longest path of a file, in bytes as a URL has it (Linux's `PATH_MAX`), and its most segments.
const LONGEST: usize = 4096;
const SEGMENTS: usize = 128;

/// Whether a URL's path is longer than a file's may be. No time is spent on it, as anybody may ask for it.
pub(super) fn names_no_file(path: &str) -> bool {
    // An encoded slash is one too.
    let slashes = || {
        path.matches('/').count()
            + path
                .match_indices("%2")
                .filter(|(at, _)| path[at + 2..].starts_with(['f', 'F']))
                .count()
    };
    path.len() > LONGEST || slashes() > SEGMENTS
}

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

#[cfg(test)]
mod tests {
    use super::names_no_file;

    #[test]
    fn long_and_deep_paths_are_no_files() {
        for (path, expected) in [
            ("/a/b.html".to_owned(), false),
            ("/a".repeat(128), false),
            ("/a".repeat(129), true),
            (format!("/{}", "a%2F".repeat(128)), true),
            (format!("/{}", "%2e".repeat(200)), false),
            (format!("/{}", "a".repeat(4095)), false),
            (format!("/{}", "a".repeat(4096)), true),
        ] {
            assert_eq!(names_no_file(&path), expected, "{path}");
        }
    }
}
