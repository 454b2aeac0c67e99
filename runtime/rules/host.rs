//! Patterns of hosts: `api.example.com`, `*.example.com` (one label), `**.example.com` (one or more), `*` and `**` (all),
//! each with `:port` or without, which means any port.

use std::fmt;
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

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.star {
            f.write_str("*")?;
        } else {
            for (place, label) in self.labels.iter().enumerate() {
                let dot = if place == 0 { "" } else { "." };
                match label {
                    Label::Text(text) => write!(f, "{dot}{text}")?,
                    Label::One => write!(f, "{dot}*")?,
                    Label::Many => write!(f, "{dot}**")?,
                }
            }
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || HostPatternError(text.to_owned());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => (host, Some(port_of(port).ok_or_else(wrong)?)),
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
            let is_more =
                url.path() != "/" || url.port().is_some() || url.query().is_some() || url.fragment().is_some();
            if is_more || !url.username().is_empty() || url.password().is_some() {
                return Err(wrong());
            }
            return Ok(Self {
                labels: labels(url.host_str().ok_or_else(wrong)?)
                    // What reads as a wildcard, a list or a negation, and is none.
                    .map(|label| {
                        if !label.starts_with('[') && !is_label(label) {
                            return Err(wrong());
                        }
                        Ok(Label::Text(label.to_owned()))
                    })
                    .collect::<Result<_, _>>()?,
                port,
                star: false,
            });
        }
        // A name that was to stand behind the wildcard is missing: it would fit every host.
        if host.trim_end_matches('.').len() < host.len() && host.trim_matches(['*', '.']).is_empty() {
            return Err(wrong());
        }
        let labels = labels(host)
            .map(|label| match label {
                "*" => Ok(Label::One),
                "**" => Ok(Label::Many),
                text if text.contains('*') => Err(wrong()),
                text => match Host::parse(text) {
                    Ok(Host::Domain(name)) if is_label(&name) => Ok(Label::Text(name)),
                    // `1` alone is an address to the parser, and a label to us.
                    Ok(_) if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                        Ok(Label::Text(text.to_ascii_lowercase()))
                    }
                    _ => Err(wrong()),
                },
            })
            .collect::<Result<Vec<_>, _>>()?;
        // A URL whose host ends so has an address, of no other labels.
        if matches!(labels.last(), Some(Label::Text(text)) if text.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(wrong());
        }
        Ok(Self {
            labels,
            port,
            star: false,
        })
    }
}

/// Whether a part of a name, or a whole IPv4 address, is of letters, digits, hyphens and what else names of services have.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A port in digits alone, and not the one that stands for any.
fn port_of(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
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

    /// The domain that it fits everything below of, where that is one under which anybody registers a name: `com`, `co.uk`
    /// (publicsuffix.org, the part of the registries).
    pub fn registry(&self) -> Option<String> {
        let wild = self.labels.iter().take_while(|label| !matches!(label, Label::Text(_)));
        let (wild, rest) = self.labels.split_at(wild.count());
        let names = rest.iter().map(|label| match label {
            Label::Text(text) => Some(text.as_str()),
            Label::One | Label::Many => None,
        });
        let name = names.collect::<Option<Vec<_>>>()?.join(".");
        let suffix = psl::suffix(name.as_bytes())?;
        let is_one = !wild.is_empty() && suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes() == name.as_bytes();
        is_one.then_some(name)
    }

    /// Whether it fits every host.
    pub fn is_everything(&self) -> bool {
        self.labels.iter().all(|label| *label == Label::Many)
    }
}

/// What a more specific pattern has more of, in this order: no `**`, labels that are written, labels, and a port.
type Specificity = (bool, usize, usize, bool);

impl HostPattern {
    /// The only host that fits, where there is only one.
    pub(crate) fn literal(&self) -> Option<String> {
        let labels = self.labels.iter().map(|label| match label {
            Label::Text(text) => Some(text.as_str()),
            Label::One | Label::Many => None,
        });
        labels.collect::<Option<Vec<_>>>().map(|labels| labels.join("."))
    }

    /// Orders patterns that fit the same host. One that another covers is greater than that.
    pub(crate) fn specificity(&self) -> Specificity {
        let count = |kind: fn(&Label) -> bool| self.labels.iter().filter(|label| kind(label)).count();
        (
            count(|label| *label == Label::Many) == 0,
            count(|label| matches!(label, Label::Text(_))),
            self.labels.len(),
            self.port.is_some(),
        )
    }

    /// Whether it fits every host that the other fits.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let takes = |ours: &Label, theirs: &Label| match (ours, theirs) {
            (Label::Text(ours), Label::Text(theirs)) => ours == theirs,
            (Label::Text(_), _) | (Label::One, Label::Many) => false,
            (Label::One | Label::Many, _) => true,
        };
        let [ours, theirs] = [&self.labels, &other.labels].map(|labels| ordered(labels));
        (self.port.is_none() || self.port == other.port) && walk(&ours, &theirs, takes, false)
    }

    /// Whether a host fits both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let alike = |ours: &Label, theirs: &Label| match (ours, theirs) {
            (Label::Text(ours), Label::Text(theirs)) => ours == theirs,
            _ => true,
        };
        let ports = self.port.is_none() || other.port.is_none() || self.port == other.port;
        ports && walk(&self.labels, &other.labels, alike, true)
    }
}

/// The same pattern with the `**` of neighbouring wildcards last and alone, so that it is written in one way only.
fn ordered(labels: &[Label]) -> Vec<Label> {
    let mut ordered = labels.to_vec();
    for index in 1..ordered.len() {
        if ordered[index - 1] == Label::Many && matches!(ordered[index], Label::One | Label::Many) {
            ordered[index - 1] = Label::One;
            ordered[index] = Label::Many;
        }
    }
    ordered
}

/// Whether two patterns can be walked through label by label to both ends. `**` of the first may take further labels of the second,
/// and with `both` the other way round too.
fn walk(ours: &[Label], theirs: &[Label], alike: impl Fn(&Label, &Label) -> bool, both: bool) -> bool {
    let width = theirs.len() + 1;
    // Whether what is left of either, from these places on, can be.
    let mut can = vec![false; (ours.len() + 1) * width];
    if let Some(end) = can.last_mut() {
        *end = true;
    }
    for (row, own) in ours.iter().enumerate().rev() {
        for (column, other) in theirs.iter().enumerate().rev() {
            let at = |row: usize, column: usize| can[row * width + column];
            can[row * width + column] = alike(own, other)
                && (at(row + 1, column + 1)
                    || (*own == Label::Many && at(row, column + 1))
                    || (both && *other == Label::Many && at(row + 1, column)));
        }
    }
    can.first().copied().unwrap_or_default()
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
        ] {
            assert!(!fits(pattern, url), "{pattern} {url}");
        }
        // An address has no names above it.
        assert!("*.0.0.1".parse::<HostPattern>().is_err());
    }

    #[test]
    fn patterns_are_compared_with_each_other() {
        // Whether the first covers the second, the other way round, and whether a host fits both.
        for (one, other, expected) in [
            ("a.example", "a.example", (true, true, true)),
            ("a.example", "b.example", (false, false, false)),
            ("*.example", "a.example", (true, false, true)),
            ("*.example", "a.b.example", (false, false, false)),
            ("**.example", "*.example", (true, false, true)),
            ("**.example", "**.a.example", (true, false, true)),
            ("*", "127.0.0.1", (true, false, true)),
            ("**", "*", (true, true, true)),
            ("*.**.example", "**.*.example", (true, true, true)),
            ("**.**.example", "**.*.example", (true, true, true)),
            ("*.a.example", "b.*.example", (false, false, true)),
            ("**.example", "a.**", (false, false, true)),
            ("**.a", "**.b", (false, false, false)),
            ("a.example", "a.example:80", (true, false, true)),
            ("a.example:81", "a.example:80", (false, false, false)),
            ("a.example", "*.example:80", (false, false, true)),
        ] {
            let [first, second]: [HostPattern; 2] = [one, other].map(|text| text.parse().unwrap());
            let found = (first.covers(&second), second.covers(&first), first.overlaps(&second));
            assert_eq!(found, expected, "{one} {other}");
            assert_eq!(second.overlaps(&first), found.2, "{one} {other}");
            if found.0 && !found.1 {
                assert!(second.specificity() > first.specificity(), "{one} {other}");
            }
        }
        let many = ["**"; 60].join(".");
        let many: HostPattern = many.parse().unwrap();
        assert!(many.overlaps(&many) && many.covers(&many));
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
            // A name that was to be filled in is missing.
            "*.",
            "**.",
            "**.*.",
            "*.:443",
            ".",
            "..",
            ".a.example",
            "a..example",
            "a.example..",
            // What only reads as a list or a wildcard.
            "a.example,b.example",
            "%2a.example",
            "＊.example",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
