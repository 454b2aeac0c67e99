//! Which files hold tests.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::Options;
use crate::diagnostic::SourceDiagnostic;
use crate::watch::files_below;

const DEFAULT: [&str; 2] = ["**/*.test.{js,mjs,ts,mts}", "**/*-test.js"];

/// The files of a run, sorted. A name that is no file and no pattern of one is an error.
pub(super) fn files(options: &Options) -> Result<Vec<PathBuf>, SourceDiagnostic> {
    let root = options.folder();
    if options.files.is_empty() {
        let mut found = walk(&root, &root, &set(&DEFAULT)?);
        found.sort();
        return Ok(found);
    }
    let mut found = Vec::new();
    for name in &options.files {
        let path = Path::new(name);
        let before = found.len();
        if path.is_file() {
            found.push(path.to_owned());
        } else if path.is_dir() {
            found.extend(walk(path, path, &set(&DEFAULT)?));
        } else {
            found.extend(walk(
                Path::new("."),
                Path::new("."),
                &set(&[name.trim_start_matches("./")])?,
            ));
        }
        if found.len() == before {
            return Err(SourceDiagnostic::new(format!("{name}: there is no such test file"))
                .with_help("Name files, folders, or patterns such as 'tests/**/*.test.js'"));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Names of tests elsewhere.
const ELSEWHERE: [&str; 4] = [
    "**/*.{test,spec}.{js,mjs,cjs,jsx,ts,mts,cts,tsx}",
    "**/*-test.{js,mjs,cjs,jsx,ts,mts,cts,tsx}",
    "**/*_test.{js,mjs,cjs,jsx,ts,mts,cts,tsx}",
    "**/test.{js,mjs,cjs,jsx,ts,mts,cts,tsx}",
];

/// How many of those are named.
const NAMED: usize = 5;

/// A sentence on files whose names read as those of tests, where no file was named and these are none of the run's.
pub(super) fn overlooked(options: &Options, found: &[PathBuf]) -> Option<String> {
    if !options.files.is_empty() {
        return None;
    }
    let root = options.folder();
    let mut others = walk(&root, &root, &set(&ELSEWHERE).ok()?);
    others.retain(|path| !found.contains(path));
    others.sort();
    let first = others.first()?;
    let names: Vec<String> = others
        .iter()
        .take(NAMED)
        .map(|path| path.display().to_string())
        .collect();
    let more = match others.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if others.len() == 1 {
        "reads as a test and is not run"
    } else {
        "read as tests and are not run"
    };
    Some(format!(
        "{}{more} {verb}: without FILES, {} and {} are. Name them: workerd-lite test {}",
        names.join(", "),
        DEFAULT[0],
        DEFAULT[1],
        first.display()
    ))
}

fn set(patterns: &[&str]) -> Result<GlobSet, SourceDiagnostic> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(Glob::new(pattern).map_err(|error| SourceDiagnostic::new(format!("{pattern}: {error}")))?);
    }
    builder
        .build()
        .map_err(|error| SourceDiagnostic::new(error.to_string()))
}

fn walk(folder: &Path, base: &Path, patterns: &GlobSet) -> Vec<PathBuf> {
    files_below(folder)
        .filter(|path| patterns.is_match(path.strip_prefix(base).unwrap_or(path)))
        .collect()
}
