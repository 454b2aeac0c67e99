//! `_headers`: headers of responses by their paths.

use std::path::Path;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::lines::{self, complaint, normal, split_host};
use super::pattern::{Pattern, Subject};

/// The most rules.
const MOST: usize = 100;

/// Headers that are the protocol's.
const FRAMING: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];

/// What a pattern's responses have more, and less.
#[derive(Debug)]
pub(super) struct HeaderRule {
    pattern: Pattern,
    set: Vec<(HeaderName, String)>,
    unset: Vec<HeaderName>,
}

/// The rules of a folder.
pub(super) fn read(folder: &Path, wrong: &mut Vec<String>) -> Result<Vec<HeaderRule>, String> {
    let file = folder.join("_headers");
    let mut rules: Vec<HeaderRule> = Vec::new();
    // Whether the lines that follow belong to a rule.
    let mut begun = false;
    for (number, line) in lines::read(folder, &file, wrong)? {
        let mut ignore = |why: &str| wrong.push(complaint(&file, number, why));
        if line.starts_with('/') || split_host(&line).is_some() {
            if rules.len() == MOST {
                ignore(&format!("there are more than {MOST} rules"));
                break;
            }
            let pattern = pattern(&line);
            begun = pattern.is_ok();
            match pattern {
                Ok(pattern) => rules.push(HeaderRule {
                    pattern,
                    set: Vec::new(),
                    unset: Vec::new(),
                }),
                Err(why) => ignore(&why),
            }
            continue;
        }
        let Some(rule) = rules.last_mut().filter(|_| begun) else {
            ignore("expected a path that begins with a slash before headers");
            continue;
        };
        let named = |name: &str| match HeaderName::try_from(name.trim()) {
            Ok(name) if FRAMING.contains(&name) => Err("the header is the protocol's".to_owned()),
            Ok(name) => Ok(name),
            Err(_) => Err(format!("{:?} is no name of a header", name.trim())),
        };
        let done = match (line.strip_prefix("! "), line.split_once(':')) {
            (Some(name), None) => named(name).map(|name| rule.unset.push(name)),
            (_, Some((_, value))) if value.trim().is_empty() => Err("the header has no value".to_owned()),
            (_, Some((name, value))) => named(name).map(|name| rule.add(name, value.trim())),
            _ => Err("expected a header, as in \"Name: value\"".to_owned()),
        };
        if let Err(why) = done {
            ignore(&why);
        }
    }
    Ok(rules)
}

fn pattern(line: &str) -> Result<Pattern, String> {
    let Some((host, path)) = split_host(line) else {
        return Pattern::new(&normal(line, false).ok_or("it is no path")?);
    };
    if host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err("a URL here has no port".to_owned());
    }
    let path = normal(path, false).ok_or("it is no path")?;
    Pattern::new(&format!("https://{host}{path}"))
}

impl HeaderRule {
    /// Several values of one header in one rule are one.
    fn add(&mut self, name: HeaderName, value: &str) {
        match self.set.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.push_str(", ");
                known.push_str(value);
            }
            None => self.set.push((name, value.to_owned())),
        }
    }
}

/// Adds what the rules say of a request's path. What several rules say of one header is joined.
pub(super) fn apply(rules: &[HeaderRule], subject: &Subject, headers: &mut HeaderMap) {
    let mut own: Vec<&HeaderName> = Vec::new();
    for rule in rules {
        let Some(matched) = rule.pattern.matched(subject) else {
            continue;
        };
        for name in &rule.unset {
            headers.remove(name);
        }
        for (name, value) in &rule.set {
            let Ok(value) = HeaderValue::try_from(matched.fill(value)) else {
                continue;
            };
            if own.contains(&name) {
                headers.append(name, value);
            } else {
                headers.insert(name, value);
                own.push(name);
            }
        }
    }
}
