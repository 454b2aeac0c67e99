//! What a policy made of an agent's request. Values of headers are shown only where none is a secret by its nature.

use http::{HeaderMap, HeaderName};
use serde::Serialize;
use workerd_lite_ops::Request;
use workerd_lite_ops::trace::Asked;

use super::sketch::{is_private, is_word};

/// Headers whose values anyone may read.
const SHOWN: [&str; 13] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "range",
    "user-agent",
    "x-request-id",
];

/// The most headers that are shown, and the most bytes of a value.
const MOST: usize = 100;
const LONGEST: usize = 512;

/// The request as the agent made it, and how its headers differ now.
#[derive(Debug, Serialize)]
pub(super) struct Changes {
    method: String,
    /// Without its query's values.
    url: String,
    headers: Vec<Change>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Change {
    name: String,
    /// Absent where the policy added it.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Absent where the policy took it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Changes {
    pub(super) fn between(asked: &Asked, request: &Request, shown: &[String]) -> Self {
        Self {
            method: asked.method.to_string(),
            url: super::masked_url::shown(&asked.url, shown),
            headers: headers(&asked.headers, &request.headers),
        }
    }
}

/// A header as it is shown: its name, and its value or what stands for that.
pub(crate) type Field = (String, String);

/// The headers of a request, for who looks on. Long lists are cut.
pub(crate) fn fields(headers: &HeaderMap) -> Vec<Field> {
    let names = headers.keys().filter(|name| name.as_str().len() <= 128).take(MOST);
    let shown = names.map(|name| (name.to_string(), value(headers, name).unwrap_or_default()));
    shown.collect()
}

/// The value of a header as it is shown, where it is there.
fn value(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.contains_key(name).then(|| {
        if !SHOWN.contains(&name.as_str()) {
            // A word such as an action's name tells nobody a secret.
            let word = headers[name]
                .to_str()
                .ok()
                .filter(|text| is_word(text) && !is_private(name.as_str()));
            return word.unwrap_or("\u{2022}\u{2022}\u{2022}").to_owned();
        }
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let mut text = values.join(", ");
        if text.len() > LONGEST {
            text.truncate(text.floor_char_boundary(LONGEST));
            text.push('\u{2026}');
        }
        text
    })
}

fn headers(before: &HeaderMap, after: &HeaderMap) -> Vec<Change> {
    let mut names: Vec<&HeaderName> = before.keys().chain(after.keys()).collect();
    names.sort_by_key(|name| name.as_str());
    names.dedup();
    names
        .into_iter()
        .filter(|name| !before.get_all(*name).iter().eq(after.get_all(*name).iter()))
        .take(MOST)
        .map(|name| Change {
            name: name.to_string(),
            before: value(before, name),
            after: value(after, name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_and_values_do_not() {
        let map = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect()
        };
        let before = map(&[("accept", "a/b"), ("cookie", "s"), ("x-same", "1"), ("x-token", "old")]);
        let after = map(&[
            ("accept", "*/*"),
            ("authorization", "Bearer s3cret"),
            ("x-same", "1"),
            ("x-token", "new"),
        ]);
        let told = serde_json::to_value(headers(&before, &after)).unwrap();
        let dots = "\u{2022}\u{2022}\u{2022}";
        assert_eq!(
            told,
            serde_json::json!([
                { "name": "accept", "before": "a/b", "after": "*/*" },
                { "name": "authorization", "after": dots },
                { "name": "cookie", "before": dots },
                { "name": "x-token", "before": dots, "after": dots },
            ])
        );
    }
}
