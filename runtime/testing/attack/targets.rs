//! The hosts that a project trusts: those of its configuration, and host names in the policy's text.

use regex::Regex;

use deno_core::url::Url;

use crate::isolate::modules::Graph;
use crate::rules::HostPattern;
use crate::serve::Loaded;

/// Trusted hosts.
pub(super) struct Targets {
    patterns: Vec<HostPattern>,
    literals: Vec<Literal>,
    samples: Vec<String>,
}

/// A host name in the policy's text. With a dot in front it stands for all names below.
struct Literal {
    host: String,
    below: bool,
    place: String,
}

impl Literal {
    fn sample(&self) -> String {
        if self.below {
            format!("a.{}", self.host)
        } else {
            self.host.clone()
        }
    }

    fn means(&self, host: &str) -> bool {
        if self.below {
            host.strip_suffix(&self.host).is_some_and(|rest| rest.ends_with('.'))
        } else {
            host == self.host
        }
    }
}

impl Targets {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let network = loaded.project.network();
        let mut patterns: Vec<HostPattern> = Vec::new();
        for binding in &network.bindings {
            patterns.extend(
                binding
                    .credential
                    .iter()
                    .flat_map(|credential| credential.scope.hosts.clone()),
            );
        }
        for rule in network.egress.iter().flat_map(|rules| &rules.rules) {
            patterns.extend(rule.scope.hosts.clone());
        }
        // Everywhere is nowhere in particular.
        patterns.retain(|pattern| !pattern.is_everything());
        let literals = loaded.project.policy_graph().map(literals).unwrap_or_default();
        let mut samples: Vec<String> = patterns.iter().filter_map(HostPattern::sample).collect();
        samples.extend(literals.iter().map(Literal::sample));
        samples.sort();
        samples.dedup();
        if samples.is_empty() {
            samples.push("partner.example".to_owned());
        }
        Self {
            patterns,
            literals,
            samples,
        }
    }

    /// One host of each kind.
    pub(super) fn samples(&self) -> impl Iterator<Item = &str> {
        self.samples.iter().map(String::as_str)
    }

    /// Whether the project means to send secrets there.
    pub(super) fn trusts(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        self.patterns.iter().any(|pattern| pattern.matches_url(url))
            || self.literals.iter().any(|literal| literal.means(host))
    }

    /// Where the policy names a host.
    pub(super) fn place(&self, sample: &str) -> Option<&str> {
        let literal = self.literals.iter().find(|literal| sample.ends_with(&literal.host))?;
        Some(&literal.place)
    }
}

fn literals(policy: &Graph) -> Vec<Literal> {
    let Ok(names) = Regex::new(r#"["'`/@](\.?)((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*)(?::\d+)?["'`/]"#) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for module in policy.modules().filter(|module| !module.name.contains("node_modules/")) {
        for (row, line) in module.text().lines().enumerate() {
            let code = line
                .split("//")
                .next()
                .filter(|code| !code.contains("http"))
                .unwrap_or(line);
            let is_import = line.trim_start().starts_with("import ") || line.contains(" from ");
            for name in names.captures_iter(code).filter(|_| !is_import) {
                found.push(Literal {
                    below: !name[1].is_empty(),
                    host: name[2].to_owned(),
                    place: format!("{}:{}: {}", module.name, row + 1, line.trim()),
                });
            }
        }
    }
    found
}
