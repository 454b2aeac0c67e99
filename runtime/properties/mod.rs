//! What holds for every address, configuration, module and rule. `make fuzz` tries many more than the usual number.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::FileFailurePersistence::SourceParallel;

mod address;
mod config;
mod modules;
mod rules;

/// What failed once is tried first, from `fixtures/fuzz/seeds`.
fn kept() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(SourceParallel("fixtures/fuzz/seeds"))),
        ..ProptestConfig::default()
    }
}
