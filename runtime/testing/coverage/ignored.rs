//! Lines that their author leaves out of the count, by Node.js's comments:
//! <https://nodejs.org/api/test.html#collecting-code-coverage>

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

static NEXT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/\* node:coverage ignore next (?:(?<count>\d+) )?\*/").ok());
static SWITCH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/\* node:coverage (?<state>enable|disable) \*/").ok());

/// The numbers of lines, from 1.
pub(super) struct Ignored(HashSet<u32>);

impl Ignored {
    pub(super) fn of(source: &str) -> Self {
        let (mut lines, mut left, mut disabled) = (HashSet::new(), 0u32, false);
        for (line, number) in source.lines().zip(1u32..) {
            if disabled || left > 0 {
                lines.insert(number);
                left = left.saturating_sub(1);
            }
            if let Some(found) = NEXT.as_ref().and_then(|next| next.captures(line)) {
                left = found
                    .name("count")
                    .map_or(1, |count| count.as_str().parse().unwrap_or(u32::MAX));
            }
            if let Some(found) = SWITCH.as_ref().and_then(|switch| switch.captures(line)) {
                disabled = &found["state"] == "disable";
                if disabled {
                    lines.insert(number);
                }
            }
        }
        Self(lines)
    }

    pub(super) fn has(&self, line: u32) -> bool {
        self.0.contains(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_after_a_comment() {
        let source = "a\n/* node:coverage ignore next */\nb\nc\n/* node:coverage ignore next 2 */\nd\ne\nf\n\
                      /* node:coverage disable */\ng\n/* node:coverage enable */\nh\n";
        let ignored = Ignored::of(source);
        let lines: Vec<&str> = source
            .lines()
            .zip(1..)
            .filter(|(line, number)| line.len() == 1 && !ignored.has(*number))
            .map(|(line, _)| line)
            .collect();
        assert_eq!(lines, ["a", "c", "f", "h"]);
    }
}
