//! What was run, by area, as docs/conformance.md shows it.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use super::areas::{self, AREAS};
use super::{Outcome, Subtests, WHOLE};

#[derive(Default)]
struct Row {
    files: usize,
    pass: usize,
    fail: usize,
}

pub struct Table {
    rows: Vec<(&'static str, Row)>,
}

impl Table {
    pub fn of(outcomes: &BTreeMap<String, Subtests>) -> Self {
        let mut rows = Vec::new();
        for area in AREAS {
            let mut row = Row::default();
            let own = outcomes
                .iter()
                .filter(|(run, _)| areas::of(run).is_some_and(|of| of.name == area.name));
            for (_, subtests) in own {
                row.files += 1;
                for (name, outcome) in subtests {
                    match outcome {
                        Outcome::Pass if name == WHOLE => {}
                        Outcome::Pass => row.pass += 1,
                        Outcome::Fail(_) => row.fail += 1,
                    }
                }
            }
            if row.files > 0 {
                rows.push((area.name, row));
            }
        }
        Self { rows }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "| area | files | subtests | pass | fail |\n|---|---|---|---|---|")?;
        let mut total = Row::default();
        let line = |out: &mut fmt::Formatter<'_>, name: &str, row: &Row| {
            let Row { files, pass, fail } = row;
            writeln!(out, "| {name} | {files} | {} | {pass} | {fail} |", pass + fail)
        };
        for (name, row) in &self.rows {
            line(out, name, row)?;
            total.files += row.files;
            total.pass += row.pass;
            total.fail += row.fail;
        }
        line(out, "all", &total)
    }
}

/// Every outcome with what was said, for whoever mends: `target/tmp/wpt.txt`.
pub fn write_details(outcomes: &BTreeMap<String, Subtests>) {
    let mut text = String::new();
    for (run, subtests) in outcomes {
        for (name, outcome) in subtests {
            let _ = writeln!(text, "{run}\t{name}\t{outcome:?}");
        }
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wpt.txt");
    std::fs::write(path, text).unwrap();
}
