//! Answers to conditional requests and to requests for a part: RFC 9110, sections 13 and 14.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::store::Stored;

/// What a script is given of a stored response.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

pub(super) fn answer(request: &HeaderMap, stored: &Stored) -> Answer {
    let mut headers = stored.headers.clone();
    if stored.status == StatusCode::OK && is_not_modified(request, &headers) {
        headers.remove(CONTENT_LENGTH);
        return Answer {
            status: StatusCode::NOT_MODIFIED,
            headers,
            body: None,
        };
    }
    let length = stored.body.len();
    // A part of a coded body is a part of its coding, which nobody here knows.
    if stored.status == StatusCode::OK && !stored.coded && is_of_this_one(request, &headers) {
        match request.get(RANGE).and_then(|range| part_of(range, length)) {
            Some(Part::Some(first, last)) => {
                insert(&mut headers, CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
                insert(&mut headers, CONTENT_LENGTH, &(last + 1 - first).to_string());
                return Answer {
                    status: StatusCode::PARTIAL_CONTENT,
                    headers,
                    body: Some(stored.body.slice(first..=last)),
                };
            }
            Some(Part::None) => {
                insert(&mut headers, CONTENT_RANGE, &format!("bytes */{length}"));
                insert(&mut headers, CONTENT_LENGTH, "0");
                return Answer {
                    status: StatusCode::RANGE_NOT_SATISFIABLE,
                    headers,
                    body: None,
                };
            }
            None => {}
        }
        headers
            .entry(ACCEPT_RANGES)
            .or_insert(HeaderValue::from_static("bytes"));
    }
    // What was put may have said nothing of it, or something else.
    if !matches!(stored.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    Answer {
        status: stored.status,
        headers,
        body: Some(stored.body.clone()),
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// A tag without the mark that it is weak.
fn tag(text: &str) -> &str {
    text.trim().trim_start_matches("W/")
}

fn is_not_modified(request: &HeaderMap, headers: &HeaderMap) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let Some(own) = text(headers, &ETAG) else { return false };
        let lines = request.get_all(IF_NONE_MATCH).iter();
        let mut tags = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        return tags.any(|wanted| wanted.trim() == "*" || tag(wanted) == tag(own));
    }
    let since = text(request, &IF_MODIFIED_SINCE).and_then(date);
    let modified = text(headers, &LAST_MODIFIED).and_then(date);
    matches!((since, modified), (Some(since), Some(modified)) if modified <= since)
}

/// `If-Range`: whether a part of this very response is wanted, and the whole of any other.
fn is_of_this_one(request: &HeaderMap, headers: &HeaderMap) -> bool {
    let Some(wanted) = text(request, &IF_RANGE) else {
        return !request.contains_key(IF_RANGE);
    };
    if wanted.ends_with('"') {
        return !wanted.starts_with("W/") && text(headers, &ETAG) == Some(wanted);
    }
    text(headers, &LAST_MODIFIED) == Some(wanted)
}

/// The one range of bytes that is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The first and the last byte.
    Some(usize, usize),
    /// The body has none of them.
    None,
}

/// Nothing where that is no range of bytes, or many, which may be answered with all of it.
fn part_of(range: &HeaderValue, length: usize) -> Option<Part> {
    let (unit, range) = range.to_str().ok()?.trim().split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = (first.trim(), last.trim());
    if !unit.eq_ignore_ascii_case("bytes") || !digits(first) || !digits(last) {
        return None;
    }
    let number = |text: &str| text.parse::<usize>().unwrap_or(usize::MAX);
    let (first, last) = match (first, last) {
        ("", "") => return None,
        ("", count) if number(count) == 0 => return Some(Part::None),
        ("", count) => (length.saturating_sub(number(count)), usize::MAX),
        (first, "") => (number(first), usize::MAX),
        (first, last) if number(last) < number(first) => return None,
        (first, last) => (number(first), number(last)),
    };
    Some(match length.checked_sub(1) {
        Some(end) if first <= end => Part::Some(first, last.min(end)),
        _ => Part::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_within_the_body() {
        for (range, part) in [
            ("bytes=0-0", Some(Part::Some(0, 0))),
            ("bytes=2-", Some(Part::Some(2, 9))),
            ("Bytes = 2-99", None),
            ("bytes=2-99", Some(Part::Some(2, 9))),
            ("bytes=-3", Some(Part::Some(7, 9))),
            ("bytes=-30", Some(Part::Some(0, 9))),
            ("bytes=-0", Some(Part::None)),
            ("bytes=-00", Some(Part::None)),
            ("bytes=10-", Some(Part::None)),
            ("bytes=99999999999999999999999-", Some(Part::None)),
            ("bytes=5-4", None),
            ("bytes=-", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=+1-2", None),
        ] {
            assert_eq!(part_of(&HeaderValue::from_static(range), 10), part, "{range}");
        }
        assert_eq!(part_of(&HeaderValue::from_static("bytes=0-"), 0), Some(Part::None));
    }
}
