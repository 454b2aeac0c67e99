//! `--coverage`: which lines, branches and functions of agents and policy the tests have run.

mod ignored;
mod lcov;
mod parts;
mod summary;
mod table;
mod visit;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::diagnostic::SourceDiagnostic;
use crate::isolate::modules::{Graph, on_deep_stack};
use crate::isolate::{CoverageRange, CoverageSink, ScriptCoverage, is_counted_module};
use parts::Parts;
use summary::{Share, Summary};

/// What is wanted of the coverage.
#[derive(Debug, Clone, Default)]
pub struct CoverageOptions {
    /// Where an lcov file is written.
    pub lcov: Option<PathBuf>,
    /// How many percent of the lines must have run.
    pub min_lines: Option<f64>,
    /// How many percent of the branches must have run.
    pub min_branches: Option<f64>,
    /// How many percent of the functions must have run.
    pub min_functions: Option<f64>,
}

impl CoverageOptions {
    /// The minimums, with the options that ask for them.
    fn minimums<'a>(&self, of: &'a Totals) -> [(&'static str, &'static str, Option<f64>, &'a Share); 3] {
        [
            ("lines", "--coverage-min", self.min_lines, &of.lines),
            ("branches", "--coverage-min-branches", self.min_branches, &of.branches),
            (
                "functions",
                "--coverage-min-functions",
                self.min_functions,
                &of.functions,
            ),
        ]
    }
}

/// What has run so far, by module.
#[derive(Debug, Default)]
pub(super) struct Coverage(Mutex<BTreeMap<String, Source>>);

/// One module's parts and how often each of its points has run.
#[derive(Debug)]
struct Source {
    name: String,
    path: PathBuf,
    parts: Parts,
    counts: Vec<u64>,
}

/// The sums of a run.
#[derive(Debug, Default)]
struct Totals {
    lines: Share,
    branches: Share,
    functions: Share,
}

impl Totals {
    fn of(all: &[Summary]) -> Self {
        let sum = |share: fn(&Summary) -> Share| all.iter().map(share).sum();
        Self {
            lines: sum(Summary::lines),
            branches: sum(Summary::branches),
            functions: sum(Summary::functions),
        }
    }
}

/// What a run is told.
pub(super) struct Report {
    pub(super) table: String,
    /// The minimums that are not reached, as sentences.
    pub(super) missed: Vec<String>,
}

impl Coverage {
    /// Counts the modules of a worker from now on, those of packages excepted.
    pub(super) fn add(&self, graph: &Graph) {
        let Ok(mut sources) = self.0.lock() else { return };
        for (url, module) in graph.entries().filter(|(_, module)| is_counted_module(module)) {
            sources.entry(url.to_owned()).or_insert_with(|| {
                let parts = on_deep_stack(|| parts::of(module)).unwrap_or_default();
                Source {
                    name: module.name.clone(),
                    path: module.path.clone(),
                    counts: vec![0; parts.points.len()],
                    parts,
                }
            });
        }
    }

    /// The table, and what is too little. Writes the lcov file.
    pub(super) fn report(&self, options: &CoverageOptions) -> Result<Report, SourceDiagnostic> {
        let all: Vec<Summary> = match self.0.lock() {
            Ok(sources) => sources.values().map(Summary::of).collect(),
            Err(_) => Vec::new(),
        };
        if let Some(file) = &options.lcov {
            lcov::write(file, &all)
                .map_err(|error| SourceDiagnostic::new(format!("{} can not be written: {error}", file.display())))?;
        }
        let totals = Totals::of(&all);
        let missed = options
            .minimums(&totals)
            .into_iter()
            .filter_map(|(what, option, min, share)| {
                let (min, percent) = (min?, share.percent());
                if what == "lines" && share.of == 0 {
                    return Some(format!(
                        "there are no lines of agents and policy that count: {option} asks for {min} % of them"
                    ));
                }
                (percent < min)
                    .then(|| format!("the tests run {percent:.1} % of the {what}: {option} asks for {min} %"))
            });
        Ok(Report {
            missed: missed.collect(),
            table: table::render(&all, &totals),
        })
    }
}

impl CoverageSink for Coverage {
    fn take(&self, scripts: Vec<ScriptCoverage>) {
        let Ok(mut sources) = self.0.lock() else { return };
        for script in scripts {
            let Some(source) = sources.get_mut(&script.url) else {
                continue;
            };
            let ranges = script.ranges();
            let mut around: Vec<CoverageRange> = Vec::new();
            let mut next = ranges.iter().peekable();
            for (point, count) in source.parts.points.iter().zip(&mut source.counts) {
                while let Some(range) = next.next_if(|range| range.start_offset <= point.offset) {
                    around.push(*range);
                }
                // Ranges nest, so what has ended lies on the top.
                around.retain(|range| range.end_offset > point.offset);
                *count += around.last().map_or(0, |range| range.count);
            }
        }
    }
}
