//! What became of the changes: survivors with their lines, and the score.

use std::io::{Result, Write};

use serde_json::json;

use super::Mutated;
use super::mutant::{Judged, Status};
use crate::diagnostic::position;

/// For people.
pub(super) fn pretty(run: &Mutated, verbose: bool, out: &mut dyn Write) -> Result<()> {
    for judged in &run.judged {
        match judged.status {
            Status::Survived => survivor(run, judged, out)?,
            _ if verbose => {
                let (place, _) = place(run, judged);
                let status = format!("{:?}", judged.status).to_lowercase();
                writeln!(
                    out,
                    "\u{2713} {place}: {}: {status}: {}\n",
                    judged.mutant.description, judged.by
                )?;
            }
            _ => {}
        }
    }
    for (number, source) in run.sources.iter().enumerate() {
        let of = |status: Status| {
            let all = run.judged.iter().filter(|judged| judged.mutant.file == number);
            all.filter(|judged| judged.status == status).count()
        };
        let killed = of(Status::Killed) + of(Status::Timeout);
        let counted = killed + of(Status::Survived);
        writeln!(out, "{}: {killed} of {counted} killed", source.name)?;
    }
    let by_attacks = run
        .judged
        .iter()
        .filter(|judged| judged.status == Status::Killed && judged.by.starts_with("attack: "));
    let by_attacks = by_attacks.count();
    let killed = run.count(Status::Killed);
    writeln!(
        out,
        "\nmutation score {}: {} killed by {} tests, {by_attacks} by attacks, {} timed out, {} survived; {} invalid, {} ignored ({:.1} s)",
        run.score()
            .map_or_else(|| "of no changes".to_owned(), |score| format!("{score:.1} %")),
        killed - by_attacks,
        run.tests,
        run.count(Status::Timeout),
        run.count(Status::Survived),
        run.count(Status::Invalid),
        run.count(Status::Ignored),
        run.took.as_secs_f64(),
    )
}

fn survivor(run: &Mutated, judged: &Judged, out: &mut dyn Write) -> Result<()> {
    let (place, line) = place(run, judged);
    let (before, after) = judged.mutant.lines(&run.sources[judged.mutant.file].text);
    writeln!(out, "\u{2717} {place}: {}: nothing tells", judged.mutant.description)?;
    for (number, text) in before.lines().enumerate() {
        writeln!(out, "  {:>4} - {text}", line + number)?;
    }
    for (number, text) in after.lines().enumerate() {
        writeln!(out, "  {:>4} + {text}", line + number)?;
    }
    writeln!(out)
}

/// `file:line:column`, and the line.
fn place(run: &Mutated, judged: &Judged) -> (String, usize) {
    let source = &run.sources[judged.mutant.file];
    let (line, column) = position(&source.text, judged.mutant.span.start);
    (format!("{}:{line}:{column}", source.name), line)
}

/// For machines: one object.
pub(super) fn json(run: &Mutated, out: &mut dyn Write) -> Result<()> {
    let mutants: Vec<_> = run
        .judged
        .iter()
        .map(|judged| {
            let source = &run.sources[judged.mutant.file];
            let (line, column) = position(&source.text, judged.mutant.span.start);
            let (end_line, end_column) = position(&source.text, judged.mutant.span.end);
            json!({
                "file": source.name,
                "location": { "start": { "line": line, "column": column }, "end": { "line": end_line, "column": end_column } },
                "operator": judged.mutant.operator,
                "description": judged.mutant.description,
                "original": source.text[judged.mutant.span.clone()],
                "replacement": judged.mutant.replacement,
                "status": judged.status,
                "by": judged.by,
            })
        })
        .collect();
    let whole = json!({
        "score": run.score().map(|score| (score * 10.0).round() / 10.0),
        "killed": run.count(Status::Killed),
        "timeout": run.count(Status::Timeout),
        "survived": run.count(Status::Survived),
        "invalid": run.count(Status::Invalid),
        "ignored": run.count(Status::Ignored),
        "tests": run.tests,
        "seconds": run.took.as_secs_f64(),
        "mutants": mutants,
    });
    writeln!(out, "{whole:#}")
}
