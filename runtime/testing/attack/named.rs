//! What a project names: hosts, paths and methods of its configuration, rules and credentials, and those in the policy's text.

use std::collections::BTreeSet;

use deno_core::url::Url;
use regex::Regex;
use serde_json::Value;

use super::shape::{self, NamedHost};
use crate::rules::{HostPattern, Scope};
use crate::serve::Loaded;
use crate::testing::source::{Kind, Place, PolicyText};

/// How many strings of each kind are tried.
const MOST: usize = 24;

/// All that is named.
pub(super) struct Named {
    /// Of credentials, certificates and rules. Everywhere is nowhere in particular.
    patterns: Vec<HostPattern>,
    /// In the policy's text and its data.
    literals: Vec<(NamedHost, Option<Place>)>,
    /// Elsewhere in the configuration, as token servers are.
    configured: Vec<NamedHost>,
    /// Where a policy that is meant to be open may go.
    allowed: Vec<HostPattern>,
    samples: Vec<String>,
    /// Paths, each with its place in the policy where that is known.
    pub(super) paths: Vec<(String, Option<Place>)>,
    /// Methods as they are written.
    pub(super) methods: Vec<(String, Option<Place>)>,
    /// Words that may be parts of hosts and paths.
    pub(super) fragments: Vec<String>,
    /// Names of headers, parameters and fields.
    pub(super) names: Vec<String>,
    /// Strings that may be values of those.
    pub(super) values: Vec<String>,
    /// What the policy's text says.
    pub(super) text: PolicyText,
}

impl Named {
    pub(super) fn of(loaded: &Loaded, allowed: Vec<HostPattern>) -> Self {
        let network = loaded.project.network();
        let text = loaded.project.policy_graph().map(PolicyText::of).unwrap_or_default();
        let mut scopes: Vec<&Scope> = Vec::new();
        let credentials = network
            .bindings
            .iter()
            .filter_map(|binding| binding.credential.as_deref());
        scopes.extend(credentials.map(|credential| &credential.scope));
        scopes.extend(
            network
                .egress
                .iter()
                .flat_map(|rules| &rules.rules)
                .map(|rule| &rule.scope),
        );
        scopes.extend(
            loaded
                .project
                .agents_rules()
                .flat_map(|rules| &rules.rules)
                .map(|rule| &rule.scope),
        );
        let mut named = Self {
            patterns: scopes.iter().flat_map(|scope| scope.hosts.iter().cloned()).collect(),
            literals: Vec::new(),
            configured: configured(loaded),
            allowed,
            samples: Vec::new(),
            paths: Vec::new(),
            methods: Vec::new(),
            fragments: Vec::new(),
            names: Vec::new(),
            values: Vec::new(),
            text,
        };
        named.patterns.retain(|pattern| !pattern.is_everything());
        for scope in scopes {
            let paths = scope
                .paths
                .iter()
                .flat_map(|path| shape::paths(Kind::Text, path.text()));
            named.paths.extend(paths.map(|path| (path, None)));
            named
                .methods
                .extend(scope.methods.iter().map(|method| (method.to_string(), None)));
        }
        let mentions = std::mem::take(&mut named.text.mentions);
        for mention in &mentions {
            named.add(mention.kind, &mention.text, Some(&mention.place));
        }
        named.text.mentions = mentions;
        for text in data(loaded) {
            named.add(Kind::Text, &text, None);
        }
        named.settle();
        named
    }

    fn add(&mut self, kind: Kind, text: &str, place: Option<&Place>) {
        let hosts = shape::hosts(kind, text);
        self.paths
            .extend(shape::paths(kind, text).into_iter().map(|path| (path, place.cloned())));
        self.methods
            .extend(shape::method(kind, text).map(|method| (method.to_owned(), place.cloned())));
        match kind {
            Kind::Name => self.names.push(text.to_owned()),
            Kind::Text if text.len() <= 60 => {
                self.values.push(text.to_owned());
                let word = text.trim_matches('/');
                if hosts.is_empty() && shape::is_fragment(word) {
                    self.fragments.push(word.to_owned());
                }
            }
            Kind::Text => {}
            Kind::Regex => {
                let words = shape::plain(text);
                let words =
                    words.split(|character: char| !(character.is_ascii_alphanumeric() || "._-".contains(character)));
                self.fragments
                    .extend(words.filter(|word| shape::is_fragment(word)).map(ToOwned::to_owned));
            }
        }
        self.literals
            .extend(hosts.into_iter().map(|host| (host, place.cloned())));
    }

    fn settle(&mut self) {
        let mut samples: BTreeSet<String> = self.patterns.iter().filter_map(HostPattern::sample).collect();
        samples.extend(self.literals.iter().map(|(named, _)| {
            if named.below {
                format!("a.{}", named.host)
            } else {
                named.host.clone()
            }
        }));
        if samples.is_empty() {
            samples.insert("partner.example".to_owned());
        }
        self.samples = samples.into_iter().take(MOST).collect();
        let mut seen = BTreeSet::new();
        self.paths.retain(|(path, _)| seen.insert(path.clone()));
        self.paths.truncate(2 * MOST);
        seen.clear();
        self.methods.retain(|(method, _)| seen.insert(method.clone()));
        // Names with a hyphen are of headers; there may be many of fields.
        self.names.sort_by_key(|name| !name.contains('-'));
        for words in [&mut self.fragments, &mut self.names, &mut self.values] {
            let mut seen = BTreeSet::new();
            words.retain(|word| seen.insert(word.clone()));
            words.truncate(2 * MOST);
        }
    }

    /// One host of each kind.
    pub(super) fn samples(&self) -> impl Iterator<Item = &str> {
        self.samples.iter().map(String::as_str)
    }

    /// Whether no host is named.
    pub(super) fn is_nameless(&self) -> bool {
        self.patterns.is_empty() && self.literals.is_empty()
    }

    /// Whether the project means to send secrets there.
    pub(super) fn trusts(&self, url: &Url) -> bool {
        let host = host(url);
        self.patterns.iter().any(|pattern| pattern.matches_url(url))
            || self.literals.iter().any(|(named, _)| {
                if named.below {
                    is_below(host, &named.host)
                } else {
                    host == named.host
                }
            })
    }

    /// Whether the configuration names a host for what credentials need, such as a token server.
    pub(super) fn configures(&self, url: &Url) -> bool {
        self.configured.iter().any(|named| host(url) == named.host)
    }

    /// Whether the project names it at all: the host, or one that it lies below, and so has the same owner.
    pub(super) fn names(&self, url: &Url) -> bool {
        let host = host(url);
        let within = |named: &NamedHost| host == named.host || is_below(host, &named.host);
        self.trusts(url)
            || self.allowed.iter().any(|pattern| pattern.matches_url(url))
            || self
                .literals
                .iter()
                .map(|(named, _)| named)
                .chain(&self.configured)
                .any(within)
    }

    /// Where the policy names a host.
    pub(super) fn place(&self, sample: &str) -> Option<&Place> {
        let named = self.literals.iter().find(|(named, _)| sample.ends_with(&named.host));
        named?.1.as_ref()
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_end_matches('.')
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

/// The strings of what the policy is given: `env`, `ctx.props` and parameters.
fn data(loaded: &Loaded) -> Vec<String> {
    let mut texts = Vec::new();
    let secret = |text: &str| loaded.secrets.iter().any(|(_, value)| value == text);
    for value in loaded.project.policy_data() {
        strings(value, &mut texts);
    }
    texts.retain(|text| !secret(text));
    texts
}

fn strings(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            texts.push(text.clone());
            // Lists are often written as one text.
            texts.extend(
                text.split([',', ' ', ';'])
                    .filter(|part| *part != text)
                    .map(|part| part.trim().to_owned()),
            );
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, texts)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            texts.push(key.clone());
            strings(value, texts);
        }),
        _ => {}
    }
}

/// The hosts in quotes in the configuration's files.
fn configured(loaded: &Loaded) -> Vec<NamedHost> {
    let Ok(quoted) = Regex::new(r#""([^"\\\n]*)"|'([^'\n]*)'"#) else {
        return Vec::new();
    };
    // What agents import is none, whatever it says.
    let is_configuration = |path: &&std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.extension().is_some_and(|extension| extension == "toml") || name.starts_with("wrangler.")
    };
    let texts = loaded
        .files
        .iter()
        .filter(is_configuration)
        .filter_map(|path| std::fs::read_to_string(path).ok());
    let mut hosts = Vec::new();
    for text in texts {
        for found in quoted.captures_iter(&text) {
            let text = found.get(1).or(found.get(2)).map_or("", |text| text.as_str());
            hosts.extend(shape::hosts(Kind::Text, text));
        }
    }
    hosts
}
