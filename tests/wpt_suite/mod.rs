//! web-platform-tests through the real binary: <https://github.com/web-platform-tests/wpt>, in the copies that sources of Node and Firefox have.
//!
//! `make test` runs the areas of Node's copy that [`areas::AREAS`] marks, `make wpt` all of Firefox's, with the tests' own server. `WPT` names
//! others: areas or files, separated by spaces; `WPT_COPY=node` takes Node's copy for them. `UPDATE_WPT_EXPECTED=1` rewrites the copy's list below
//! `fixtures/wpt`, whose reasons are for people to write.

mod areas;
mod batch;
mod copy;
mod expected;
mod reasons;
mod server;
mod table;
mod tree;

use std::collections::BTreeMap;

use crate::harness::suite::{Choice, in_batches};
use areas::Run;
use copy::Copy;
use expected::Expected;
use table::Table;

/// What became of one subtest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    /// With what it said.
    Fail(String),
}

/// The name of what is no subtest: that the file came to its end.
pub const WHOLE: &str = "(the file)";

/// The subtests of a run, by their names.
pub type Subtests = BTreeMap<String, Outcome>;

/// So many runs has a server.
const BATCH: usize = 30;

/// A busy machine makes some late: at most so many that failed run a second time, each alone.
const AGAIN: usize = 20;

#[test]
fn the_web_platforms_own_tests_pass_but_those_of_the_list() {
    let choice = Choice::of_environment("WPT");
    let Some(copy) = Copy::of(&choice) else { return };
    let runs = areas::runs(&copy.folder, &choice);
    let tree = tree::Tree::make(&copy, &runs);
    let done = in_batches(&runs, BATCH, &choice, |batch| batch::run(&tree, &copy, batch));
    let mut outcomes: BTreeMap<_, _> = done.into_iter().collect();
    let mut expected = Expected::read(&copy.expected);
    let odd: Vec<&Run> = runs
        .iter()
        .filter(|run| !expected.compare_run(&run.name(), &outcomes[&run.name()]).is_empty())
        .collect();
    if odd.len() <= AGAIN {
        for run in odd {
            outcomes.extend(batch::run(&tree, &copy, std::slice::from_ref(run)));
        }
    }
    table::write_details(&outcomes);
    println!("{}", Table::of(&outcomes));
    if std::env::var_os("UPDATE_WPT_EXPECTED").is_some() {
        expected.update(&outcomes);
        return;
    }
    let wrong = expected.compare(&outcomes, choice == Choice::All);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
