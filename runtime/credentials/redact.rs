//! Secrets that come back in a response are replaced. It is a literal match of the value, its base64 and its percent
//! form: an upstream that transforms it otherwise is not noticed.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, HeaderValue};
use workerd_lite_ops::ByteStream;

const MASK: &[u8] = b"[redacted]";

/// Finds a request's secrets.
#[derive(Debug, Clone)]
pub(crate) struct Redactor {
    forms: Arc<AhoCorasick>,
    longest: usize,
}

impl Redactor {
    /// Gives nothing where there is nothing to look for.
    pub(crate) fn new(secrets: &[String]) -> Option<Self> {
        let forms: Vec<Vec<u8>> = secrets
            .iter()
            .filter(|secret| !secret.is_empty())
            .flat_map(|secret| forms(secret))
            .collect();
        let longest = forms.iter().map(Vec::len).max()?;
        let forms = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms)
            .ok()?;
        Some(Self {
            forms: Arc::new(forms),
            longest,
        })
    }

    /// Whether one of them is in there.
    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        self.forms.is_match(bytes)
    }

    /// Replaces them in header values.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        headers.values_mut().for_each(|value| self.value(value));
    }

    /// Replaces them in one header's value.
    pub(crate) fn value(&self, value: &mut HeaderValue) {
        if self.finds(value.as_bytes()) {
            let clean = self
                .forms
                .replace_all_bytes(value.as_bytes(), &vec![MASK; self.forms.patterns_len()]);
            *value = HeaderValue::from_bytes(&clean).unwrap_or(HeaderValue::from_static("[redacted]"));
        }
    }

    /// Replaces them in text.
    pub(crate) fn text(&self, text: &str) -> String {
        let masks = vec![MASK; self.forms.patterns_len()];
        String::from_utf8_lossy(&self.forms.replace_all_bytes(text.as_bytes(), &masks)).into_owned()
    }

    /// Replaces them in a body, across chunks. It holds back no more than the longest form.
    pub(crate) fn body(self, body: ByteStream) -> ByteStream {
        let start = (body, BytesMut::new(), false);
        stream::try_unfold(start, move |(mut body, mut held, ended)| {
            let redactor = self.clone();
            async move {
                if ended {
                    return Ok(None);
                }
                loop {
                    let ended = match body.next().await {
                        Some(chunk) => {
                            held.extend_from_slice(&chunk?);
                            false
                        }
                        None => true,
                    };
                    let clean = redactor.step(&mut held, ended);
                    if !clean.is_empty() {
                        return Ok(Some((clean, (body, held, ended))));
                    }
                    if ended {
                        return Ok(None);
                    }
                }
            }
        })
        .boxed_local()
    }

    fn step(&self, held: &mut BytesMut, ended: bool) -> Bytes {
        let mut clean = BytesMut::with_capacity(held.len());
        let mut position = 0;
        while let Some(found) = self.forms.find(&held[position..]) {
            // A longer form may still grow out of a match at the very end.
            if !ended && position + found.start() + self.longest > held.len() {
                break;
            }
            clean.extend_from_slice(&held[position..position + found.start()]);
            clean.extend_from_slice(MASK);
            position += found.end();
        }
        let keep = if ended {
            0
        } else {
            (self.longest - 1).min(held.len() - position)
        };
        let end = held.len() - keep;
        clean.extend_from_slice(&held[position..end]);
        let _ = held.split_to(end);
        clean.freeze()
    }
}

/// The value, its percent form in either case of digits, and its base64 at each of the three places where it can begin
/// in a longer text, without the digits that its neighbours share.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    let percent: String = deno_core::url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for percent in [percent.replace('+', "%20"), percent] {
        forms.push(with_lower_digits(&percent).into_bytes());
        forms.push(percent.into_bytes());
    }
    if secret.len() >= 6 {
        for shift in 0..3 {
            let mut shifted = vec![0; shift];
            shifted.extend_from_slice(secret.as_bytes());
            // Six bits a digit: the first digits hold bits of what stands before, the last of what comes after.
            let first = (shift * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
                forms.push(engine.encode(&shifted).as_bytes()[first..last].to_vec());
            }
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// `%2F` as `%2f`, and nothing else in lower case.
fn with_lower_digits(percent: &str) -> String {
    let mut digits = 0;
    percent
        .chars()
        .map(|character| {
            if character == '%' {
                digits = 2;
                character
            } else if digits > 0 {
                digits -= 1;
                character.to_ascii_lowercase()
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str, size: usize) -> String {
        let redactor = Redactor::new(&["s3cr/t value".into()]).unwrap();
        let chunks: Vec<_> = text
            .as_bytes()
            .chunks(size)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        let body = redactor.body(stream::iter(chunks).boxed_local());
        let parts = futures_util::FutureExt::now_or_never(body.collect::<Vec<_>>()).unwrap();
        let whole: Vec<u8> = parts.into_iter().flat_map(|part| part.unwrap().to_vec()).collect();
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn every_form_is_found_however_it_is_cut() {
        use base64::prelude::BASE64_STANDARD;
        let mut texts = vec![
            "s3cr/t value".to_owned(),
            "s3cr%2Ft+value".into(),
            "s3cr%2ft%20value".into(),
        ];
        texts.extend(["", "x", "xy", "user:"].map(|before| BASE64_STANDARD.encode(format!("{before}s3cr/t value!"))));
        for text in texts {
            for size in [1, 2, 3, 7, 100] {
                let result = clean(&format!("before {text} after"), size);
                assert!(result.contains("[redacted]"), "{text} in chunks of {size}: {result}");
                assert!(result.starts_with("before ") && result.ends_with(" after"), "{result}");
            }
        }
        assert_eq!(clean("nothing of it: s3cr/t valu", 4), "nothing of it: s3cr/t valu");
    }

    #[test]
    fn headers_are_cleaned() {
        let redactor = Redactor::new(&["token-1".into()]).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer token-1, token-1"));
        redactor.headers(&mut headers);
        assert_eq!(headers["x-echo"], "Bearer [redacted], [redacted]");
    }
}
