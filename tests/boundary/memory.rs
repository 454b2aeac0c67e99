//! Nothing of the owner's is in the memory of an agents' process.

use super::{ask, processes, project};
use crate::harness::memory::holds;
use crate::harness::{peers::skip, plain};

#[test]
fn an_agents_process_has_never_seen_a_secret() {
    let upstream = plain();
    let project = project(upstream.address.port(), "");
    project.write(
        "agent.js",
        &format!(
            "let mine = 'canary-of-the-' + 'agents-own'; export default {{ async fetch() {{ const asked = await fetch('http://127.0.0.1:{}/', \
             {{ method: 'POST', body: mine }}); return new Response(await asked.text()); }} }};",
            upstream.address.port()
        ),
    );
    // The upstream answers with all that it was sent.
    project.write(
        "policy.js",
        "export default { async fetch(request, env) { const answer = await env.KEY.fetch(request); const seen = await answer.text(); \
         return new Response(String(seen.includes('Bearer canary'))); } };",
    );
    let server = project.serve(&[]);
    for _ in 0..30 {
        assert_eq!(ask(&server, "d", "/", &[]), (200, "true".into()));
    }
    let (_, inside) = processes(&server)[0];
    let Some(own) = holds(inside, b"canary-of-the-agents-own") else {
        return skip("the canary in a process's memory", "only root reads it");
    };
    assert!(own, "what is there is found");
    assert_eq!(holds(inside, b"canary-5f1d-the-owners"), Some(false));
    assert_eq!(holds(server.worker(), b"canary-5f1d-the-owners"), Some(true));
}
