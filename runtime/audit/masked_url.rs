//! URLs whose secrets are masked.

use deno_core::url::Url;
use workerd_lite_ops::tcp::authority;

/// A URL for the record: values of query parameters may be secrets, and are shown only where the owner says so.
pub(crate) fn masked(url: &Url, shown: &[String]) -> String {
    if url.query().is_none() {
        return url.to_string();
    }
    let mut clean = url.clone();
    clean.set_query(None);
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = if shown.iter().any(|known| *known == name) {
                value.into_owned()
            } else {
                "***".to_owned()
            };
            (name.into_owned(), value)
        })
        .collect();
    clean.query_pairs_mut().extend_pairs(pairs);
    clean.to_string()
}

/// What a connection of TCP is asked to, for the record.
pub(crate) fn tcp_url(url: &Url) -> String {
    format!("tcp://{}", authority(url))
}

/// The most bytes of a URL on the live page.
const LONGEST: usize = 1024;

/// The same for the live page, where a long one is cut.
pub(crate) fn shown(url: &Url, shown: &[String]) -> String {
    let mut text = masked(url, shown);
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('\u{2026}');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_query_are_masked() {
        let url = Url::parse("https://a.example/x?page=2&token=s3cret").unwrap();
        assert_eq!(masked(&url, &["page".into()]), "https://a.example/x?page=2&token=***");
    }
}
