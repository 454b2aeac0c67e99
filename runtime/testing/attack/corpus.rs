//! The corpus: data, one file for each class.

use serde::Deserialize;

use super::answer::Answer;
use super::ask::Ask;
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
/// and without its dots, `{part}` for the end of it that begins within its last label but one, `{any}`, `{first}` and `{dash}` for it with other characters where its dots are: all of them, the first,
/// all but the last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    answer: Option<Answer>,
}

impl Case {
    /// The request, if an agent can ask for it.
    pub(super) fn ask(&self, host: &str) -> Option<Ask> {
        let mut ask = Ask::new(self.method.as_deref().unwrap_or("GET"), &fill(&self.url, host))?;
        for (name, value) in &self.headers {
            ask = ask.header(name, &fill(value, host));
        }
        if let Some(body) = &self.body {
            ask.body = Some(fill(body, host).into_bytes());
        }
        ask.answer = match &self.answer {
            Some(Answer::Redirect { redirect, to }) => Some(Answer::Redirect {
                redirect: *redirect,
                to: fill(to, host),
            }),
            echo => echo.clone(),
        };
        Some(ask)
    }
}

fn fill(text: &str, host: &str) -> String {
    text.replace("{host}", host)
        .replace("{upper}", &host.to_uppercase())
        .replace("{flat}", &host.replace('.', ""))
        .replace("{part}", part(host))
        .replace("{any}", &host.replace('.', "x"))
        .replace("{first}", &host.replacen('.', "x", 1))
        .replace(
            "{dash}",
            &host.replacen('.', "-", host.matches('.').count().saturating_sub(1)),
        )
}

/// The longest end of a host that is no host below its own domain: `artner.com` of `api.partner.com`.
fn part(host: &str) -> &str {
    let mut dots = host.rmatch_indices('.').map(|(place, _)| place + 1);
    let domain = dots.nth(1).unwrap_or(0);
    let mut letters = host[domain..].char_indices().skip(1);
    letters.next().map_or("", |(place, _)| &host[domain + place..])
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
    fn a_part_is_a_name_of_somebody_else() {
        assert_eq!(part("api.partner.com"), "artner.com");
        assert_eq!(part("partner.com"), "artner.com");
        assert_eq!(part("localhost"), "ocalhost");
    }

    #[test]
    fn the_corpus_is_readable_and_large() {
        let classes = classes().unwrap();
        let cases: usize = classes.iter().map(|class| class.cases.len()).sum();
        assert!(cases >= 150, "{cases}");
    }
}
