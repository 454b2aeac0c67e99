//! What hostile agents do to their thread is done to their process's, and costs a neighbour in another process nothing.

use crate::harness::IN_PROCESSES;
use crate::harness::attacks::{Case, cases};
use crate::kill::{attack, goes_on, serve};

#[test]
fn attacks_are_stopped_in_their_process() {
    let files = [
        include_str!("../../fixtures/limits/cpu.toml"),
        include_str!("../../fixtures/limits/memory.toml"),
        include_str!("../../fixtures/limits/native.toml"),
        include_str!("../../fixtures/limits/web.toml"),
        include_str!("../../fixtures/limits/node.toml"),
    ];
    // Some of each: all of them are `ISOLATION=process make kill`.
    let some = |text: &str| {
        let cases = cases(text);
        let apart = cases.len().div_ceil(4);
        cases.into_iter().step_by(apart).collect::<Vec<_>>()
    };
    let cases: Vec<Case> = files
        .iter()
        .flat_map(|text| some(text))
        .map(|case| goes_on(&case))
        .collect();
    for cases in cases.chunks(8) {
        let (_project, server) = serve(cases, "", IN_PROCESSES);
        for row in attack(&server, cases) {
            assert_eq!(row.status, 503, "{}: {} {}", row.name, row.body, server.log());
            assert_eq!(
                row.lost,
                0,
                "{}: a neighbour's request was lost: {}",
                row.name,
                server.log()
            );
        }
    }
}
