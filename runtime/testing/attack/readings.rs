//! How servers read a path: what a policy compares as text is decoded, folded and shortened before anything is served. Each
//! reading here is some real server's or framework's.

use std::collections::BTreeSet;

/// How often some chain of servers decodes.
const DECODES: usize = 3;

/// Every reading of a path: without matrix parameters, empty and dot segments and what stands at segments' ends, in lower case.
pub(super) fn readings(path: &str) -> BTreeSet<String> {
    let mut readings = BTreeSet::new();
    let mut bytes = path.as_bytes().to_vec();
    for decoded in 0..=DECODES {
        let text = String::from_utf8_lossy(&bytes).replace('\\', "/");
        readings.insert(folded(&text));
        if decoded > 0 {
            // What is cut where a string or a path ends, for who reads it after it was decoded.
            for end in ['\0', '?', '#', '\n', '\r'] {
                if let Some((before, _)) = text.split_once(end) {
                    readings.insert(folded(before));
                }
            }
        }
        let next = decode(&bytes);
        if next == bytes {
            break;
        }
        bytes = next;
    }
    readings
}

/// One reading, of a path that is plain already.
pub(super) fn folded(path: &str) -> String {
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/') {
        let segment = segment.split(';').next().unwrap_or_default();
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => {
                let ends = |character: char| matches!(character, '.' | ' ') || character.is_control();
                let trimmed = segment.trim_end_matches(ends);
                if !trimmed.is_empty() {
                    segments.push(trimmed.to_lowercase());
                }
            }
        }
    }
    format!("/{}", segments.join("/"))
}

/// Percent-decoded once, with the overlong forms of slash and dot that old decoders take.
fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded: Vec<u8> = percent_encoding::percent_decode(bytes).collect();
    for (long, short) in [([0xc0, 0xaf], b'/'), ([0xc0, 0xae], b'.')] {
        while let Some(at) = decoded.windows(2).position(|pair| pair == long) {
            decoded.splice(at..at + 2, [short]);
        }
    }
    decoded
}

/// A way to write a path that some server reads as the path.
#[derive(Debug)]
pub(super) struct Variant {
    /// What is done to it.
    pub(super) name: &'static str,
    /// The path.
    pub(super) path: String,
    /// Whether it differs in the slash at its end alone.
    pub(super) slash: bool,
}

/// The ways to write a path. `allowed` are paths that the policy lets pass with all that is below them.
pub(super) fn variants(path: &str, allowed: &[String]) -> Vec<Variant> {
    let mut variants = Vec::new();
    let mut add = |name, text: String| {
        if text != path {
            variants.push(Variant {
                name,
                slash: text.trim_end_matches('/') == path.trim_end_matches('/') && !text.ends_with("//"),
                path: text,
            });
        }
    };
    let rest = path.trim_start_matches('/');
    let bare = path.trim_end_matches('/');
    let slashes = || path.match_indices('/').map(|(at, _)| at);
    let letter = path.find(|character: char| character.is_ascii_alphanumeric());
    let encode = |byte: u8| format!("%{byte:02x}");
    let at_letter = |with: &dyn Fn(u8) -> String| {
        letter.map(|at| format!("{}{}{}", &path[..at], with(path.as_bytes()[at]), &path[at + 1..]))
    };
    if let Some(text) = at_letter(&encode) {
        add("an encoded letter", text);
    }
    if let Some(text) = at_letter(&|byte| format!("%25{byte:02x}")) {
        add("a doubly encoded letter", text);
    }
    let all: String = path
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                encode(byte)
            } else {
                char::from(byte).to_string()
            }
        })
        .collect();
    add("encoded letters", all);
    let last = path.rfind(|character: char| character.is_ascii_alphanumeric());
    if let Some(at) = last {
        add(
            "an encoded letter at the end",
            format!(
                "{}{}{}",
                &path[..at],
                encode(path.as_bytes()[at]).to_uppercase(),
                &path[at + 1..]
            ),
        );
    }
    add("upper case", path.to_uppercase());
    add("lower case", path.to_lowercase());
    if let Some(text) = at_letter(&|byte| char::from(byte).to_ascii_uppercase().to_string()) {
        add("a capital letter", text);
    }
    for (name, slash) in [
        ("an encoded slash", "%2f"),
        ("a doubly encoded slash", "%252f"),
        ("an encoded backslash", "%5c"),
        ("an overlong slash", "%c0%af"),
        ("a doubled slash", "//"),
        ("a slash and an encoded one", "/%2f"),
        ("a dot segment with an encoded slash", "/.%2f"),
        ("a matrix parameter that is a dot segment", "/.;/"),
        ("a parent segment with a matrix parameter", "/x/..;/"),
        ("a parent segment with an encoded slash", "/x/..%2f"),
        ("a parent segment, doubly encoded", "/x/%252e%252e/"),
        ("an encoded backslash after a parent segment", "/x/..%5c"),
        ("an empty matrix parameter", "/;/"),
    ] {
        for at in slashes() {
            // A path begins with a slash.
            let front = if at == 0 && !slash.starts_with('/') { "/" } else { "" };
            add(name, format!("{}{front}{slash}{}", &path[..at], &path[at + 1..]));
        }
    }
    for at in slashes().skip(1).chain([path.len()]) {
        for (name, text) in [
            ("a matrix parameter", ";x=1"),
            ("an empty parameter", ";"),
            ("an encoded semicolon", "%3bx"),
            ("a trailing dot", "."),
            ("a trailing space", "%20"),
            ("a null byte", "%00"),
            ("a tab", "%09"),
            ("a line feed", "%0a"),
        ] {
            add(name, format!("{}{text}{}", &path[..at], &path[at..]));
        }
    }
    add("no slash at the end", bare.to_owned());
    add("a slash at the end", format!("{bare}/"));
    add("two slashes at the end", format!("{bare}//"));
    for (name, text) in [
        ("an encoded slash at the end", "%2f"),
        ("an encoded question mark", "%3fx"),
        ("an encoded hash", "%23x"),
        ("an encoded null byte and a suffix", "%00.css"),
        ("a matrix parameter with a suffix", ";x.css"),
        ("a dot at the end", "/."),
    ] {
        add(name, format!("{bare}{text}"));
    }
    for allowed in allowed {
        let base = allowed.trim_end_matches('/');
        let depth = base.matches('/').count();
        for (name, up) in [
            ("out of what is allowed, by an encoded slash", "..%2f"),
            ("out of what is allowed, by encoded dots and slashes", "%2e%2e%2f"),
            ("out of what is allowed, by a backslash", "..%5c"),
            ("out of what is allowed, by a matrix parameter", "..;/"),
            ("out of what is allowed, doubly encoded", "%252e%252e/"),
            ("out of what is allowed, all doubly encoded", "%252e%252e%252f"),
        ] {
            add(name, format!("{base}/{}{rest}", up.repeat(depth)));
        }
        for (name, glue) in [
            ("with what is allowed behind it, in a query", "?"),
            ("with what is allowed behind it, in an encoded query", "%3f"),
            ("with what is allowed behind it, after a null byte", "%00"),
            ("with what is allowed behind it, in a parameter", ";x="),
        ] {
            let behind = if glue == ";x=" {
                allowed.replace('/', "%2f")
            } else {
                allowed.clone()
            };
            add(name, format!("{bare}{glue}{behind}"));
        }
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_has_a_reading_that_is_the_path() {
        for path in ["/accounts/7", "/accounts/", "/a", "/v1/Admin/x.y"] {
            let allowed = ["/public/".to_owned(), "/v1/x".to_owned()];
            for variant in variants(path, &allowed) {
                let url = deno_core::url::Url::parse(&format!("https://a.example{}", variant.path)).unwrap();
                let read = readings(url.path());
                assert!(read.contains(&folded(path)), "{variant:?} {read:?}");
            }
        }
    }

    #[test]
    fn other_paths_are_not_read_as_it() {
        for path in [
            "/account",
            "/accounts2",
            "/x/accounts",
            "/accounts/../x",
            "/x?/accounts",
            "/%61ccount",
        ] {
            assert!(!readings(path).contains("/accounts"), "{path}");
        }
    }
}
