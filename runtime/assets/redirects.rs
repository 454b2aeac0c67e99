//! `_redirects`: paths that lead elsewhere.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use http::StatusCode;

use super::html::HtmlHandling;
use super::lines::{self, complaint, normal, split_host};
use super::pattern::{Pattern, Subject, is_dynamic};

/// The most rules of each kind.
const MOST_STATIC: usize = 2000;
const MOST_DYNAMIC: usize = 100;

/// Where a path leads.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// 200 where another file is served at the same path.
    pub(super) status: StatusCode,
    pub(super) to: String,
}

/// The rules of a folder.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    /// Those of paths as they are.
    plain: HashMap<String, Target>,
    /// Those with patterns, and what is written below one.
    patterns: Vec<(Pattern, Target)>,
}

impl Redirects {
    pub(super) fn find(&self, subject: &Subject) -> Option<Target> {
        if let Some(target) = self.plain.get(&subject.path) {
            return Some(target.clone());
        }
        self.patterns.iter().find_map(|(pattern, target)| {
            let matched = pattern.matched(subject)?;
            let to = matched.fill(&target.to);
            let to = to.trim();
            Some(Target {
                // `//host` would be another site.
                to: if to.contains("://") {
                    to.to_owned()
                } else {
                    single_slashes(to)
                },
                status: target.status,
            })
        })
    }
}

fn single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !single.ends_with('/') {
            single.push(letter);
        }
    }
    single
}

/// The rules of a folder.
pub(super) fn read(folder: &Path, html: HtmlHandling, wrong: &mut Vec<String>) -> Result<Redirects, String> {
    let file = folder.join("_redirects");
    let mut redirects = Redirects::default();
    let mut seen = HashSet::new();
    for (number, line) in lines::read(folder, &file, wrong)? {
        let parsed = rule(&line, html).and_then(|(from, target)| {
            if !seen.insert(from.clone()) {
                return Err(format!("{from} is there twice"));
            }
            if redirects.patterns.is_empty() && !is_dynamic(&from) {
                if redirects.plain.len() == MOST_STATIC {
                    return Err(format!("there are more than {MOST_STATIC} rules without patterns"));
                }
                redirects.plain.insert(from, target);
                return Ok(());
            }
            if redirects.patterns.len() == MOST_DYNAMIC {
                return Err(format!("there are more than {MOST_DYNAMIC} rules with patterns"));
            }
            redirects.patterns.push((Pattern::new(&from)?, target));
            Ok(())
        });
        if let Err(why) = parsed {
            wrong.push(complaint(&file, number, &why));
        }
    }
    Ok(redirects)
}

fn rule(line: &str, html: HtmlHandling) -> Result<(String, Target), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let comment = words.iter().skip(2).position(|word| word.starts_with('#'));
    let words = comment.map_or(&words[..], |at| &words[..at + 2]);
    let (from, to, status) = match words {
        [from, to] => (*from, *to, "302"),
        [from, to, status] => (*from, *to, *status),
        _ => return Err(format!("expected 2 or 3 words, found {}", words.len())),
    };
    if split_host(from).is_some() {
        return Err("what leads elsewhere is a path, without a host".to_owned());
    }
    let from = normal(from, false).ok_or("the first word is no path")?;
    let is_local = split_host(to).is_none();
    let to = match split_host(to) {
        Some((host, path)) => {
            let path = normal(path, true).ok_or("the second word is no URL")?;
            format!("https://{host}{path}")
        }
        None if to.starts_with('/') => normal(to, true).ok_or("the second word is no path")?,
        None => return Err("the second word is neither a path nor an https: URL".to_owned()),
    };
    let status = match status {
        "200" => StatusCode::OK,
        "301" => StatusCode::MOVED_PERMANENTLY,
        "302" => StatusCode::FOUND,
        "303" => StatusCode::SEE_OTHER,
        "307" => StatusCode::TEMPORARY_REDIRECT,
        "308" => StatusCode::PERMANENT_REDIRECT,
        _ => return Err(format!("{status} is none of 200, 301, 302, 303, 307 and 308")),
    };
    let is_index = to.ends_with("/index") || to.ends_with("/index.html");
    if is_local && is_index && (from.ends_with("/*") || (from.ends_with('/') && html != HtmlHandling::None)) {
        return Err("it would lead to itself, as the index is served at the folder's own path".to_owned());
    }
    if status == StatusCode::OK && !is_local {
        return Err("with the status 200 another path is served, not another host".to_owned());
    }
    Ok((from, Target { status, to }))
}
