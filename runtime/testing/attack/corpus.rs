//! The corpus: data, one file for each class.

use serde::Deserialize;

use crate::diagnostic::SourceDiagnostic;

const FILES: [(&str, &str); 13] = [
    ("echoes.toml", include_str!("../../../fixtures/attacks/echoes.toml")),
    ("headers.toml", include_str!("../../../fixtures/attacks/headers.toml")),
    (
        "host-forms.toml",
        include_str!("../../../fixtures/attacks/host-forms.toml"),
    ),
    (
        "ipv4-notations.toml",
        include_str!("../../../fixtures/attacks/ipv4-notations.toml"),
    ),
    ("ipv6.toml", include_str!("../../../fixtures/attacks/ipv6.toml")),
    (
        "local-names.toml",
        include_str!("../../../fixtures/attacks/local-names.toml"),
    ),
    (
        "look-alike-hosts.toml",
        include_str!("../../../fixtures/attacks/look-alike-hosts.toml"),
    ),
    ("metadata.toml", include_str!("../../../fixtures/attacks/metadata.toml")),
    ("methods.toml", include_str!("../../../fixtures/attacks/methods.toml")),
    ("paths.toml", include_str!("../../../fixtures/attacks/paths.toml")),
    (
        "ports-and-schemes.toml",
        include_str!("../../../fixtures/attacks/ports-and-schemes.toml"),
    ),
    (
        "redirects.toml",
        include_str!("../../../fixtures/attacks/redirects.toml"),
    ),
    ("userinfo.toml", include_str!("../../../fixtures/attacks/userinfo.toml")),
];

/// One class of attacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    pub(super) class: String,
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

/// One hostile request. `{host}` stands for a host that the project trusts, `{upper}` and `{flat}` for it in upper case
/// and without its dots.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    answer: Option<Answer>,
}

/// What the upstream answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// A redirect.
    Redirect {
        /// Its status.
        redirect: u16,
        /// Where to.
        to: String,
    },
    /// What it was sent, in some form.
    Echo {
        /// Which.
        echo: Echo,
    },
}

/// How an upstream says what it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Echo {
    Headers,
    Reason,
    Cookie,
    Location,
    Body,
    Pieces,
    Gzip,
    Base64,
    Percent,
    Error,
}

impl Case {
    pub(super) fn url(&self, host: &str) -> String {
        fill(&self.url, host)
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("GET")
    }

    pub(super) fn headers(&self, host: &str) -> impl Iterator<Item = (&str, String)> {
        self.headers
            .iter()
            .map(move |(name, value)| (name.as_str(), fill(value, host)))
    }

    pub(super) fn answer(&self, host: &str) -> Answer {
        match &self.answer {
            Some(Answer::Redirect { redirect, to }) => Answer::Redirect {
                redirect: *redirect,
                to: fill(to, host),
            },
            Some(echo) => echo.clone(),
            // Whoever gets a request tries to make the most of it.
            None => Answer::Echo { echo: Echo::Headers },
        }
    }
}

fn fill(text: &str, host: &str) -> String {
    text.replace("{host}", host)
        .replace("{upper}", &host.to_uppercase())
        .replace("{flat}", &host.replace('.', ""))
}

/// Every class.
pub(super) fn classes() -> Result<Vec<Class>, SourceDiagnostic> {
    FILES
        .iter()
        .map(|(name, text)| toml::from_str(text).map_err(|error| SourceDiagnostic::new(format!("{name}: {error}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_readable_and_large() {
        let classes = classes().unwrap();
        let cases: usize = classes.iter().map(|class| class.cases.len()).sum();
        assert!(cases >= 150, "{cases}");
    }
}
