//! What a project names: hosts, paths and methods of its configuration, rules and credentials, and those in the policy's text.

use std::collections::BTreeSet;

use deno_core::url::Url;
use serde_json::Value;

use super::shape::{self, NamedHost};
use super::wildcards::HostText;
use crate::config;
use crate::rules::{HostPattern, Scope};
use crate::serve::Loaded;
use crate::testing::source::{Kind, Place, PolicyText, Template};

/// How many strings of each kind are tried.
const MOST: usize = 24;

/// How many hosts are.
const HOSTS: usize = 64;

/// At how many of them spellings of paths and methods are tried.
pub(super) const SPELT: usize = 24;

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
    /// Hosts with wildcards in the policy's text and its data.
    pub(super) wildcards: Vec<HostText>,
    /// What the policy's text says.
    pub(super) text: PolicyText,
    /// What is named and not tried, as sentences.
    pub(super) left_out: Vec<String>,
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
            wildcards: Vec::new(),
            text,
            left_out: Vec::new(),
        };
        // Below a registry's domain is nowhere in particular either.
        named
            .patterns
            .retain(|pattern| !pattern.is_everything() && pattern.registry().is_none());
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
        let mut hosts = shape::hosts(kind, text);
        if kind == Kind::Text && hosts.is_empty() {
            // A list that is written as one text.
            hosts.extend(
                text.split([',', ' ', ';', '|'])
                    .flat_map(|part| shape::hosts(kind, part)),
            );
        }
        if let Some(pattern) = (kind == Kind::Text).then(|| HostText::of(text)).flatten() {
            if hosts.is_empty() {
                hosts.push(NamedHost {
                    host: pattern.host.clone(),
                    below: pattern.below,
                });
            }
            if !self.wildcards.contains(&pattern) {
                self.wildcards.push(pattern);
            }
        }
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
        let sample = |named: &NamedHost| {
            if named.below {
                format!("a.{}", named.host)
            } else {
                named.host.clone()
            }
        };
        let said = self.literals.iter().filter(|(_, place)| place.is_some());
        let said: BTreeSet<String> = said.map(|(named, _)| sample(named)).collect();
        let mut others: BTreeSet<String> = self.patterns.iter().filter_map(HostPattern::sample).collect();
        others.extend(self.literals.iter().map(|(named, _)| sample(named)));
        if others.is_empty() {
            others.insert("partner.example".to_owned());
        }
        // Where there are many, those that the policy's text speaks of are no others' equals.
        let few = said.len().max(others.len()) <= SPELT;
        self.samples = if few {
            others.into_iter().collect()
        } else {
            let rest = others.into_iter().filter(|host| !said.contains(host));
            said.iter().cloned().chain(rest).collect()
        };
        if self.samples.len() > HOSTS {
            let left = self.samples.split_off(HOSTS);
            self.left_out
                .push(format!("{} hosts were not asked: {}", left.len(), left.join(", ")));
        }
        if self.samples.len() > SPELT {
            let left = &self.samples[SPELT..];
            self.left_out.push(format!(
                "spellings of paths and methods were tried at {SPELT} hosts, and not at {}",
                left.join(", ")
            ));
        }
        let mut seen = BTreeSet::new();
        self.paths.retain(|(path, _)| seen.insert(path.clone()));
        let mut many = vec![("paths", self.paths.len())];
        self.paths.truncate(2 * MOST);
        many.push(("hosts with wildcards", self.wildcards.len()));
        self.wildcards.truncate(2 * MOST);
        seen.clear();
        self.methods.retain(|(method, _)| seen.insert(method.clone()));
        // Names with a hyphen are of headers; there may be many of fields.
        self.names.sort_by_key(|name| !name.contains('-'));
        for (what, words) in [
            ("words", &mut self.fragments),
            ("names of headers and fields", &mut self.names),
            ("values", &mut self.values),
        ] {
            let mut seen = BTreeSet::new();
            words.retain(|word| seen.insert(word.clone()));
            many.push((what, words.len()));
            words.truncate(2 * MOST);
        }
        for (what, count) in many.into_iter().filter(|(_, count)| *count > 2 * MOST) {
            let most = 2 * MOST;
            self.left_out
                .push(format!("of {count} {what} that the project names {most} were tried"));
        }
    }

    /// Paths that hold what differs for each agent, as each of these words makes them.
    pub(super) fn fill(&mut self, words: &[&str]) {
        for template in &self.text.templates {
            for path in words.iter().filter_map(|word| filled(template, word)) {
                if !self.paths.iter().any(|(known, _)| *known == path) && self.paths.len() < 4 * MOST {
                    self.paths.push((path, Some(template.place.clone())));
                }
            }
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

/// The path of a template with a word in it, where that is a part of one.
pub(super) fn filled(template: &Template, word: &str) -> Option<String> {
    let paths = shape::paths(Kind::Text, &template.filled(word));
    paths.into_iter().next().filter(|path| path.contains(word))
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

/// The hosts in the values of the configuration's files. What is in comments, or said of the attacks themselves, names none.
fn configured(loaded: &Loaded) -> Vec<NamedHost> {
    // What agents import is none, whatever it says.
    let is_configuration = |path: &&std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.extension().is_some_and(|extension| extension == "toml") || name.starts_with("wrangler.")
    };
    let files = loaded.files.iter().filter(is_configuration);
    let mut hosts = Vec::new();
    for mut value in files.filter_map(|path| config::read_values(path)) {
        if let Some(fields) = value.as_object_mut() {
            fields.remove("attack");
        }
        let mut texts = Vec::new();
        strings(&value, &mut texts);
        hosts.extend(texts.iter().flat_map(|text| shape::hosts(Kind::Text, text)));
    }
    hosts
}
