//! A policy that does not start in its process is told of before anything is served, with its line, and what does not reach it is refused by
//! name.

use super::project;
use crate::harness::{ALL_IN_PROCESSES, POLICY_IN_PROCESSES, plain};

#[test]
fn a_policy_that_does_not_start_keeps_the_server_from_it() {
    let project = project(plain().address.port(), POLICY_IN_PROCESSES, "");
    project.write(
        "policy.js",
        "const rules = undefined;\nexport default { fetch: rules.judge };",
    );
    let (code, _, checked) = project.run(&["check"]);
    assert_eq!(code, Some(1), "{checked}");
    for said in [checked, project.refused(&[])] {
        assert!(said.contains("policy.js:2") && said.contains("rules.judge"), "{said}");
    }
    project.write(
        "policy.js",
        "export class Other {} export default { fetch: () => new Response() };",
    );
    let said = project.refused(&[]);
    assert!(
        said.contains("Tools"),
        "an entrypoint that an agent's service wants: {said}"
    );
}

#[test]
fn what_does_not_reach_a_process_is_refused_by_name() {
    let project = project(plain().address.port(), ALL_IN_PROCESSES, "");
    let said = project.refused(&["--inspect=127.0.0.1:0"]);
    assert!(said.contains("[isolation] outbound"), "{said}");
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[isolation]\noutbound = 'thread'\n",
    );
    let said = project.refused(&[]);
    assert!(
        said.contains("isolation.outbound") && said.contains("process"),
        "{said}"
    );
}
