//! `// mutate: ignore <why>`: changes that make no difference, by their author's word.

use std::sync::LazyLock;

use regex::Regex;

static COMMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?://|/\*)\s*mutate:\s*ignore\b[:,\s-]*(.*?)\s*(?:\*/.*)?$").ok());

/// Why the changes of a line are ignored: by a comment in it, or one alone in the line before. Without a reason they are not.
/// `comments` is the text with nothing but its comments.
pub(super) fn reason(text: &str, comments: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = comments.lines().collect();
    let of = |line: &str| -> Option<String> {
        let reason = COMMENT.as_ref()?.captures(line)?[1].trim().to_owned();
        (!reason.is_empty()).then_some(reason)
    };
    let own = lines.get(line.checked_sub(1)?).and_then(|line| of(line));
    let before = || {
        let number = line.checked_sub(2)?;
        let before = text.lines().nth(number)?.trim_start();
        if before.starts_with("//") || before.starts_with("/*") {
            of(lines.get(number)?)
        } else {
            None
        }
    };
    own.or_else(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_with_a_reason_is_needed() {
        let text =
            "a;\n// mutate: ignore it logs only\nb;\nc; // mutate: ignore\nd; /* mutate: ignore: the same */\ne;";
        let reasons: Vec<_> = (1..=6).map(|line| reason(text, text, line)).collect();
        let some = |why: &str| Some(why.to_owned());
        assert_eq!(
            reasons,
            [
                None,
                some("it logs only"),
                some("it logs only"),
                None,
                some("the same"),
                None
            ]
        );
    }
}
