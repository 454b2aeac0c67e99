//! The header `Forwarded` (RFC 7239, section 4).

/// What one proxy says of the request that it took.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) node: Option<String>,
    pub(super) proto: Option<String>,
    pub(super) host: Option<String>,
}

/// Reads one line of it. None where it is not well-formed: what stands in quotation marks could swallow what a proxy has added.
pub(super) fn elements(line: &str) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    let mut rest = line;
    loop {
        let (element, next) = element(rest)?;
        elements.extend(element);
        match next {
            Some(next) => rest = next,
            None => return Some(elements),
        }
    }
}

/// One element, if it is not empty, and what follows behind its comma.
fn element(mut rest: &str) -> Option<(Option<Element>, Option<&str>)> {
    let (mut element, mut is_empty) = (Element::default(), true);
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(next) = rest.strip_prefix(';') {
            rest = next;
            continue;
        }
        if rest.is_empty() || rest.starts_with(',') {
            return Some(((!is_empty).then_some(element), rest.strip_prefix(',')));
        }
        let (name, value) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let (value, behind) = value_of(value)?;
        // Not in the same element twice, whatever it is.
        let known = match name.to_ascii_lowercase().as_str() {
            "for" => Some(&mut element.node),
            "proto" => Some(&mut element.proto),
            "host" => Some(&mut element.host),
            _ => None,
        };
        if let Some(known) = known {
            if known.replace(value).is_some() {
                return None;
            }
        }
        is_empty = false;
        rest = behind.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with([';', ','])) {
            return None;
        }
    }
}

/// A value, and what follows it. Addresses are often written without the quotation marks that they need.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let plain = |byte: u8| is_token(byte) || b":[]".contains(&byte);
        return (!value.is_empty() && value.bytes().all(plain)).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            character => value.push(character),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(node: &str, proto: &str, host: &str) -> Element {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Element {
            node: some(node),
            proto: some(proto),
            host: some(host),
        }
    }

    #[test]
    fn elements_are_read() {
        for (line, expected) in [
            ("for=1.2.3.4", vec![element("1.2.3.4", "", "")]),
            (
                "For=\"[2001:db8::1]:80\"; proto=https ;HOST=a.example , for=10.0.0.1;by=_x;ext=\"a,b;c\"",
                vec![
                    element("[2001:db8::1]:80", "https", "a.example"),
                    element("10.0.0.1", "", ""),
                ],
            ),
            ("for=\"a\\\"b\"", vec![element("a\"b", "", "")]),
            (", ,for=_a,", vec![element("_a", "", "")]),
            ("host=\"a.example:80\"", vec![element("", "", "a.example:80")]),
            ("for=[::1]:80", vec![element("[::1]:80", "", "")]),
            ("", vec![]),
        ] {
            assert_eq!(elements(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_told() {
        for line in [
            "for",
            "for=",
            "=x",
            "for=\"x",
            "for=\"x, for=1.2.3.4",
            "for=\"x, for=\"1.2.3.4\"",
            "for=a;for=b",
            "host=a;proto=b;HOST=c",
            "f or=x",
            "for=a b",
            "for=\"x\\",
            "for=a\u{e4}",
            "for=\"a\"b",
        ] {
            assert_eq!(elements(line), None, "{line}");
        }
    }
}
