//! What was run, by module, as docs/node.md shows it.

use std::fmt;
use std::path::Path;

use super::Outcome;
use super::expected::Expected;
use super::modules::{self, MODULES};

#[derive(Default)]
struct Row {
    name: &'static str,
    pass: usize,
    fail: usize,
    expected: usize,
    skip: usize,
}

pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub fn of(outcomes: &[(String, Outcome)], expected: &Expected) -> Self {
        let mut rows = Vec::new();
        for module in MODULES {
            let mut row = Row {
                name: module.name,
                ..Row::default()
            };
            let own = outcomes
                .iter()
                .filter(|(file, _)| modules::of(file).is_some_and(|of| of.name == module.name));
            for (file, outcome) in own {
                match outcome {
                    Outcome::Pass => row.pass += 1,
                    Outcome::Fail(_) if expected.has(file) => row.expected += 1,
                    Outcome::Fail(_) => row.fail += 1,
                    Outcome::Skip(_) => row.skip += 1,
                }
            }
            if row.pass + row.fail + row.expected + row.skip > 0 {
                rows.push(row);
            }
        }
        Self { rows }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| module | run | pass | expected to fail | skipped |\n|---|---|---|---|---|"
        )?;
        let mut total = Row {
            name: "all",
            ..Row::default()
        };
        let line = |out: &mut fmt::Formatter<'_>, row: &Row| {
            let Row {
                name,
                pass,
                fail,
                expected,
                skip,
            } = row;
            let unexpected = if *fail > 0 {
                format!(" {fail} MORE FAIL |")
            } else {
                String::new()
            };
            writeln!(
                out,
                "| {name} | {} | {pass} | {expected} | {skip} |{unexpected}",
                pass + fail + expected
            )
        };
        for row in &self.rows {
            line(out, row)?;
            total.pass += row.pass;
            total.fail += row.fail;
            total.expected += row.expected;
            total.skip += row.skip;
        }
        line(out, &total)
    }
}

/// Every outcome with what was said, for whoever mends: `target/tmp/node-suite/outcomes.txt`.
pub fn write_details(outcomes: &[(String, Outcome)]) {
    let lines: Vec<String> = outcomes
        .iter()
        .map(|(file, outcome)| format!("{file}\t{outcome:?}"))
        .collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node-suite/outcomes.txt");
    std::fs::write(path, lines.join("\n")).unwrap();
}
