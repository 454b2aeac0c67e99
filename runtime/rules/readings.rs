//! How servers may read a request's path: decoded once or often, with slashes merged or not, with parameters or without. Who stands
//! before this one and judges by paths may read another than we do, and where that would be another agent's none is asked.

use std::borrow::Cow;

use deno_core::url::Url;
use percent_encoding::{percent_decode, percent_decode_str};

use super::normal_path::{is_doubtful, is_normal};

/// How often a path is decoded at most. What changes then too is not understood.
const DECODINGS: usize = 8;

/// The longest path, in bytes, and the most slashes of one that is read in other ways: each takes its length again, many times.
const LONGEST: usize = 8192;
const SEGMENTS: usize = 256;

/// The ways to read a path.
pub(crate) struct PathReadings {
    /// As scripts see it: its segments, each decoded.
    pub(crate) own: Vec<String>,
    /// Others, where there are any.
    pub(crate) others: Vec<Vec<String>>,
    /// There are more than are known.
    pub(crate) doubtful: bool,
}

impl PathReadings {
    /// Those of a URL's path, and of the same path as it was sent.
    pub(crate) fn new(url: &Url, sent: &str) -> Self {
        let own = url.path().strip_prefix('/').unwrap_or_default().split('/');
        let own = own.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned());
        let mut readings = Self {
            own: own.collect(),
            others: Vec::new(),
            doubtful: false,
        };
        if sent != url.path() || !is_normal(url) {
            let is_long = sent.len() > LONGEST || sent.matches('/').count() > SEGMENTS;
            readings.doubtful = is_long || readings.decode(sent).is_none();
        }
        readings
    }

    fn decode(&mut self, sent: &str) -> Option<()> {
        let mut bytes = Cow::Borrowed(sent.as_bytes());
        for _ in 0..DECODINGS {
            let text = std::str::from_utf8(&bytes).ok()?;
            let known = |character| matches!(character, '/' | '\\' | '?' | '#') || !is_doubtful(character);
            // Microsoft's escapes of UTF-16.
            if !text.chars().all(known) || text.contains("%u") || text.contains("%U") {
                return None;
            }
            self.variants(text);
            let next: Cow<'_, [u8]> = percent_decode(&bytes).into();
            if *next == *bytes {
                return Some(());
            }
            bytes = Cow::Owned(next.into_owned());
        }
        None
    }

    /// What different servers make of the same text.
    fn variants(&mut self, text: &str) {
        // What does nothing to this text gives no other reading.
        let something = [
            text.contains(['?', '#']),
            text.contains('\\'),
            text.contains(';'),
            text.contains(['.', ' ']),
            true,
            text.contains('.'),
        ];
        let matter = (0..)
            .zip(something)
            .fold(0, |bits, (bit, does)| bits | (u8::from(does) << bit));
        for bits in (0..64_u8).filter(|bits| bits & !matter == 0) {
            let does = |bit: u8| bits & (1 << bit) != 0;
            let whole = if does(0) {
                text.split(['?', '#']).next().unwrap_or_default()
            } else {
                text
            };
            let whole = if does(1) {
                whole.replace('\\', "/")
            } else {
                whole.to_owned()
            };
            let mut segments: Vec<String> = Vec::new();
            let mut last_is_folder = false;
            for segment in whole.strip_prefix('/').unwrap_or(&whole).split('/') {
                let segment = if does(2) {
                    segment.split(';').next().unwrap_or_default()
                } else {
                    segment
                };
                let trimmed = segment.trim_end_matches(['.', ' ']);
                let segment = if does(3) && !trimmed.is_empty() {
                    trimmed
                } else {
                    segment
                };
                last_is_folder = matches!(segment, "" | "." | "..");
                match segment {
                    // Some compare what was sent.
                    "." | ".." if does(5) => segments.push(segment.to_owned()),
                    "." => {}
                    ".." => {
                        segments.pop();
                    }
                    "" if does(4) => {}
                    segment => segments.push(segment.to_owned()),
                }
            }
            if last_is_folder && segments.last().is_none_or(|last| !last.is_empty()) {
                segments.push(String::new());
            }
            if segments != self.own && !self.others.contains(&segments) {
                self.others.push(segments);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(sent: &str) -> PathReadings {
        PathReadings::new(&Url::parse(&format!("http://a{sent}")).unwrap(), sent)
    }

    #[test]
    fn a_normal_path_is_read_in_one_way() {
        for path in ["/", "/a/b/", "/a/caf%c3%a9/x;y", "/a/100%25"] {
            let readings = readings(path);
            assert!(readings.others.is_empty() && !readings.doubtful, "{path}");
        }
        assert_eq!(readings("/a/caf%c3%a9/").own, ["a", "caf\u{e9}", ""]);
    }

    #[test]
    fn other_paths_are_read_as_servers_read_them() {
        for (sent, own, other) in [
            ("/a/..%2fb/x", "a|../b|x", "b|x"),
            ("/a/%2e%2e/b", "b", "b"),
            ("/a/%252e%252e/b", "a|%2e%2e|b", "b"),
            ("/%61/b", "a|b", "%61|b"),
            ("//a/b", "|a|b", "a|b"),
            ("/a//../b", "a|b", "b"),
            ("/a\\..\\b", "b", "a\\..\\b"),
            ("/a/..;x/b", "a|..;x|b", "b"),
            ("/a/%5c../b", "a|\\..|b", "a|b"),
            ("/a./b", "a.|b", "a|b"),
            ("/a%2fb%3fc", "a/b?c", "a|b"),
        ] {
            let readings = readings(sent);
            assert_eq!(readings.own.join("|"), own, "{sent}");
            let others: Vec<String> = readings.others.iter().map(|other| other.join("|")).collect();
            assert!(
                own == other || others.iter().any(|found| found == other),
                "{sent}: {others:?}"
            );
            assert!(!readings.doubtful, "{sent}");
        }
        for sent in [
            "/a%00",
            "/%c0%ae",
            "/%ef%bc%8f",
            "/%u002e",
            "/%2525252525252525252525252e",
        ] {
            assert!(readings(sent).doubtful, "{sent}");
        }
        for sent in [
            "/%2525/".to_owned() + &"1".repeat(LONGEST),
            "/%2525".to_owned() + &"/1".repeat(SEGMENTS),
        ] {
            assert!(readings(&sent).doubtful);
        }
        // What is long, and read in one way, is no riddle.
        assert!(!readings(&"/1".repeat(LONGEST)).doubtful);
    }
}
