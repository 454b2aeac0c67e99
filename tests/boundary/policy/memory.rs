//! Of what Rust holds for a policy, nothing is in the memory of the policy's process.

use super::super::ask;
use super::{policies, project};
use crate::harness::memory::holds;
use crate::harness::peers::skip;
use crate::harness::{ALL_IN_PROCESSES, plain};

#[test]
fn a_policys_process_has_its_own_secrets_and_never_a_credentials() {
    let upstream = plain();
    let project = project(upstream.address.port(), ALL_IN_PROCESSES, "");
    let server = project.serve(&[]);
    for _ in 0..50 {
        let (status, echoed) = ask(&server, "d", "/up", &["-d", "body"]);
        assert!(status == 200 && echoed.contains("redacted"), "{status} {echoed}");
    }
    for (_, inside) in policies(&server) {
        let Some(own) = holds(inside, b"plain-77") else {
            return skip("the canary in a process's memory", "only root reads it");
        };
        assert!(own, "what its script may read is found");
        assert_eq!(holds(inside, b"canary-5f1d-the-owners"), Some(false));
    }
    assert_eq!(holds(server.worker(), b"canary-5f1d-the-owners"), Some(true));
    for (_, inside) in super::super::processes(&server) {
        assert_eq!(
            holds(inside, b"plain-77"),
            Some(false),
            "an agent's process has none of it"
        );
    }
}
