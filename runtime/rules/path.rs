//! Patterns of paths: the pathname part of the URL Pattern standard (<https://urlpattern.spec.whatwg.org>).

use std::str::FromStr;

use deno_core::url::Url;
use urlpattern::{UrlPattern, UrlPatternInit, UrlPatternMatchInput, UrlPatternOptions};

/// A pattern of paths, such as `/repos/acme/*` or `/users/:id`.
#[derive(Debug, Clone)]
pub struct PathPattern {
    pattern: std::sync::Arc<UrlPattern>,
    text: std::sync::Arc<str>,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no path pattern: {why}")]
pub struct PathPatternError {
    text: String,
    why: String,
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: String| PathPatternError {
            text: text.to_owned(),
            why,
        };
        if !text.starts_with(['/', '*']) {
            return Err(wrong("it must begin with \"/\"".into()));
        }
        if let Some(why) = fits_nothing(text) {
            return Err(wrong(why.into()));
        }
        let init = UrlPatternInit {
            pathname: Some(text.to_owned()),
            ..UrlPatternInit::default()
        };
        let pattern =
            <UrlPattern>::parse(init, UrlPatternOptions::default()).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            pattern: std::sync::Arc::new(pattern),
            text: text.into(),
        })
    }
}

/// Why no path can fit a pattern, whatever it is that was meant.
fn fits_nothing(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%252e", "%252f", "%255c"]
        .iter()
        .any(|escape| lower.contains(escape))
    {
        return Some("a path that encodes a slash, a backslash or a dot fits no pattern");
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return Some("paths are compared without `.` and `..`");
    }
    if text.contains("//") {
        return Some("a path with an empty segment (`//`) fits no pattern");
    }
    // Shells and globs have alternatives in braces; in a URL pattern they group.
    let alternatives = text
        .split('{')
        .skip(1)
        .any(|rest| rest.split('}').next().is_some_and(|group| group.contains(',')));
    alternatives.then_some("write alternatives as `(one|other)`: braces have none")
}

impl PathPattern {
    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a URL's path fits.
    pub fn matches(&self, url: &Url) -> bool {
        self.pattern
            .test(UrlPatternMatchInput::Url(url.clone()))
            .unwrap_or(false)
    }
}
