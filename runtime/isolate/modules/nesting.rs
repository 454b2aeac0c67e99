//! Source text that nests: parsers recurse, and a stack that overflows ends the process. They run on a stack that is large
//! enough for any short text, and longer ones are measured first.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use corosensei::on_stack;
use corosensei::stack::DefaultStack;

/// Bytes of the stack that modules are read on. It is only reserved: what is not used takes no memory.
const STACK: usize = 512 << 20;

/// The brackets that may be open at once. V8 itself takes fewer than 3,000, and parsers that try two readings take time
/// that grows with the square.
const LEVELS: usize = 1_000;

/// The levels that fit the stack in any case: one takes less than 8 KiB of it, and at least a byte of text.
const CERTAIN: usize = STACK / (8 << 10);

/// How many bytes may stand between two separators of one level: operators in a row nest as brackets do.
const RUN: usize = CERTAIN;

/// How many bytes may be looked at in vain for each byte of a text.
const VAIN: usize = 16;

/// How many `else` a block may have: a chain of them nests.
const ELSES: usize = 10_000;

/// Runs what recurses over source text, on a stack that is large enough. The thread is the caller's: another one would have to be
/// scheduled, which takes long where all processors are busy.
pub(crate) fn on_deep_stack<T>(work: impl FnOnce() -> T) -> io::Result<T> {
    let stack = DefaultStack::new(STACK)?;
    // A panic may not leave the stack that it is on.
    on_stack(stack, || catch_unwind(AssertUnwindSafe(work)))
        .map_err(|_| io::Error::other("what reads modules has panicked"))
}

/// Whether a text may nest more deeply than parsers can follow.
pub(crate) fn is_too_deep(source: &str) -> bool {
    let text = source.as_bytes();
    // Only a parser knows where a slash begins a regular expression. Who writes so that this is taken wrongly must fit the
    // stack all the same.
    measure(text, true, LEVELS) || (text.len() > CERTAIN && measure(text, false, CERTAIN))
}

/// One level of brackets.
#[derive(Default, Clone, Copy)]
struct Level {
    run: usize,
    elses: usize,
    /// Whether it is the `${` of a template, whose text goes on after it.
    template: bool,
}

fn measure(text: &[u8], regexes: bool, most: usize) -> bool {
    let mut levels = vec![Level::default()];
    // Slashes that begin nothing are looked for an end too, each to the end of its line.
    let mut vain = text.len().saturating_mul(VAIN);
    // The last byte that is neither space nor in a comment.
    let mut last = b';';
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let mut length = 1;
        let (mut opens, mut template) = (false, false);
        match byte {
            b'/' if rest.starts_with(b"//") => length = until(rest, |rest| rest[0] == b'\n', 1),
            b'/' if rest.starts_with(b"/*") => length = until(&rest[2..], |rest| rest.starts_with(b"*/"), 2) + 2,
            b'/' if regexes && !ends_operand(last) => {
                let (found, looked_at) = regex(rest);
                length = found;
                if found == 1 {
                    let Some(left) = vain.checked_sub(looked_at) else {
                        return true;
                    };
                    vain = left;
                }
            }
            b'"' | b'\'' => length = string(rest, byte),
            b'`' => (length, template) = template_text(&rest[1..]),
            b'(' | b'[' | b'{' => opens = true,
            b')' | b']' | b'}' => {
                let closed = if levels.len() > 1 { levels.pop() } else { None };
                if byte == b'}' && closed.is_some_and(|closed| closed.template) {
                    (length, template) = template_text(&rest[1..]);
                }
            }
            _ => {}
        }
        let Some(level) = levels.last_mut() else { return true };
        if rest.starts_with(b"else") {
            level.elses += 1;
        }
        level.run = match byte {
            b';' | b',' | b'}' => 0,
            byte if byte.is_ascii_whitespace() => level.run,
            _ => level.run + 1,
        };
        if level.run > RUN || level.elses > ELSES || levels.len() > most {
            return true;
        }
        if opens || template {
            levels.push(Level {
                template,
                ..Level::default()
            });
        }
        if !byte.is_ascii_whitespace() && !rest.starts_with(b"//") && !rest.starts_with(b"/*") {
            last = byte;
        }
        at += length;
    }
    false
}

/// Whether a slash after this byte divides.
fn ends_operand(last: u8) -> bool {
    last.is_ascii_alphanumeric()
        || matches!(last, b'_' | b'$' | b')' | b']' | b'}' | b'"' | b'\'' | b'`')
        || last >= 0x80
}

/// The bytes up to where something is met, that included.
fn until(text: &[u8], met: impl Fn(&[u8]) -> bool, its_length: usize) -> usize {
    (0..text.len())
        .find(|at| met(&text[*at..]))
        .map_or(text.len(), |at| at + its_length)
}

/// The length of a string. It ends with its line at the latest.
fn string(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// The length of a regular expression, or of a slash where the line ends before it does. Gives how many bytes were looked at, too.
fn regex(text: &[u8]) -> (usize, usize) {
    let (mut at, mut class) = (1, false);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return (1, at),
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return (at + 1, at + 1),
            _ => {}
        }
        at += 1;
    }
    (1, at)
}

/// The length of a template's text with the mark before it, and whether an expression follows.
fn template_text(text: &[u8]) -> (usize, bool) {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'`' => return (at + 2, false),
            b'$' if text.get(at + 1) == Some(&b'{') => return (at + 3, true),
            _ => {}
        }
        at += 1;
    }
    (text.len() + 1, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes about 4 KiB of the stack for each level.
    fn nest(levels: usize) -> usize {
        let room = std::hint::black_box([levels; 512]);
        if levels == 0 { 0 } else { nest(room[0] - 1) + 1 }
    }

    #[test]
    fn a_deep_stack_holds_what_a_thread_has_no_room_for() {
        let thread = std::thread::current().id();
        let (levels, ran_on) = on_deep_stack(|| (nest(5_000), std::thread::current().id())).unwrap();
        assert_eq!((levels, ran_on), (5_000, thread));
        let panicked = on_deep_stack(|| panic!("as a test wants it")).unwrap_err();
        assert_eq!(panicked.to_string(), "what reads modules has panicked");
    }

    #[test]
    fn what_nests_is_told_from_what_is_long() {
        let many = 100_000;
        for text in [
            "(".repeat(many),
            format!("{}{}", "[".repeat(many), "]".repeat(many)),
            "/* ) */ ( // )\n".repeat(many),
            "`${".repeat(many),
            "f(\")\", `)`, /[)]/, ".repeat(many),
            "!".repeat(many),
            "a => ".repeat(many),
            "a ? b : ".repeat(many),
            "if (a); else ".repeat(many),
            "if (a) {} else ".repeat(many),
            "for (a; b; c) ".repeat(many),
            "a\n+ ".repeat(many),
            // What would take time with the square of its length.
            ";/[\\]".repeat(many),
        ] {
            assert!(is_too_deep(&text), "{}", &text[..20]);
        }
        for text in [
            "f(a, b);\n".repeat(many),
            "let a = '((((' + \"[[[\" + `{{{ ${a} (`;\n".repeat(many),
            "x = a.replace(/[(]/g, '') / 2; // ((\n".repeat(many / 2),
            "if (a) { b } else { c }\n}\nfunction f() {\n".repeat(many),
            format!("x = [{}];", "[1, 2], ".repeat(many)),
            format!("x = '{}';", "(".repeat(many)),
            format!("x = `{}`;", "(\n".repeat(many)),
            "class A { a() { return 1 } b = 2 }\n".repeat(many),
        ] {
            assert!(!is_too_deep(&text), "{}", &text[..20]);
        }
    }
}
