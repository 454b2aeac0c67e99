//! `--coverage`: which statements of agents and policy the tests have run.

mod lcov;
mod statements;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::diagnostic::SourceDiagnostic;
use crate::isolate::modules::{Content, Graph, Module, on_deep_stack};
use crate::isolate::{CoverageSink, ScriptCoverage};
use statements::Statement;

/// What is wanted of the coverage.
#[derive(Debug, Clone, Default)]
pub struct CoverageOptions {
    /// Where an lcov file is written.
    pub lcov: Option<PathBuf>,
    /// How many percent of the lines must have run.
    pub min: Option<f64>,
}

/// What has run so far, by module.
#[derive(Debug, Default)]
pub(super) struct Coverage(Mutex<BTreeMap<String, Source>>);

/// One module's statements and how often each has run.
#[derive(Debug)]
struct Source {
    name: String,
    path: PathBuf,
    statements: Vec<Statement>,
    counts: Vec<u64>,
}

/// One module's lines that hold statements, by their number from 1.
struct Lines {
    name: String,
    path: PathBuf,
    counts: BTreeMap<u32, u64>,
}

impl Lines {
    fn hit(&self) -> usize {
        self.counts.values().filter(|count| **count > 0).count()
    }
}

fn percent(hit: usize, all: usize) -> f64 {
    if all == 0 {
        return 100.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "no file has so many lines")]
    let percent = hit as f64 * 100.0 / all as f64;
    percent
}

impl Coverage {
    /// Counts the modules of a worker from now on, those of packages excepted.
    pub(super) fn add(&self, graph: &Graph) {
        let Ok(mut sources) = self.0.lock() else { return };
        for (url, module) in graph.entries().filter(|(_, module)| is_own(module)) {
            sources.entry(url.to_owned()).or_insert_with(|| {
                let statements = on_deep_stack(|| statements::of(module)).unwrap_or_default();
                Source {
                    name: module.name.clone(),
                    path: module.path.clone(),
                    counts: vec![0; statements.len()],
                    statements,
                }
            });
        }
    }

    /// The table, and the percentage of lines that ran.
    pub(super) fn report(&self, options: &CoverageOptions) -> Result<(String, f64), SourceDiagnostic> {
        let lines = self.lines();
        if let Some(file) = &options.lcov {
            lcov::write(file, &lines)
                .map_err(|error| SourceDiagnostic::new(format!("{} can not be written: {error}", file.display())))?;
        }
        let hit = lines.iter().map(Lines::hit).sum();
        let all = lines.iter().map(|lines| lines.counts.len()).sum();
        Ok((table::render(&lines), percent(hit, all)))
    }

    fn lines(&self) -> Vec<Lines> {
        let Ok(sources) = self.0.lock() else { return Vec::new() };
        let lines = |source: &Source| {
            let mut counts = BTreeMap::new();
            for (statement, count) in source.statements.iter().zip(&source.counts) {
                // A line has run as often as the outermost of its statements, which is the first.
                counts.entry(statement.line).or_insert(*count);
            }
            Lines {
                name: source.name.clone(),
                path: source.path.clone(),
                counts,
            }
        };
        sources.values().map(lines).collect()
    }
}

fn is_own(module: &Module) -> bool {
    let packaged = module.path.components().any(|part| part.as_os_str() == "node_modules");
    matches!(module.content, Content::Script(_)) && !packaged
}

impl CoverageSink for Coverage {
    fn take(&self, scripts: Vec<ScriptCoverage>) {
        let Ok(mut sources) = self.0.lock() else { return };
        for script in scripts {
            let Some(source) = sources.get_mut(&script.url) else {
                continue;
            };
            let ranges = script.ranges();
            let mut around: Vec<crate::isolate::CoverageRange> = Vec::new();
            let mut next = ranges.iter().peekable();
            for (statement, count) in source.statements.iter().zip(&mut source.counts) {
                while let Some(range) = next.next_if(|range| range.start_offset <= statement.offset) {
                    around.push(*range);
                }
                // Ranges nest, so what has ended lies on the top.
                around.retain(|range| range.end_offset > statement.offset);
                *count += around.last().map_or(0, |range| range.count);
            }
        }
    }
}
