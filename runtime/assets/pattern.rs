//! Patterns of `_headers`, `_redirects` and `run_worker_first`.

use std::fmt::Write as _;

use deno_core::url::Url;
use regex::{Captures, Regex};

/// The most names of a pattern. What each stands for is looked for in every path that is asked for.
const MOST_NAMES: usize = 8;

/// A path, or an `https:` URL without its port, with `*` for any letters and `:name` for a part of it.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    has_host: bool,
}

/// What a pattern's `*` (as `splat`) and names stand for.
#[derive(Debug)]
pub(super) struct Matched<'a>(Captures<'a>);

impl Pattern {
    /// Fails where two parts have one name, and where it has too many.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let has_host = text.starts_with("https://");
        let path = if has_host {
            let host = &text["https://".len()..];
            host.find('/').map_or(text.len(), |slash| "https://".len() + slash)
        } else {
            0
        };
        let mut regex = String::from("^");
        let (mut rest, mut parts) = (text, 0);
        while let Some(letter) = rest.chars().next() {
            let at = text.len() - rest.len();
            if letter == '*' {
                regex.push_str("(?P<splat>.*)");
                rest = &rest[1..];
            } else if let Some(name) = name(rest) {
                parts += 1;
                if parts > MOST_NAMES {
                    return Err(format!("it has more than {MOST_NAMES} names"));
                }
                let part = if at < path { "[^/.]+" } else { "[^/]+" };
                let _ = write!(regex, "(?P<{name}>{part})");
                rest = &rest[1 + name.len()..];
            } else {
                regex.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
                rest = &rest[letter.len_utf8()..];
            }
        }
        regex.push('$');
        let regex = Regex::new(&regex).map_err(|_| "two of its parts have the same name".to_owned())?;
        Ok(Self { regex, has_host })
    }

    /// What it matches of a request's URL.
    pub(super) fn matched<'a>(&self, subject: &'a Subject) -> Option<Matched<'a>> {
        let text = if self.has_host {
            &subject.with_host
        } else {
            &subject.path
        };
        self.regex.captures(text).map(Matched)
    }
}

/// What patterns are held against.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) path: String,
    with_host: String,
}

impl From<&Url> for Subject {
    fn from(url: &Url) -> Self {
        Self {
            path: url.path().to_owned(),
            with_host: format!("https://{}{}", url.host_str().unwrap_or_default(), url.path()),
        }
    }
}

impl Matched<'_> {
    /// A text with what its names stand for. Others stay.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let known = name(rest).and_then(|name| Some((name, self.0.name(name)?)));
            if let Some((name, value)) = known {
                filled.push_str(value.as_str());
                rest = &rest[1 + name.len()..];
            } else {
                filled.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
        filled
    }
}

/// Whether a text has a `*` or a name.
pub(super) fn is_dynamic(text: &str) -> bool {
    text.contains('*') || text.match_indices(':').any(|(at, _)| name(&text[at..]).is_some())
}

/// The name that a text begins with, after a colon: a letter, then letters, digits and underscores.
fn name(text: &str) -> Option<&str> {
    let name = text.strip_prefix(':')?;
    let end = name
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(name.len());
    let name = &name[..end];
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        .then_some(name)
}

/// A path with `*` for any letters and nothing else.
pub(super) fn glob(text: &str) -> Result<Regex, String> {
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*"))).map_err(|error| error.to_string())
}
