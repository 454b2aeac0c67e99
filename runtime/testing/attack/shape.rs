//! Which hosts, paths and methods a text names: a string, or the source of a regular expression.

use std::sync::LazyLock;

use deno_core::url::Url;
use regex::Regex;

use crate::testing::source::Kind;

/// A host in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedHost {
    /// As URLs write it.
    pub(super) host: String,
    /// Whether all names below it are meant, and not itself.
    pub(super) below: bool,
}

static WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:(?:([a-z*][a-z0-9+.-]*):)?(//)(?:[^/@\s]*@)?)?(\.|\*+\.)?((?:[\p{L}\p{N}_-]+\.)+[\p{L}][\p{L}\p{N}-]*|localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]|[a-z0-9_-]+)\.?(:\d+|:\*)?(?:[/?#\\]\S*)?$",
    )
    .ok()
});

static WITHIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(\.?)((?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*)").ok());

static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"/[A-Za-z0-9._~%@/-]+").ok());

/// The hosts that a text names.
pub(super) fn hosts(kind: Kind, text: &str) -> Vec<NamedHost> {
    match kind {
        Kind::Text => whole(text).into_iter().collect(),
        Kind::Name => Vec::new(),
        Kind::Regex => {
            let plain = plain(text);
            let Some(within) = &*WITHIN else { return Vec::new() };
            let named = within.captures_iter(&plain).filter(|name| name[2].len() > 3);
            named
                .map(|name| NamedHost {
                    host: name[2].to_lowercase(),
                    below: !name[1].is_empty(),
                })
                .collect()
        }
    }
}

fn whole(text: &str) -> Option<NamedHost> {
    if text.len() > 300 {
        return None;
    }
    let parts = WHOLE.as_ref()?.captures(text.trim())?;
    let (scheme, slashes, host) = (parts.get(1), parts.get(2), parts.get(4)?.as_str());
    let is_name = host.contains('.') || host.starts_with('[') || host.eq_ignore_ascii_case("localhost");
    // One label is a host where a URL says so, or a port.
    let said = slashes.is_some() && (scheme.is_some() || is_name);
    if !(said || (is_name && scheme.is_none())) {
        return None;
    }
    if scheme.is_some_and(|scheme| !matches!(&*scheme.as_str().to_lowercase(), "http" | "https" | "ws" | "wss" | "*")) {
        return None;
    }
    let url = Url::parse(&format!("https://{host}/")).ok()?;
    Some(NamedHost {
        host: url.host_str()?.trim_end_matches('.').to_owned(),
        below: parts.get(3).is_some(),
    })
}

/// A regular expression's source, with what it escapes as it is and without its anchors.
pub(super) fn plain(source: &str) -> String {
    let mut plain = String::new();
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped) if escaped.is_ascii_alphanumeric() => plain.push('\n'),
                Some(escaped) => plain.push(escaped),
                None => {}
            },
            '^' | '$' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The paths that a text names, without what stands for something else in it.
pub(super) fn paths(kind: Kind, text: &str) -> Vec<String> {
    let tokens: Vec<String> = match kind {
        Kind::Name => return Vec::new(),
        Kind::Text if text.starts_with('/') && !text.starts_with("//") => vec![text.to_owned()],
        Kind::Text => match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => vec![url.path().to_owned()],
            _ => return Vec::new(),
        },
        Kind::Regex => {
            let plain = plain(text);
            let Some(path) = &*PATH else { return Vec::new() };
            // Behind a scheme is no path.
            let plain = plain.replace("://", "\n");
            path.find_iter(&plain).map(|path| path.as_str().to_owned()).collect()
        }
    };
    let cut = |path: String| {
        let end = path
            .find(['*', ':', '?', '#', '(', '{', '[', ' ', '\n'])
            .unwrap_or(path.len());
        path[..end].to_owned()
    };
    let whole = |path: &String| path.len() > 1 && path.len() < 200 && path.starts_with('/') && !path.contains("//");
    tokens.into_iter().map(cut).filter(whole).collect()
}

/// The methods that a text names, as it writes them.
pub(super) fn method(kind: Kind, text: &str) -> Option<&str> {
    const KNOWN: [&str; 15] = [
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "QUERY",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "PURGE",
    ];
    (kind == Kind::Text && KNOWN.iter().any(|known| known.eq_ignore_ascii_case(text))).then_some(text)
}

/// Whether a text may be a part of a host or a path.
pub(super) fn is_fragment(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A method as `fetch()` sends it (Fetch, "normalize a method").
pub(super) fn sent_method(method: &str) -> String {
    let upper = method.to_ascii_uppercase();
    if matches!(&*upper, "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT") {
        upper
    } else {
        method.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<(String, bool)> {
        whole(text).map(|named| (named.host, named.below))
    }

    #[test]
    fn hosts_are_found_in_strings_and_patterns() {
        for (text, wanted, below) in [
            ("api.partner.com", "api.partner.com", false),
            ("API.Partner.com.", "api.partner.com", false),
            ("api.partner.com:8443", "api.partner.com", false),
            (".partner.com", "partner.com", true),
            ("*.partner.com", "partner.com", true),
            ("https://api.partner.com/v1/", "api.partner.com", false),
            ("//api.partner.com", "api.partner.com", false),
            ("http://authz/check", "authz", false),
            ("127.0.0.1:80", "127.0.0.1", false),
        ] {
            assert_eq!(host(text), Some((wanted.to_owned(), below)), "{text}");
        }
        for text in [
            "",
            "GET",
            "/v1/x",
            "accounts are off limits",
            "text/html",
            "node:assert",
            "partner",
            "mailto:a@b.com",
        ] {
            assert_eq!(host(text), None, "{text}");
        }
        let named = hosts(Kind::Regex, r"^https:\/\/(.+\.)?partner\.com\/");
        assert!(named.iter().any(|named| named.host == "partner.com"), "{named:?}");
        assert_eq!(hosts(Kind::Regex, "^api.partner.com$")[0].host, "api.partner.com");
    }

    #[test]
    fn paths_are_found_in_strings_and_patterns() {
        assert_eq!(paths(Kind::Text, "/v1/:id"), ["/v1/"]);
        assert_eq!(paths(Kind::Text, "https://a.example/admin/*"), ["/admin/"]);
        assert_eq!(paths(Kind::Regex, r"^\/admin(\/|$)"), ["/admin"]);
        assert_eq!(paths(Kind::Regex, r"^https:\/\/a\.example\/admin\/\d+"), ["/admin/"]);
        assert!(paths(Kind::Text, "//a.example/x").is_empty() && paths(Kind::Text, "/").is_empty());
    }
}
