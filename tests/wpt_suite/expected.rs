//! The list of failures that are known, each with its reason. It holds both ways: what is on it and passes is told as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::reasons::{is_of_a_kind, reason};
use super::{Outcome, Subtests, WHOLE};

/// Subtests with their reasons, by run.
pub struct Expected {
    path: PathBuf,
    runs: BTreeMap<String, BTreeMap<String, String>>,
}

const HEAD: &str = "\
# Subtests of web-platform-tests that fail here, and why: a file, indented by two a reason, by four what fails for it.
# tests/wpt_suite holds the list both ways.
";

impl Expected {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut runs: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let (mut run, mut why) = (String::new(), String::new());
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(subtest) = line.strip_prefix("    ") {
                assert!(!why.is_empty(), "{}: no reason for {line:?}", path.display());
                runs.entry(run.clone())
                    .or_default()
                    .insert(subtest.to_owned(), why.clone());
            } else if let Some(reason) = line.strip_prefix("  ") {
                reason.clone_into(&mut why);
            } else {
                line.clone_into(&mut run);
                why.clear();
            }
        }
        let path = path.to_owned();
        Self { path, runs }
    }

    /// What of a run is not as the list says.
    pub fn compare_run(&self, run: &str, subtests: &Subtests) -> Vec<String> {
        let none = BTreeMap::new();
        let known = self.runs.get(run).unwrap_or(&none);
        let mut wrong = Vec::new();
        for (name, outcome) in subtests {
            match (outcome, known.get(name)) {
                (Outcome::Fail(why), None) => wrong.push(format!("{run}: {name} fails: {why}")),
                (Outcome::Pass, Some(_)) => {
                    wrong.push(format!("{run}: {name} passes: take it off the list"));
                }
                _ => {}
            }
        }
        // One that did not come to its end may have stopped anywhere.
        if matches!(subtests.get(WHOLE), Some(Outcome::Pass)) {
            let gone = known.keys().filter(|name| !subtests.contains_key(*name));
            wrong.extend(gone.map(|name| format!("{run}: there is no {name}: take it off the list")));
        }
        wrong
    }

    /// The same of all. `whole`: whether a run that did not happen is on the list for nothing.
    pub fn compare(&self, outcomes: &BTreeMap<String, Subtests>, whole: bool) -> Vec<String> {
        let mut wrong: Vec<String> = outcomes
            .iter()
            .flat_map(|(run, subtests)| self.compare_run(run, subtests))
            .collect();
        if whole {
            let gone = self.runs.keys().filter(|run| !outcomes.contains_key(*run));
            wrong.extend(gone.map(|run| format!("{run} is no file of ours: take it off the list")));
        }
        wrong
    }

    /// Takes off what passes, and adds what fails with a reason by its kind.
    pub fn update(&mut self, outcomes: &BTreeMap<String, Subtests>) {
        for (run, subtests) in outcomes {
            let before = self.runs.remove(run).unwrap_or_default();
            let failed = subtests.iter().filter_map(|(name, outcome)| match outcome {
                Outcome::Pass => None,
                Outcome::Fail(said) => {
                    let known = before.get(name).filter(|reason| !is_of_a_kind(reason));
                    Some((name.clone(), known.cloned().unwrap_or_else(|| reason(run, name, said))))
                }
            });
            let failed: BTreeMap<_, _> = failed.collect();
            if !failed.is_empty() {
                self.runs.insert(run.clone(), failed);
            }
        }
        let mut text = HEAD.to_owned();
        for (run, failed) in &self.runs {
            let _ = writeln!(text, "{run}");
            let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (name, reason) in failed {
                by_reason.entry(reason).or_default().push(name);
            }
            for (reason, names) in by_reason {
                let _ = writeln!(text, "  {reason}");
                for name in names {
                    let _ = writeln!(text, "    {name}");
                }
            }
        }
        std::fs::write(&self.path, text).unwrap();
    }
}
