//! Which requests of clients an agent answers: `host`, `host/path/*`, `/path/*`, or one path.

use std::fmt;
use std::str::FromStr;

use deno_core::url::Url;
use percent_encoding::percent_decode_str;

use super::host::HostPattern;
use super::normal_path::is_normal;

/// A host pattern with a path. Without a host it fits every one, and without a path all of them.
#[derive(Debug, Clone)]
pub struct RoutePattern {
    /// The hosts.
    pub host: HostPattern,
    /// The path's segments, decoded.
    segments: Vec<String>,
    /// Whether further segments may follow, and not only these.
    below: bool,
    text: String,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} matches no requests: {why}")]
pub struct RoutePatternError {
    text: String,
    why: String,
}

/// What a more specific path has more of.
type Specificity = (usize, bool);

impl FromStr for RoutePattern {
    type Err = RoutePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| RoutePatternError {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        if path.starts_with("//") && host.ends_with(':') {
            return Err(wrong("write it without a scheme, such as \"scout.example/api/*\""));
        }
        let host = if path.is_empty() || !host.is_empty() { host } else { "*" };
        let host = host
            .parse()
            .map_err(|error: super::HostPatternError| wrong(&error.to_string()))?;
        let (path, below) = match path.strip_suffix("/*") {
            Some(folder) => (format!("{folder}/"), true),
            None if path.is_empty() => ("/".to_owned(), true),
            None => (path.to_owned(), false),
        };
        if path.contains('*') {
            return Err(wrong(
                "a path's \"*\" stands at its end, behind a slash: \"/scout\" and \"/scout/*\"",
            ));
        }
        let url = Url::parse(&format!("http://a{path}")).map_err(|error| wrong(&error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("neither a query nor a fragment is matched"));
        }
        // What URLs encode may be written plainly.
        if !is_normal(&url) || url.path().matches('/').count() != path.matches('/').count() {
            return Err(wrong(
                "expected a path without doubled slashes, dots as segments and escapes that are not needed",
            ));
        }
        let mut segments: Vec<String> = url
            .path()
            .split('/')
            .skip(1)
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        if below {
            segments.pop();
        }
        Ok(Self {
            host,
            segments,
            below,
            text: text.to_owned(),
        })
    }
}

impl From<HostPattern> for RoutePattern {
    fn from(host: HostPattern) -> Self {
        Self {
            text: host.sample().unwrap_or_default(),
            host,
            segments: Vec::new(),
            below: true,
        }
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl RoutePattern {
    /// Whether a path, by its decoded segments, fits.
    pub(crate) fn takes(&self, path: &[String]) -> bool {
        match path.split_at_checked(self.segments.len()) {
            Some((first, rest)) => first == self.segments && rest.is_empty() != self.below,
            None => false,
        }
    }

    /// Whether every path fits.
    pub(crate) fn takes_all(&self) -> bool {
        self.below && self.segments.is_empty()
    }

    /// Orders paths that fit the same one. One that another covers is greater than that.
    pub(crate) fn path_specificity(&self) -> Specificity {
        (self.segments.len(), !self.below)
    }

    /// Whether it fits exactly the requests that the other fits.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.host.covers(&other.host)
            && other.host.covers(&self.host)
            && self.segments == other.segments
            && self.below == other.below
    }

    /// Whether requests fit both, and neither is the more specific one.
    pub(crate) fn rivals(&self, other: &Self) -> bool {
        if self.is_same(other) {
            return true;
        }
        self.host.overlaps(&other.host)
            && !self.host.covers(&other.host)
            && !other.host.covers(&self.host)
            && (self.covers_path(other) || other.covers_path(self))
    }

    fn covers_path(&self, other: &Self) -> bool {
        if !self.below {
            return !other.below && self.segments == other.segments;
        }
        let more = other.segments.len() > self.segments.len() || other.below;
        more && other.segments.starts_with(&self.segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pattern: &str, path: &str) -> bool {
        let pattern: RoutePattern = pattern.parse().unwrap();
        let segments: Vec<String> = path.split('/').skip(1).map(ToOwned::to_owned).collect();
        pattern.takes(&segments)
    }

    #[test]
    fn paths_fit_by_whole_segments() {
        for (pattern, path) in [
            ("/a/*", "/a/"),
            ("/a/*", "/a/b/c"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("h.example", "/"),
            ("h.example/*", "/x"),
            ("/*", "/"),
            ("h.example/", "/"),
            ("*.example:8080/caf\u{e9}/*", "/caf\u{e9}/x"),
            ("/caf%C3%A9/*", "/caf\u{e9}/x"),
        ] {
            assert!(takes(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/a/*", "/a"),
            ("/a/*", "/ab/"),
            ("/a", "/a/"),
            ("/a", "/a/b"),
            ("/a/", "/a"),
            ("h/", "/x"),
        ] {
            assert!(!takes(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn what_matches_nothing_is_refused() {
        for text in [
            "",
            "https://a.example/*",
            "//a/*",
            "a.example//x",
            "/a*",
            "/*/b",
            "/a/../b",
            "/a/%2e%2e/b",
            "/%61",
            "/a?b",
            "/a#b",
            "a b/",
            "u@a/*",
            "/a%2fb",
            "/a\\b/*",
            "/a/./*",
        ] {
            assert!(text.parse::<RoutePattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn rivals_are_equally_specific() {
        for (one, other, rivals) in [
            ("a.example", "a.example", true),
            ("a.example", "A.example.", true),
            ("a.example", "a.example/*", true),
            ("a.example/x/*", "a.example/*", false),
            ("a.example/x", "a.example/x/*", false),
            ("a.example", "/x/*", false),
            ("*.a.example", "b.*.example", true),
            ("*.a.example/x/*", "b.*.example", true),
            ("*.a.example/x/*", "b.*.example/y/*", false),
            ("a.example", "*.example:80", true),
            ("*", "/*", true),
            ("**", "*", true),
            ("/x/*", "/x/*", true),
        ] {
            let [first, second]: [RoutePattern; 2] = [one, other].map(|text| text.parse().unwrap());
            assert_eq!(first.rivals(&second), rivals, "{one} {other}");
            assert_eq!(second.rivals(&first), rivals, "{one} {other}");
        }
    }
}
