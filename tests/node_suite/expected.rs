//! The list of failures that are known, each with its reason. It holds both ways: what is on it and passes is told as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Outcome, source};

pub struct Expected {
    reasons: BTreeMap<String, String>,
}

/// `(what a failure says, the reason that it gives)`: kinds that many files have.
const KINDS: &[(&str, &str)] = &[
    (
        "Code generation from strings",
        "makes code from strings, which workers may not",
    ),
    (
        "SharedArrayBuffer is not defined",
        "wants SharedArrayBuffer, which workers have not",
    ),
    (
        "can not be required",
        "requires by a name that it computes, or what only Node's tests have",
    ),
    (
        "Cannot find module",
        "requires by a name that it computes, or what only Node's tests have",
    ),
    (
        "async-hooks",
        "wants createHook() to tell of what happens: it tells nothing, as on Workers",
    ),
    ("promise-hook", "wants V8's promise hooks, which are the host's"),
    (
        "console",
        "looks for the console's text in process.stdout: it goes to the worker's log",
    ),
    (
        "ENOENT: no such file",
        "reads a file that no module imports: the worker has no others",
    ),
];

/// The member of Node's modules that a failure says is not there.
fn unavailable(text: &str) -> Option<&str> {
    let (before, _) = text.split_once(" is not implemented in workerd-lite")?;
    before.rsplit(' ').next().filter(|name| !name.is_empty())
}

/// Reasons that were written by a kind, of this version or one before: what the failure says now takes their place.
fn is_of_a_kind(reason: &str) -> bool {
    const FORMER: &[&str] = &[
        "listens, which workers may not",
        "wants files that are not there",
        "wants a machine",
    ];
    reason.starts_with("differs: ")
        || reason.starts_with("uses ")
        || FORMER.contains(&reason)
        || KINDS.iter().any(|(_, of)| *of == reason)
}

/// What is written of a failure until somebody says it better.
fn reason(file: &str, why: &str) -> String {
    let said = why.lines().map(str::trim).filter(|line| !line.is_empty());
    let first: Vec<&str> = said.take(6).collect();
    let text = format!("{file} {}", first.join(" "));
    match unavailable(&text) {
        Some(name) if name.starts_with("vm.") => {
            return "makes code in a context of its own (node:vm), which workers may not".to_owned();
        }
        Some(name) => return format!("uses {name}, which wants a machine"),
        None => {}
    }
    for (says, reason) in KINDS {
        if text.contains(says) {
            return (*reason).to_owned();
        }
    }
    let short: String = first.join(" ").chars().take(150).collect();
    format!("differs: {short}")
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/node/expected.txt")
}

impl Expected {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(path()).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let reasons = lines.map(|line| {
            let (file, reason) = line
                .split_once(": ")
                .unwrap_or_else(|| panic!("expected.txt: no reason in {line:?}"));
            (file.to_owned(), reason.to_owned())
        });
        Self {
            reasons: reasons.collect(),
        }
    }

    pub fn has(&self, file: &str) -> bool {
        self.reasons.contains_key(file)
    }

    /// What is not as the list says. `all`: whether a file that did not run is on it for nothing.
    pub fn compare(&self, outcomes: &[(String, Outcome)], all: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (file, outcome) in outcomes {
            match (outcome, self.reasons.get(file)) {
                (Outcome::Fail(why), None) => wrong.push(format!("{file} fails: {why}\n")),
                (Outcome::Pass, Some(_)) => {
                    wrong.push(format!("{file} passes: take it off fixtures/node/expected.txt"));
                }
                (Outcome::Skip(why), Some(_)) => wrong.push(format!(
                    "{file} is skipped ({why}): take it off fixtures/node/expected.txt"
                )),
                _ => {}
            }
        }
        if all {
            let gone = self
                .reasons
                .keys()
                .filter(|name| !outcomes.iter().any(|(file, _)| file == *name));
            wrong.extend(gone.map(|name| {
                format!(
                    "{name} is no test of Node {}: take it off fixtures/node/expected.txt",
                    source::VERSION
                )
            }));
        }
        wrong
    }

    /// Takes off what passes, and adds what fails with a reason by its kind.
    pub fn update(&mut self, outcomes: &[(String, Outcome)]) {
        for (file, outcome) in outcomes {
            if let Outcome::Fail(why) = outcome {
                let known = self.reasons.get(file).filter(|reason| !is_of_a_kind(reason));
                let reason = known.cloned().unwrap_or_else(|| reason(file, why));
                self.reasons.insert(file.clone(), reason);
            } else {
                self.reasons.remove(file);
            }
        }
        let mut text = format!(
            "# Files of Node {}'s test/parallel that fail here, and why. tests/node_suite holds it both ways.\n",
            source::VERSION
        );
        for (file, reason) in &self.reasons {
            let _ = writeln!(text, "{file}: {reason}");
        }
        std::fs::write(path(), text).unwrap();
    }
}
