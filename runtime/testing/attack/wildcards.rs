//! Hosts with wildcards in a policy's text, as `URLPattern` and globs have them: which host is meant, and which strangers such a pattern matches
//! as well (<https://urlpattern.spec.whatwg.org/>: `*` takes anything, dots too).

/// A pattern of hosts that a text writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostText {
    /// As it is written.
    pub(super) text: String,
    /// The host without what stands for something else.
    pub(super) host: String,
    /// Whether only names below that are meant.
    pub(super) below: bool,
    /// Hosts of others that it may match.
    strangers: Vec<String>,
    path: String,
}

impl HostText {
    /// What a text says, where a part of a host in it stands for something else.
    pub(super) fn of(text: &str) -> Option<Self> {
        const LONGEST: usize = 300;
        if text.len() > LONGEST || !text.contains(['*', '{', ':']) {
            return None;
        }
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => rest,
            Some(_) => return None,
            None => text,
        };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = plain(without_port(host))?.to_lowercase();
        let labels: Vec<&str> = host.split('.').collect();
        let at = labels.iter().rposition(|label| label.contains(ANYTHING))?;
        let (front, label, behind) = (&labels[..at], labels[at], &labels[at + 1..]);
        let whole = |labels: &[&str]| labels.len() > 1 && labels.iter().all(|label| is_label(label));
        let path = if path.starts_with('/') {
            path.replace(['*', ':'], "x")
        } else {
            "/".to_owned()
        };
        let made = move |host: String, below: bool, strangers: Vec<String>| Self {
            text: text.to_owned(),
            host,
            below,
            strangers,
            path,
        };
        // Whatever stands in front of a name that has an owner is that owner's.
        if behind.len() > 1 {
            return whole(behind).then(|| made(behind.join("."), true, Vec::new()));
        }
        let below = front.iter().any(|label| label.contains(ANYTHING));
        let first = front
            .iter()
            .rposition(|label| label.contains(ANYTHING))
            .map_or(0, |at| at + 1);
        let mut front = front[first..].join(".");
        if !front.is_empty() {
            front.push('.');
        }
        let name = label.replace(ANYTHING, "");
        let behind = behind.first().map_or_else(String::new, |label| format!(".{label}"));
        let host = format!("{front}{name}{behind}");
        let host = host.trim_end_matches('.').to_owned();
        if !whole(&host.split('.').collect::<Vec<_>>()) {
            return None;
        }
        let mut strangers = Vec::new();
        if label.starts_with(ANYTHING) && !name.is_empty() {
            strangers.extend(["evil", "evil-"].map(|evil| format!("{front}{evil}{name}{behind}")));
        }
        if behind.is_empty() {
            strangers.extend([".evil.test", "evil.test", "evil", ".test"].map(|evil| format!("{host}{evil}")));
        } else if !name.is_empty() && !label.starts_with(ANYTHING) {
            strangers.extend(["evil", "-evil"].map(|evil| format!("{front}{}{behind}", label.replace(ANYTHING, evil))));
        }
        Some(made(host, below, strangers))
    }

    /// URLs of strangers that the pattern may match.
    pub(super) fn strangers(&self) -> impl Iterator<Item = String> {
        self.strangers.iter().map(|host| format!("https://{host}{}", self.path))
    }
}

/// What stands for a wildcard, a name or a group in a host that was read.
const ANYTHING: char = '*';

fn is_scheme(scheme: &str) -> bool {
    // `http{s}?`, `*`, `http*`.
    let scheme: String = scheme
        .chars()
        .filter(|character| !"{}?()".contains(*character))
        .collect();
    matches!(
        scheme.as_str(),
        "http" | "https" | "ws" | "wss" | "http*" | "*" | ":protocol" | "https|http" | "http|https"
    )
}

/// A host without `:443` and `:*`; `:name` is a wildcard.
fn without_port(host: &str) -> &str {
    let port = host.rfind(':').filter(|at| {
        let port = &host[at + 1..];
        !port.is_empty() && (port == "*" || port.bytes().all(|byte| byte.is_ascii_digit()))
    });
    &host[..port.unwrap_or(host.len())]
}

/// A host in which names, groups and what may be left out are wildcards.
fn plain(host: &str) -> Option<String> {
    let mut plain = String::new();
    let mut characters = host.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ':' => {
                while characters
                    .next_if(|next| next.is_alphanumeric() || *next == '_')
                    .is_some()
                {}
                plain.push(ANYTHING);
            }
            '(' => {
                characters.by_ref().find(|next| *next == ')')?;
                plain.push(ANYTHING);
            }
            // Said of what stands before, or around what does.
            '?' | '+' | '{' | '}' => {}
            '*' => plain.push(ANYTHING),
            other if other.is_alphanumeric() || matches!(other, '.' | '-' | '_') => plain.push(other),
            _ => return None,
        }
    }
    while plain.contains("**") {
        plain = plain.replace("**", "*");
    }
    Some(plain)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_and_what_touches_it_lets_strangers_in() {
        for (text, host, below, strangers) in [
            (
                "https://*partner.com/*",
                "partner.com",
                false,
                &["https://evilpartner.com/x", "https://evil-partner.com/x"][..],
            ),
            (
                "api.partner.co*",
                "api.partner.co",
                false,
                &[
                    "https://api.partner.co.evil.test/",
                    "https://api.partner.coevil.test/",
                    "https://api.partner.coevil/",
                    "https://api.partner.co.test/",
                ],
            ),
            ("{*.}?partner.com", "partner.com", true, &[]),
            ("http{s}?://:tenant.partner.com:443/v1", "partner.com", true, &[]),
            ("*://*.a.partner.com/*", "a.partner.com", true, &[]),
            (
                ":any*partner.com",
                "partner.com",
                false,
                &["https://evilpartner.com/", "https://evil-partner.com/"],
            ),
            (":region(eu|us).partner.com", "partner.com", true, &[]),
            ("api-*.partner.com", "partner.com", true, &[]),
            (
                "partner*.com",
                "partner.com",
                false,
                &["https://partnerevil.com/", "https://partner-evil.com/"],
            ),
            (
                "api.partner.*",
                "api.partner",
                false,
                &[
                    "https://api.partner.evil.test/",
                    "https://api.partnerevil.test/",
                    "https://api.partnerevil/",
                    "https://api.partner.test/",
                ],
            ),
        ] {
            let found = HostText::of(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.host.as_str(), found.below), (host, below), "{text}");
            assert_eq!(found.strangers().collect::<Vec<_>>(), strangers, "{text}");
        }
        for text in [
            "https://partner.com/*",
            "text/*",
            "*",
            "https://*/*",
            "/v1/:id",
            ":memory:",
            "a: b.c",
            "partner.com:443",
            "mailto:a*@b.c",
            "index.*",
            "{a}",
        ] {
            assert_eq!(HostText::of(text), None, "{text}");
        }
    }
}
