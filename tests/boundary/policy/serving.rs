//! What a policy in an isolate does, it does in a process, for agents in both.

use std::process::Command;

use super::super::ask;
use super::{policies, project};
use crate::harness::{ALL_IN_PROCESSES, POLICY_IN_PROCESSES, plain, records};

#[test]
fn it_allows_denies_answers_and_goes_out_with_what_it_never_holds() {
    for isolation in [POLICY_IN_PROCESSES, ALL_IN_PROCESSES] {
        let upstream = plain();
        let project = project(upstream.address.port(), isolation, "");
        let server = project.serve(&[]);
        let expected = r#"["a","one",["KEY","PLAIN"],"plain-77",{}]"#;
        assert_eq!(
            ask(&server, "a", "/who", &[]),
            (200, expected.into()),
            "{}",
            server.log()
        );
        assert_eq!(ask(&server, "b", "/who", &[]).1, expected.replace("\"a\"", "\"b\""));
        let other = r#"["d",null,["KEY","PLAIN"],"plain-77",{}]"#;
        assert_eq!(ask(&server, "d", "/who", &[]).1, other);
        assert_eq!(ask(&server, "a", "/deny", &[]), (403, "not there".into()));
        let failed = (599, "TypeError: fetch failed".into());
        assert_eq!(ask(&server, "a", "/throw", &[]), failed);
        // A body goes up and comes back through both processes; the token is attached behind them and taken out of what comes back.
        let body = "x".repeat(100_000);
        let (status, echoed) = ask(&server, "c", "/up", &["-d", &body]);
        assert!(status == 200 && echoed.contains("100000"), "{status} {echoed}");
        assert!(echoed.contains("redacted") && !echoed.contains("canary"), "{echoed}");
        // Rust refuses what a credential is not for, and what no rule names, whatever the policy asks.
        assert_eq!(ask(&server, "a", "/elsewhere", &[]).0, 403);
        assert_eq!(ask(&server, "a", "/out?to=http://127.0.0.2:1/", &[]).0, 403);
        let (status, plainly) = ask(&server, "a", "/plain", &[]);
        assert!(status == 200 && !plainly.contains("redacted"), "{plainly}");
        // Bodies come as they are made.
        assert_eq!(ask(&server, "a", "/drip", &[]).1, "0\n1\n2\n3\n4\n");
        assert_eq!(ask(&server, "d", "/held", &[]).1, r#"[5,6,"d 42"]"#);
        assert_eq!(ask(&server, "b", "/log?mine", &[]).0, 200);
        server.logged("judged ?mine");
        let log = server.log();
        let line = log.lines().find(|line| line.contains("judged ?mine")).unwrap();
        assert!(
            line.contains("agent=\"b\"") && line.contains("tenant=\"one\""),
            "{line}"
        );
        // A loop costs what it is for, and the process stays.
        let before = policies(&server);
        assert_eq!(before.len(), 3, "one for each tenant, and one for the agent without");
        assert_eq!(ask(&server, "a", "/loop", &[]), failed);
        assert_eq!(ask(&server, "a", "/who", &[]).0, 200);
        let after = policies(&server);
        assert!(
            before.iter().all(|process| after.contains(process)),
            "{before:?} {after:?}"
        );
        let told = records(&project, 10);
        let of = |path: &str| {
            let mut all = told
                .iter()
                .filter(|record| record["url"].as_str().is_some_and(|url| url.contains(path)));
            all.next().unwrap_or_else(|| panic!("{path}: {told:#?}")).clone()
        };
        assert_eq!(
            (of("/who")["verdict"].as_str(), of("/who")["agent"].as_str()),
            (Some("answer"), Some("a"))
        );
        assert_eq!(
            (of("/deny")["verdict"].as_str(), of("/deny")["by"].as_str()),
            (Some("deny"), Some("policy"))
        );
        assert_eq!(
            (of("/up")["verdict"].as_str(), of("/up")["binding"].as_str()),
            (Some("allow"), Some("key"))
        );
        assert_eq!(
            (of("/up")["agent"].as_str(), of("/up")["tenant"].as_str()),
            (Some("c"), Some("two"))
        );
        assert_eq!(
            (of("/elsewhere")["verdict"].as_str(), of("/elsewhere")["by"].as_str()),
            (Some("deny"), Some("credential"))
        );
        assert_eq!(
            (of("127.0.0.2")["verdict"].as_str(), of("127.0.0.2")["by"].as_str()),
            (Some("deny"), Some("rule"))
        );
    }
}

/// Tests of policies in isolates that are tried again with policies in processes. All of them are `ISOLATION=outbound` and `ISOLATION=both`.
const AGAIN: &[&str] = &[
    "egress::",
    "audit::every_egress_leaves_one_record",
    "identity::",
    "policy_cells::",
    "rpc::values_functions_and_targets_cross",
    "rpc::calls_are_limited_and_end_with_their_event",
    "rpc_services::",
    "tcp::policy::a_connection_passes_both_ways_and_is_recorded_at_its_end",
    "tcp::policy::much_passes_whole",
    "tcp::secured::",
    "websockets::agents::",
    "websockets::handed_on::",
    "streaming::",
    "abort::",
    "loader::confinement::the_policy_sees_who_it_is",
];

/// What holds for agents in isolates of this process alone: elsewhere nobody works apart, and a gibibyte that passes four links takes longer than a
/// response may.
const NOT_IN_BOTH: [&str; 4] = [
    "--skip",
    "policy_cells::an_agent_that_costs_the_policy_too_much_works_apart",
    "--skip",
    "streaming::a_gibibyte_down_and_up_stays_out_of_memory",
];

#[test]
fn what_policies_in_isolates_do_is_done_in_processes() {
    for isolation in ["outbound", "both"] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(AGAIN)
            .args(["--test-threads", "2"])
            .env("ISOLATION", isolation);
        if isolation == "both" {
            command.args(NOT_IN_BOTH);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{isolation}: {said}\n{failed}");
        let passed = said.matches("... ok").count();
        assert!(passed >= AGAIN.len(), "{passed}: {said}");
    }
}
