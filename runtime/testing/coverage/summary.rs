//! What has run of one module, by lines, branches and functions.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::path::PathBuf;

use super::Source;
use super::visit::Rest;

/// So many of so many.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Share {
    pub(super) hit: usize,
    pub(super) of: usize,
}

impl Share {
    /// All of nothing is everything.
    pub(super) fn percent(self) -> f64 {
        if self.of == 0 {
            return 100.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "no file has so many lines")]
        let percent = self.hit as f64 * 100.0 / self.of as f64;
        percent
    }

    fn count(all: impl IntoIterator<Item = bool>) -> Self {
        all.into_iter().fold(Self::default(), |share, hit| Self {
            hit: share.hit + usize::from(hit),
            of: share.of + 1,
        })
    }
}

impl Sum for Share {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, share| Self {
            hit: sum.hit + share.hit,
            of: sum.of + share.of,
        })
    }
}

/// One line that holds code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// How often it was reached.
    pub(super) count: u64,
    /// Whether all that begins on it has run.
    pub(super) whole: bool,
}

/// One branch.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) line: u32,
    /// Whether it was reached at all.
    pub(super) reached: bool,
    /// How often each of its ways was gone.
    pub(super) arms: Vec<u64>,
}

/// One function.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) name: String,
    pub(super) line: u32,
    pub(super) count: u64,
}

/// One module.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// By their numbers, from 1.
    pub(super) by_line: BTreeMap<u32, Line>,
    pub(super) taken: Vec<Taken>,
    pub(super) called: Vec<Called>,
}

impl Summary {
    pub(super) fn of(source: &Source) -> Self {
        let parts = &source.parts;
        let count = |index: usize| source.counts.get(index).copied().unwrap_or_default();
        let mut by_line: BTreeMap<u32, Line> = BTreeMap::new();
        for index in &parts.code {
            let Some(point) = parts.points.get(*index) else {
                continue;
            };
            let count = count(*index);
            // A line was reached as often as what begins on it first.
            let line = by_line.entry(point.line).or_insert(Line { count, whole: true });
            line.whole &= count > 0;
        }
        let taken = parts.branches.iter().map(|branch| {
            let mut arms: Vec<u64> = branch.arms.iter().map(|arm| count(*arm)).collect();
            if branch.rest == Rest::Past {
                arms.push(count(branch.at).saturating_sub(arms.iter().sum()));
            }
            Taken {
                line: branch.line,
                reached: count(branch.at) > 0 || arms.iter().any(|arm| *arm > 0),
                arms,
            }
        });
        let called = parts.functions.iter().map(|function| Called {
            name: function.name.clone(),
            line: function.line,
            count: count(function.body),
        });
        Self {
            name: source.name.clone(),
            path: source.path.clone(),
            by_line,
            taken: taken.collect(),
            called: called.collect(),
        }
    }

    /// The lines of which everything ran.
    pub(super) fn lines(&self) -> Share {
        Share::count(self.by_line.values().map(|line| line.whole))
    }

    /// The ways of all branches that were gone.
    pub(super) fn branches(&self) -> Share {
        Share::count(self.taken.iter().flat_map(|branch| &branch.arms).map(|arm| *arm > 0))
    }

    /// The functions that were called.
    pub(super) fn functions(&self) -> Share {
        Share::count(self.called.iter().map(|function| function.count > 0))
    }
}
