//! The one extension that there is, `permessage-deflate` (RFC 7692), as both sides of a handshake speak of it. Neither side takes a context
//! over from message to message: a connection keeps no memory for it.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

/// What is offered to an upstream, and what a client is answered.
pub(super) const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// A parameter: its name and its value, if it has one.
type Parameter<'a> = (&'a str, Option<&'a str>);

/// What is said of `permessage-deflate` by one element of a list. Nothing where that speaks of something else.
struct Parameters<'a>(Vec<Parameter<'a>>);

impl<'a> Parameters<'a> {
    fn of(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
            return None;
        }
        let parameters = parts.map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (part, None),
        });
        Some(Self(parameters.collect()))
    }

    fn names(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }

    /// Whether each is there once and is one of these, with a value that it may have.
    fn are(&self, may: fn(Parameter<'_>) -> bool) -> bool {
        let once = |name| self.0.iter().filter(|(known, _)| *known == name).count() == 1;
        self.0.iter().all(|parameter| once(parameter.0) && may(*parameter))
    }
}

/// The elements of all lines. A line that is no text has none that we know.
fn elements(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
    let elements = lines.flat_map(|line| line.to_str().unwrap_or("?").split(','));
    elements.map(str::trim).filter(|element| !element.is_empty())
}

fn is_window(value: &str) -> bool {
    matches!(value, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
}

/// Whether a client offers what can be accepted (section 7.1). One that wants a smaller window of us than there is gets none.
pub(super) fn is_offered(headers: &HeaderMap) -> bool {
    elements(headers).filter_map(Parameters::of).any(|offer| {
        offer.are(|parameter| match parameter {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
            ("client_max_window_bits", value) => value.is_none_or(is_window),
            ("server_max_window_bits", Some(value)) => value == "15",
            _ => false,
        })
    })
}

/// Whether an upstream has accepted what was offered to it: an error where it answers anything else.
pub(super) fn is_accepted(headers: &HeaderMap, offered: bool) -> Result<bool, &'static str> {
    let mut answers = elements(headers);
    let Some(answer) = answers.next() else { return Ok(false) };
    let accepted = Parameters::of(answer).filter(|_| offered && answers.next().is_none());
    let Some(accepted) = accepted else {
        return Err("it has an extension that nobody asked for");
    };
    let in_order = accepted.are(|parameter| match parameter {
        ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
        ("server_max_window_bits", Some(value)) => is_window(value),
        _ => false,
    });
    if !in_order || !accepted.names("server_no_context_takeover") {
        return Err("it compresses otherwise than it was offered");
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn an_offer_is_accepted_that_can_be_kept() {
        for good in [
            &["permessage-deflate"][..],
            &["permessage-deflate; client_max_window_bits"],
            &["x-other, Permessage-Deflate; client_max_window_bits=10; server_no_context_takeover"],
            &["permessage-deflate; server_max_window_bits=10", "permessage-deflate"],
            &["permessage-deflate; server_max_window_bits=\"15\""],
        ] {
            assert!(is_offered(&headers(good)), "{good:?}");
        }
        for bad in [
            &[][..],
            &["x-webkit-deflate-frame"],
            &["permessage-deflate; server_max_window_bits=10"],
            &["permessage-deflate; server_max_window_bits"],
            &["permessage-deflate; client_max_window_bits=7"],
            &["permessage-deflate; server_no_context_takeover=1"],
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            &["permessage-deflate; other"],
        ] {
            assert!(!is_offered(&headers(bad)), "{bad:?}");
        }
    }

    #[test]
    fn an_answer_is_one_to_the_offer() {
        assert_eq!(is_accepted(&headers(&[]), true), Ok(false));
        assert_eq!(is_accepted(&headers(&[DEFLATE]), true), Ok(true));
        let narrow = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
        assert_eq!(is_accepted(&headers(&[narrow]), true), Ok(true));
        assert!(is_accepted(&headers(&[DEFLATE]), false).is_err());
        for bad in [
            &["permessage-deflate"][..],
            &["permessage-deflate; client_no_context_takeover"],
            &[DEFLATE, DEFLATE],
            &["permessage-deflate; server_no_context_takeover; client_max_window_bits=10"],
            &["permessage-deflate; server_no_context_takeover; server_max_window_bits"],
            &["x-other"],
        ] {
            assert!(is_accepted(&headers(bad), true).is_err(), "{bad:?}");
        }
    }
}
