//! The table of system calls (`calls.toml`), as the crate that compiles filters reads them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Purpose;

const TABLE: &str = include_str!("calls.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calls {
    allowed: Vec<Line>,
    refused: Vec<Line>,
    fatal: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    calls: Vec<String>,
    /// Why it is where it is: for who reads docs/security.md.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the table in the documentation is made of it")
    )]
    reason: String,
    /// All of these must hold.
    #[serde(default)]
    when: Vec<Condition>,
    /// Where it is needed: all of these must hold.
    #[serde(default)]
    only: Vec<Place>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Place {
    #[serde(rename = "x86_64")]
    X86,
    /// A processor with no memory protection keys, or a kernel that gives none.
    #[serde(rename = "without-pku")]
    WithoutKeys,
    /// A process that runs scripts.
    #[serde(rename = "scripts")]
    Scripts,
    /// The process that holds keys.
    #[serde(rename = "keys")]
    Keys,
    /// The process that reads modules.
    #[serde(rename = "modules")]
    Modules,
    /// All but the one that reads modules.
    #[serde(rename = "fileless")]
    Fileless,
}

/// What is known of the process only when it enters.
#[derive(Clone, Copy)]
pub(super) struct Here {
    /// Its own number.
    pub(super) process: u32,
    pub(super) purpose: Purpose,
    /// Whether memory protection keys are to be had.
    pub(super) protection_keys: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    /// Counted from 0.
    argument: u8,
    /// The bits that are looked at. All of them where it is not written.
    mask: Option<u32>,
    is: Wanted,
    /// Whether the argument is a pointer or a size, of 64 bits.
    #[serde(default)]
    wide: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    Number(u64),
    OneOf(Vec<u64>),
    Named(Named),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    /// This process's number.
    Process,
}

impl Calls {
    pub(super) fn read() -> Result<Self, toml::de::Error> {
        toml::from_str(TABLE)
    }

    /// The filters by name.
    pub(super) fn as_json(&self, here: Here) -> Value {
        let absent = json!({ "errno": nix::libc::ENOSYS });
        let refused = json!({ "errno": nix::libc::EPERM });
        // A call that another filter answers passes this one.
        let groups = [&self.allowed, &self.refused, &self.fatal];
        let known = groups.into_iter().flat_map(|lines| rules(lines, here)).collect();
        json!({
            "allowed": filter(absent, json!("allow"), known),
            "refused": filter(json!("allow"), refused, rules(&self.refused, here)),
            "fatal": filter(json!("allow"), json!("kill_process"), rules(&self.fatal, here)),
        })
    }
}

fn filter(otherwise: Value, action: Value, rules: Vec<Value>) -> Value {
    json!({ "mismatch_action": otherwise, "match_action": action, "filter": rules })
}

fn rules(lines: &[Line], here: Here) -> Vec<Value> {
    let mut rules = Vec::new();
    for line in lines.iter().filter(|line| line.is_for(here)) {
        let alternatives = line.alternatives(here);
        for call in &line.calls {
            for conditions in &alternatives {
                rules.push(if conditions.is_empty() {
                    json!({ "syscall": call })
                } else {
                    json!({ "syscall": call, "args": conditions })
                });
            }
        }
    }
    rules
}

impl Place {
    fn is(self, here: Here) -> bool {
        match self {
            Self::X86 => std::env::consts::ARCH == "x86_64",
            Self::WithoutKeys => !here.protection_keys && here.purpose == Purpose::Scripts,
            Self::Scripts => here.purpose == Purpose::Scripts,
            Self::Keys => here.purpose == Purpose::Keys,
            Self::Modules => here.purpose == Purpose::Modules,
            Self::Fileless => here.purpose != Purpose::Modules,
        }
    }
}

impl Line {
    fn is_for(&self, here: Here) -> bool {
        self.only.iter().all(|place| place.is(here))
    }

    /// The lists of conditions of which one must hold: each value of an argument that may have several is one.
    fn alternatives(&self, here: Here) -> Vec<Vec<Value>> {
        let mut alternatives = vec![Vec::new()];
        for condition in &self.when {
            let mut next = Vec::new();
            for conditions in &alternatives {
                for value in condition.values(here) {
                    let mut conditions: Vec<Value> = conditions.clone();
                    conditions.push(condition.as_json(value));
                    next.push(conditions);
                }
            }
            alternatives = next;
        }
        alternatives
    }
}

impl Condition {
    fn values(&self, here: Here) -> Vec<u64> {
        match &self.is {
            Wanted::Number(number) => vec![*number],
            Wanted::OneOf(numbers) => numbers.clone(),
            Wanted::Named(Named::Process) => vec![here.process.into()],
        }
    }

    fn as_json(&self, value: u64) -> Value {
        let operator = match self.mask {
            Some(mask) => json!({ "masked_eq": mask }),
            None => json!("eq"),
        };
        let width = if self.wide { "qword" } else { "dword" };
        json!({ "index": self.argument, "type": width, "op": operator, "val": value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- runtime/boundary/sandbox/calls.toml -->\n";
    const END: &str = "<!-- end -->";

    fn rows(answer: &str, lines: &[Line]) -> String {
        let row = |line: &Line| {
            let calls: Vec<String> = line.calls.iter().map(|call| format!("`{call}`")).collect();
            let words = line.only.iter().map(|place| match place {
                Place::WithoutKeys => " (where there are no memory protection keys)",
                Place::Scripts => " (in processes that run scripts)",
                Place::Keys => " (in the process that holds keys)",
                Place::Modules => " (in the process that reads modules)",
                Place::Fileless => " (but in the process that reads modules)",
                Place::X86 => "",
            });
            let only: String = words.collect();
            let when = if line.when.is_empty() { "" } else { ", by arguments" };
            format!("| {answer}{when} | {}{only} | {} |\n", calls.join(", "), line.reason)
        };
        lines.iter().map(row).collect()
    }

    #[test]
    fn the_documentation_shows_the_table() {
        let calls = Calls::read().unwrap();
        let table = format!(
            "| answer | calls | why |\n|---|---|---|\n{}{}{}",
            rows("allowed", &calls.allowed),
            rows("`EPERM`", &calls.refused),
            rows("the process ends", &calls.fatal)
        );
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (shown, after) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_CALLS").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        } else {
            assert_eq!(shown, table, "set UPDATE_CALLS=1 to write the table anew");
        }
    }

    #[test]
    fn no_call_is_in_two_groups() {
        let calls = Calls::read().unwrap();
        for purpose in [Purpose::Scripts, Purpose::Keys, Purpose::Modules] {
            let here = Here {
                process: 1,
                purpose,
                protection_keys: false,
            };
            let mut known = std::collections::HashMap::new();
            for (group, lines) in [&calls.allowed, &calls.refused, &calls.fatal].into_iter().enumerate() {
                for call in lines
                    .iter()
                    .filter(|line| line.is_for(here))
                    .flat_map(|line| &line.calls)
                {
                    assert_eq!(*known.entry(call).or_insert(group), group, "{call}");
                }
            }
        }
    }
}
