//! What an agent writes is cut in records: its length and its hash say what was cut.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The most bytes of a URL, and of a method and an error, in a record.
const URL: usize = 1024;
const METHOD: usize = 64;
const ERROR: usize = 512;

/// The most bytes of a host in a line of the log.
const HOST: usize = 253;

/// What a text was before it was cut.
#[derive(Debug, Serialize)]
struct Whole {
    /// Bytes.
    length: usize,
    /// Hexadecimal digits.
    sha256: String,
}

/// The fields of a record that were cut.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Cuts(BTreeMap<&'static str, Whole>);

impl Cuts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn url(&mut self, url: &mut String) {
        self.cut("url", url, URL);
    }

    pub(super) fn method(&mut self, method: &mut String) {
        self.cut("method", method, METHOD);
    }

    pub(super) fn error(&mut self, error: &mut String) {
        self.cut("error", error, ERROR);
    }

    fn cut(&mut self, field: &'static str, text: &mut String, most: usize) {
        if text.len() <= most {
            return;
        }
        let whole = Whole {
            length: text.len(),
            sha256: hex::encode(Sha256::digest(text.as_bytes())),
        };
        text.truncate(text.floor_char_boundary(most));
        self.0.insert(field, whole);
    }
}

/// A host for a line of the log, which an agent may choose to be long.
pub(crate) fn shortened(host: &str) -> Cow<'_, str> {
    if host.len() <= HOST {
        return Cow::Borrowed(host);
    }
    let (start, _) = host.split_at(host.floor_char_boundary(HOST));
    Cow::Owned(format!("{start}\u{2026} ({} bytes)", host.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_told_by_its_length_and_hash() {
        let mut cuts = Cuts::default();
        let mut url = "https://a.example/".to_owned();
        cuts.url(&mut url);
        assert!(cuts.is_empty());
        let mut long = "\u{e9}".repeat(URL);
        cuts.url(&mut long);
        cuts.url(&mut long);
        assert_eq!(long.len(), URL);
        let told = serde_json::to_value(&cuts).unwrap();
        assert_eq!(told["url"]["length"], 2 * URL);
        assert_eq!(told["url"]["sha256"], hex::encode(Sha256::digest("\u{e9}".repeat(URL))));
        assert_eq!(shortened("a.example"), "a.example");
        assert!(shortened(&"a".repeat(60_000)).len() < 300);
    }
}
