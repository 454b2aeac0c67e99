//! What an attack says: to people, by class, and to machines.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::board::{Board, Class, Finding};
use super::named::Named;
use super::sarif;

/// How many lines each class has, where not all are asked for.
const LINES: usize = 10;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Pretty {
        /// Whether each finding is told.
        verbose: bool,
    },
    /// The Test Anything Protocol.
    Tap,
    /// One JSON object.
    Json,
    /// JUnit's XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
}

/// What is told beside the findings.
pub(super) struct Told<'a> {
    pub(super) named: &'a Named,
    /// Hosts that a policy that is meant to be open may reach, and why.
    pub(super) allowed: Option<(String, &'a str)>,
}

/// Writes a report.
pub(super) fn write(form: Form, board: &Board, told: &Told<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    match form {
        Form::Pretty { verbose } => pretty(board, told, verbose, out)?,
        Form::Tap => tap(board, out)?,
        Form::Json => json(board, told, out)?,
        Form::Junit => junit(board, out)?,
        Form::Sarif => writeln!(out, "{:#}", sarif::log(board))?,
    }
    if let Form::Junit | Form::Sarif = form {
        for caution in board.cautions() {
            tracing::warn!("{caution}");
        }
    }
    out.flush()
}

fn pretty(board: &Board, told: &Told<'_>, verbose: bool, out: &mut dyn Write) -> std::io::Result<()> {
    for class in board.classes.iter().filter(|class| !class.findings.is_empty()) {
        writeln!(
            out,
            "\u{2717} {}: {} of {} got through",
            class.name, class.through, class.attacks
        )?;
        let most = if verbose { usize::MAX } else { LINES };
        let shown = if verbose {
            class.findings.iter().collect()
        } else {
            different(class)
        };
        for finding in &shown {
            writeln!(out, "  {}", line(finding))?;
        }
        if class.findings.len() > shown.len() {
            writeln!(
                out,
                "  \u{2026} and {} more: see --verbose",
                class.findings.len() - shown.len()
            )?;
        }
        for place in places(class).iter().take(most) {
            writeln!(out, "    {place}")?;
        }
        writeln!(out)?;
    }
    let hosts = told.named.samples().collect::<Vec<_>>().join(", ");
    if told.named.is_nameless() {
        writeln!(out, "the project names no host: {hosts} stood for one")?;
    } else {
        writeln!(out, "hosts that the project names: {hosts}")?;
    }
    if let Some((patterns, reason)) = &told.allowed {
        writeln!(out, "open to {patterns}, by [attack] allow: {reason}")?;
    }
    for caution in board.cautions() {
        writeln!(out, "{caution}")?;
    }
    writeln!(out, "{} attacks, {} got through", board.attacks(), board.through())
}

/// A few findings, of different cases first.
fn different(class: &Class) -> Vec<&Finding> {
    let mut cases = BTreeSet::new();
    let (mut firsts, others): (Vec<&Finding>, Vec<&Finding>) =
        class.findings.iter().partition(|finding| cases.insert(&finding.case));
    firsts.extend(others);
    firsts.truncate(LINES);
    firsts
}

/// A finding in one line.
fn line(finding: &Finding) -> String {
    let mut line = format!("{} > {}", finding.class, finding.case);
    if let Some(agent) = &finding.agent {
        let _ = write!(line, " (agent {agent})");
    }
    if let (Some(method), Some(url)) = (&finding.method, &finding.url) {
        let _ = write!(line, ": {method} {}", shortened(url));
    }
    format!("{line}: {}", finding.message)
}

fn shortened(url: &str) -> String {
    let text = url.escape_debug().to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text,
    }
}

/// Where a class's findings stand in the policy, each place once.
fn places(class: &Class) -> BTreeSet<String> {
    class
        .findings
        .iter()
        .filter_map(|finding| {
            let place = finding.place.as_ref()?;
            let host = finding.subject.as_deref();
            Some(match host {
                Some(host) => format!("{host} is named at {place}"),
                None => place.to_string(),
            })
        })
        .collect()
}

fn json(board: &Board, told: &Told<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let classes: Vec<_> = board
        .classes
        .iter()
        .map(|class| json!({ "class": class.name, "attacks": class.attacks, "through": class.through }))
        .collect();
    let allowed = told.allowed.as_ref();
    let whole = json!({
        "attacks": board.attacks(),
        "through": board.through(),
        "leftOut": board.left_out,
        "cautions": board.cautions(),
        "hosts": told.named.samples().collect::<Vec<_>>(),
        "open": allowed.map(|(patterns, reason)| json!({ "allow": patterns, "reason": reason })),
        "classes": classes,
        "findings": board.findings().collect::<Vec<_>>(),
    });
    writeln!(out, "{whole:#}")
}

/// What came of each case: its class, its name, and its findings.
fn cases(board: &Board) -> impl Iterator<Item = (&Class, &str, Vec<&Finding>)> {
    board.classes.iter().flat_map(|class| {
        class.cases.iter().map(move |(case, _)| {
            let found = class.findings.iter().filter(|finding| finding.case == *case).collect();
            (class, case.as_str(), found)
        })
    })
}

fn junit(board: &Board, out: &mut dyn Write) -> std::io::Result<()> {
    let mut report = Report::new("workerd-lite attack");
    for class in &board.classes {
        let mut suite = TestSuite::new(class.name.as_str());
        for (_, case, found) in cases(board).filter(|(of, ..)| of.name == class.name) {
            let status = if found.is_empty() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(found.iter().map(|finding| line(finding)).collect::<Vec<_>>().join("\n"));
                status
            };
            let mut test = TestCase::new(case, status);
            test.set_classname(class.name.as_str());
            suite.add_test_case(test);
        }
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(std::io::Error::other)
}

fn tap(board: &Board, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "TAP version 14\n1..{}", cases(board).count())?;
    for (number, (class, case, found)) in cases(board).enumerate() {
        let verdict = if found.is_empty() { "ok" } else { "not ok" };
        let name = format!("{} > {case}", class.name).replace(['#', '\n'], " ");
        writeln!(out, "{verdict} {} - {name}", number + 1)?;
        for finding in found {
            writeln!(out, "# {}", line(finding).replace('\n', " "))?;
        }
    }
    for caution in board.cautions() {
        writeln!(out, "# {}", caution.replace('\n', " "))?;
    }
    Ok(())
}
