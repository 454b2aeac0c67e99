//! Escapes of text, as JSON, JavaScript, URLs, HTML and quoted-printable write a character.

/// The longest escape that is read, in bytes. Longer ones, such as numbers with many zeros before them, are text.
pub(super) const LONGEST: usize = 16;

/// What some bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// No escape.
    Plain,
    /// Perhaps an escape, which more bytes would tell.
    More,
    /// An escape of so many bytes, and what it stands for: nothing, or the bytes of a character.
    Escape(usize, Decoded),
}

/// A few bytes.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Decoded([u8; 4], usize);

impl Decoded {
    const NOTHING: Self = Self([0; 4], 0);

    fn byte(byte: u8) -> Self {
        Self([byte, 0, 0, 0], 1)
    }

    fn character(character: char) -> Self {
        let mut bytes = [0; 4];
        let length = character.encode_utf8(&mut bytes).len();
        Self(bytes, length)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0[..self.1]
    }
}

/// Whether a byte may begin an escape of JSON, JavaScript, URLs or HTML.
pub(super) fn begins(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&')
}

/// Reads an escape of these.
pub(super) fn read(text: &[u8]) -> Read {
    match text {
        [b'\\', rest @ ..] => backslash(rest),
        [b'%', rest @ ..] => percent(rest),
        [b'&', rest @ ..] => entity(rest),
        _ => Read::Plain,
    }
}

/// Whether a byte may begin an escape of quoted-printable (RFC 2045, section 6.7), or be the end of a line.
pub(super) fn begins_folded(byte: u8) -> bool {
    matches!(byte, b'=' | b'\r' | b'\n')
}

/// Reads one of these. Ends of lines stand for nothing: base64 is told in lines.
pub(super) fn read_folded(text: &[u8]) -> Read {
    match text {
        [b'\r' | b'\n', ..] => Read::Escape(1, Decoded::NOTHING),
        [b'='] | [b'=', b'\r'] => Read::More,
        [b'=', b'\n', ..] => Read::Escape(2, Decoded::NOTHING),
        [b'=', b'\r', b'\n', ..] => Read::Escape(3, Decoded::NOTHING),
        [b'=', rest @ ..] => match number(rest, 2, 2) {
            Number::Whole(value, _) => Read::Escape(3, Decoded::byte(u8::try_from(value).unwrap_or(0))),
            Number::More => Read::More,
            Number::None => Read::Plain,
        },
        _ => Read::Plain,
    }
}

enum Number {
    None,
    More,
    /// A value, and of how many digits.
    Whole(u32, usize),
}

/// Hexadecimal digits, so many at least and at most.
fn number(text: &[u8], least: usize, most: usize) -> Number {
    digits(text, least, most, 16)
}

fn digits(text: &[u8], least: usize, most: usize, radix: u32) -> Number {
    let mut value: u32 = 0;
    let mut count = 0;
    for byte in text.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(radix) else {
            break;
        };
        value = value.saturating_mul(radix).saturating_add(digit);
        count += 1;
    }
    if count == text.len() && count < most {
        return Number::More;
    }
    if count < least {
        return Number::None;
    }
    Number::Whole(value, count)
}

fn character(value: u32, length: usize) -> Read {
    match char::from_u32(value) {
        Some(character) => Read::Escape(length, Decoded::character(character)),
        None => Read::Plain,
    }
}

/// `\u0041`, `\u{41}`, `\x41`, and a backslash before a character.
fn backslash(rest: &[u8]) -> Read {
    match rest {
        [] => Read::More,
        [b'u', b'{', rest @ ..] => match number(rest, 1, 7) {
            Number::Whole(value, count) if rest.get(count) == Some(&b'}') => character(value, count + 4),
            Number::More => Read::More,
            _ => Read::Plain,
        },
        [b'u', rest @ ..] => match number(rest, 4, 4) {
            Number::Whole(high @ 0xd800..=0xdbff, _) => surrogates(high, &rest[4..]),
            Number::Whole(value, _) => character(value, 6),
            Number::More => Read::More,
            Number::None => Read::Plain,
        },
        [b'x', rest @ ..] => match number(rest, 2, 2) {
            Number::Whole(value, _) => character(value, 4),
            Number::More => Read::More,
            Number::None => Read::Plain,
        },
        [escaped, ..] => {
            let byte = match escaped {
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'f' => 12,
                b'r' => b'\r',
                other if other.is_ascii_punctuation() => *other,
                _ => return Read::Plain,
            };
            Read::Escape(2, Decoded::byte(byte))
        }
    }
}

/// The second half of a character that UTF-16 writes in two.
fn surrogates(high: u32, rest: &[u8]) -> Read {
    match rest {
        [] | [b'\\'] => Read::More,
        [b'\\', b'u', rest @ ..] => match number(rest, 4, 4) {
            Number::Whole(low @ 0xdc00..=0xdfff, _) => character(0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff), 12),
            Number::More => Read::More,
            _ => Read::Plain,
        },
        _ => Read::Plain,
    }
}

/// `%41`, and `%u0041` as old scripts write it.
fn percent(rest: &[u8]) -> Read {
    match rest {
        [] => Read::More,
        [b'u' | b'U', rest @ ..] => match number(rest, 4, 4) {
            Number::Whole(value, _) => character(value, 6),
            Number::More => Read::More,
            Number::None => Read::Plain,
        },
        rest => match number(rest, 2, 2) {
            Number::Whole(value, _) => Read::Escape(3, Decoded::byte(u8::try_from(value).unwrap_or(0))),
            Number::More => Read::More,
            Number::None => Read::Plain,
        },
    }
}

/// Names of HTML's for characters that secrets are made of.
const NAMED: [(&str, char); 39] = [
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("apos", '\''),
    ("sol", '/'),
    ("bsol", '\\'),
    ("plus", '+'),
    ("equals", '='),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("period", '.'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("excl", '!'),
    ("quest", '?'),
    ("commat", '@'),
    ("ast", '*'),
    ("midast", '*'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("lcub", '{'),
    ("rcub", '}'),
    ("verbar", '|'),
    ("Hat", '^'),
    ("grave", '`'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("nbsp", '\u{a0}'),
];

/// `&#65;`, `&#x41;` and `&amp;`; numbers without the semicolon too.
fn entity(rest: &[u8]) -> Read {
    let numeric = |begin: usize, read: Number| match read {
        Number::Whole(value, count) => {
            let length = begin + count;
            match rest.get(length - 1) {
                Some(b';') => character(value, length + 1),
                Some(_) => character(value, length),
                None => Read::More,
            }
        }
        Number::More => Read::More,
        Number::None => Read::Plain,
    };
    match rest {
        [] | [b'#'] => Read::More,
        [b'#', b'x' | b'X', digits @ ..] => numeric(3, number(digits, 1, LONGEST - 4)),
        [b'#', rest @ ..] => numeric(2, digits(rest, 1, LONGEST - 3, 10)),
        rest => {
            let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            if length == rest.len() && length < 9 {
                return Read::More;
            }
            let named = NAMED.iter().find(|(name, _)| name.as_bytes() == &rest[..length]);
            match (named, rest.get(length)) {
                (Some((_, character)), Some(b';')) => Read::Escape(length + 2, Decoded::character(*character)),
                _ => Read::Plain,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read() {
        for (text, expected) in [
            ("\\u0041", "A"),
            ("\\u{41}", "A"),
            ("\\x41", "A"),
            ("\\/", "/"),
            ("\\\"", "\""),
            ("\\ud83d\\ude00", "\u{1f600}"),
            ("%41", "A"),
            ("%2f", "/"),
            ("%u0041", "A"),
            ("&#65;", "A"),
            ("&#x41;", "A"),
            ("&#X0041;", "A"),
            ("&#0000065;", "A"),
            ("&plus;", "+"),
            ("&amp;", "&"),
        ] {
            let Read::Escape(length, decoded) = read(text.as_bytes()) else {
                panic!("{text}: {:?}", read(text.as_bytes()));
            };
            assert_eq!((length, decoded.bytes()), (text.len(), expected.as_bytes()), "{text}");
            for cut in 1..text.len() {
                assert_eq!(read(&text.as_bytes()[..cut]), Read::More, "{text} {cut}");
            }
        }
        for text in ["\\z ", "%4g", "%zz", "&nothing;", "&#;", "\\u00g0", "&toolonganame"] {
            assert_eq!(read(text.as_bytes()), Read::Plain, "{text}");
        }
        assert!(matches!(read(b"&#65x"), Read::Escape(4, _)));
        assert!(matches!(read_folded(b"=3D"), Read::Escape(3, decoded) if decoded.bytes() == b"="));
        assert!(matches!(read_folded(b"=\r\n"), Read::Escape(3, decoded) if decoded.bytes().is_empty()));
        assert_eq!(read_folded(b"=g0"), Read::Plain);
    }
}
