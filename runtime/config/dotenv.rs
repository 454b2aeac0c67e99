//! `.dev.vars`: the grammar of npm's `dotenv` 16, which wrangler reads it with. Nothing is expanded: `$` is a character.
//!
//! - `NAME=value` or `NAME: value`, `export` before it or not. A name has letters, digits, `_`, `.` and `-`.
//! - A value without quotes ends at the line's end or at `#`, and loses the white space around it.
//! - A value in `'`, `"` or a backtick goes to the closing quote, over lines. The quotes are taken off, and nothing else
//!   is changed, except that `\n` and `\r` in a value that begins with `"` are line ends. A backslash keeps a quote of the
//!   same kind from closing the value, and stays.
//! - A quote that is not closed, or that more text follows, is a character.
//! - CR LF and CR are LF. The last of several values of a name holds.
//!
//! dotenv passes over any other line. Here it is an error. A difference that stays: U+2028 and U+2029 end no line.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// White space as ECMAScript defines it for `\s` and `trim()`.
const SPACE: &str = r"[\t-\r\x20\u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}]";

/// One assignment with the white space and the comment around it. Alternatives are tried in order, as in ECMAScript.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    let grammar = r#"(?mx)
        ^ S* (?: export S+ )?
        (?<name> [0-9A-Za-z_.-]+ )
        (?: S* = S*? | : S+? )
        (?<value> S*'(?: \\' | [^'] )*' | S*"(?: \\" | [^"] )*" | S*`(?: \\` | [^`] )*` | [^\#\n]+ )?
        S* (?: \#.* )? $"#;
    Regex::new(
        &grammar
            .replace("S*", &format!("{SPACE}*"))
            .replace("S+", &format!("{SPACE}+")),
    )
    .expect("a valid pattern")
});

/// The number of a line that is no assignment and no comment, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) usize);

/// Every variable of a file.
pub(super) fn parse(text: &str) -> Result<HashMap<String, String>, Unreadable> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut variables = HashMap::new();
    let mut end = 0;
    for captures in ASSIGNMENT.captures_iter(&text) {
        let whole = captures.get_match();
        readable(&text, end..whole.start())?;
        end = whole.end();
        let value = captures.name("value").map_or("", |value| value.as_str());
        variables.insert(captures["name"].to_owned(), unquoted(value));
    }
    readable(&text, end..text.len())?;
    Ok(variables)
}

/// Whether the lines between two assignments are empty or comments.
fn readable(text: &str, between: std::ops::Range<usize>) -> Result<(), Unreadable> {
    let before = text[..between.start].matches('\n').count();
    let wrong = text[between].split('\n').position(|line| {
        let line = line.trim_matches(is_space);
        !line.is_empty() && !line.starts_with('#')
    });
    wrong.map_or(Ok(()), |line| Err(Unreadable(before + line + 1)))
}

fn unquoted(value: &str) -> String {
    let value = value.trim_matches(is_space);
    let quoted = ['\'', '"', '`']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let inner = quoted.unwrap_or(value);
    if value.starts_with('"') {
        return inner.replace("\\n", "\n").replace("\\r", "\r");
    }
    inner.to_owned()
}

/// The same white space as [`SPACE`].
fn is_space(character: char) -> bool {
    character == '\u{FEFF}' || character.is_whitespace() && character != '\u{85}'
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;

    use super::{ASSIGNMENT, Unreadable, parse};

    /// What npm's dotenv made of a text, and the first line that it passed over. `tests/peers/dotenv.mjs` writes it.
    #[derive(Deserialize)]
    struct Case {
        text: String,
        parsed: HashMap<String, String>,
        skipped: Option<usize>,
    }

    #[test]
    fn files_are_read_as_dotenv_reads_them() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../fixtures/dotenv/cases.json")).unwrap();
        assert!(cases.len() > 400);
        for Case { text, parsed, skipped } in cases {
            match skipped {
                Some(line) => assert_eq!(parse(&text), Err(Unreadable(line)), "{text:?}"),
                None => assert_eq!(parse(&text), Ok(parsed), "{text:?}"),
            }
        }
    }

    #[test]
    fn white_space_is_ecmascripts() {
        for character in (0..=0xFFFF).filter_map(char::from_u32) {
            let by_pattern = ASSIGNMENT.is_match(&format!("A:{character}"));
            assert_eq!(super::is_space(character), by_pattern, "{character:?}");
        }
        assert!(!super::is_space('\u{85}') && !super::is_space('\u{200B}'));
    }
}
