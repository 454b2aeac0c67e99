//! Patterns of hosts: `api.example.com`, `*.example.com` (one label), `**.example.com` (one or more), `*` and `**` (all),
//! each with `:port` or without, which means any port.

use std::str::FromStr;

use deno_core::url::{Host, Url};

/// A pattern of hosts, normalised as URLs are: lower case, Punycode, no trailing dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    labels: Vec<Label>,
    port: Option<u16>,
    /// Written as `*` alone.
    star: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Label {
    Text(String),
    One,
    Many,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no host pattern: write a host like \"api.example.com\", with \"*\" for one label or \"**\" for several"
)]
pub struct HostPatternError(String);

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels = self.labels.iter().map(|label| match label {
            Label::Text(text) => text,
            Label::Many if !self.star => "**",
            Label::One | Label::Many => "*",
        });
        f.write_str(&labels.collect::<Vec<_>>().join("."))?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || HostPatternError(text.to_owned());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => (host, Some(port.parse().map_err(|_| wrong())?)),
            _ => (text, None),
        };
        if host == "*" {
            return Ok(Self {
                labels: vec![Label::Many],
                port,
                star: true,
            });
        }
        if !host.contains('*') {
            // Literal hosts, addresses among them, are read as URLs read them.
            let url = Url::parse(&format!("https://{host}/")).map_err(|_| wrong())?;
            if url.path() != "/" || url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
                return Err(wrong());
            }
            return Ok(Self {
                labels: labels(url.host_str().ok_or_else(wrong)?)
                    .map(|label| Label::Text(label.to_owned()))
                    .collect(),
                port,
                star: false,
            });
        }
        let labels = labels(host)
            .map(|label| match label {
                "*" => Ok(Label::One),
                "**" => Ok(Label::Many),
                text if text.contains('*') => Err(wrong()),
                text => match Host::parse(text) {
                    Ok(Host::Domain(name)) => Ok(Label::Text(name)),
                    // `1` alone is an address to the parser, and a label to us.
                    Ok(_) if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                        Ok(Label::Text(text.to_ascii_lowercase()))
                    }
                    _ => Err(wrong()),
                },
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            labels,
            port,
            star: false,
        })
    }
}

fn labels(host: &str) -> impl Iterator<Item = &str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    // The dots of an address separate no names.
    let whole = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    host.split(move |character| character == '.' && !whole)
}

impl HostPattern {
    /// Whether a URL's host and port fit.
    pub fn matches_url(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        self.port.is_none_or(|wanted| Some(wanted) == port) && url.host_str().is_some_and(|host| self.matches(host))
    }

    /// Whether a normalised host fits.
    fn matches(&self, host: &str) -> bool {
        let labels: Vec<&str> = labels(host).collect();
        fits(&self.labels, &labels)
    }

    /// Whether it was written `*`.
    pub fn is_star(&self) -> bool {
        self.labels == [Label::Many] && self.port.is_none() && self.star
    }

    /// A host that fits.
    pub fn sample(&self) -> Option<String> {
        let labels = self.labels.iter().map(|label| match label {
            Label::Text(text) => text.as_str(),
            Label::One => "a",
            Label::Many => "a.b",
        });
        let host = labels.collect::<Vec<_>>().join(".");
        (!host.is_empty()).then_some(host)
    }

    /// Whether it fits every host.
    pub fn is_everything(&self) -> bool {
        self.labels.iter().all(|label| *label == Label::Many)
    }
}

fn fits(pattern: &[Label], labels: &[&str]) -> bool {
    match (pattern.split_first(), labels.split_first()) {
        (None, None) => true,
        (Some((Label::Text(wanted), rest)), Some((label, others))) => wanted == label && fits(rest, others),
        (Some((Label::One, rest)), Some((label, others))) => !label.is_empty() && fits(rest, others),
        (Some((Label::Many, rest)), Some(_)) => (1..=labels.len()).any(|taken| fits(rest, &labels[taken..])),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, url: &str) -> bool {
        let pattern: HostPattern = pattern.parse().unwrap();
        pattern.matches_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn hosts_are_compared_as_urls_write_them() {
        for (pattern, url) in [
            ("api.example.com", "https://API.example.com./"),
            ("API.example.com.", "https://api.example.com/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
            ("*.bücher.example", "https://a.xn--bcher-kva.example/"),
            ("*.example.com", "https://a.example.com/"),
            ("**.example.com", "https://a.b.example.com/"),
            ("a.*.c", "https://a.b.c/"),
            ("*", "https://a.b.c:81/"),
            ("**", "https://127.0.0.1/"),
            ("127.0.0.1", "http://2130706433/"),
            ("[::1]", "http://[0:0::1]/"),
            ("a.example:8443", "https://a.example:8443/"),
            ("a.example:443", "https://a.example/"),
            ("a.example", "https://a.example:8443/"),
        ] {
            assert!(fits(pattern, url), "{pattern} {url}");
        }
    }

    #[test]
    fn look_alikes_do_not_fit() {
        for (pattern, url) in [
            ("api.example.com", "https://api.example.com.evil.test/"),
            ("api.example.com", "https://xapi.example.com/"),
            ("*.example.com", "https://example.com/"),
            ("*.example.com", "https://a.b.example.com/"),
            ("**.example.com", "https://example.com/"),
            ("**.example.com", "https://a.example.com.evil.test/"),
            ("*.example.com", "https://evilexample.com/"),
            ("a.example:8443", "https://a.example/"),
            ("*.0.0.1", "http://127.0.0.1/"),
        ] {
            assert!(!fits(pattern, url), "{pattern} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "https://a.example",
            "a.example/x",
            "a b",
            "u@a.example",
            "a*.example",
            "a.example:x",
            "a..*",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
