//! Node's own tests of the modules that workers have, through the real binary: <https://github.com/nodejs/node/tree/v22.x/test/parallel>.
//!
//! `make test` runs the modules that [`modules::MODULES`] marks, `make node-tests` all of them. `NODE_TESTS` names others: modules or files,
//! separated by spaces. `UPDATE_NODE_EXPECTED=1` rewrites `fixtures/node/expected.txt`, whose reasons are for people to write.

mod batch;
mod expected;
mod fixtures;
mod modules;
mod rules;
pub mod source;
mod table;
mod tree;

use crate::harness::suite::{Choice, in_batches};
use expected::Expected;
use table::Table;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    /// With what it threw.
    Fail(String),
    /// With the reason: of a rule, or the file's own.
    Skip(String),
}

/// So many files has a server.
const BATCH: usize = 40;

/// A busy machine makes some late: at most so many that failed run a second time, each alone.
const AGAIN: usize = 40;

#[test]
fn nodes_own_tests_pass_but_those_of_the_list() {
    let Some(source) = source::folder() else { return };
    let choice = Choice::of_environment("NODE_TESTS");
    let files = modules::files(&source, &choice);
    let tree = tree::Tree::make(&source, &files);
    let skipped = files
        .iter()
        .filter_map(|file| Some((file.clone(), Outcome::Skip(rules::skipped(&tree.text(file))?))));
    let mut outcomes: Vec<_> = skipped.collect();
    let run: Vec<_> = files
        .iter()
        .filter(|file| !outcomes.iter().any(|(skipped, _)| skipped == *file))
        .cloned()
        .collect();
    outcomes.extend(in_batches(&run, BATCH, &choice, |batch| batch::run(&tree, batch)));
    let mut expected = Expected::read();
    let failed = |(file, outcome): &&mut (String, Outcome)| matches!(outcome, Outcome::Fail(_)) && !expected.has(file);
    if outcomes.iter_mut().filter(failed).count() <= AGAIN {
        for (file, outcome) in outcomes.iter_mut().filter(failed) {
            if let Some((_, second)) = batch::run(&tree, std::slice::from_ref(&*file)).pop() {
                *outcome = second;
            }
        }
    }
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    table::write_details(&outcomes);
    println!("{}", Table::of(&outcomes, &expected));
    if std::env::var_os("UPDATE_NODE_EXPECTED").is_some() {
        expected.update(&outcomes);
        return;
    }
    let wrong = expected.compare(&outcomes, choice == Choice::All);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
