//! What `[isolation]` may say.

use crate::harness::Project;

fn refused(text: &str) -> String {
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('') };"),
        ("policy.js", "export default { fetch: () => new Response('') };"),
        ("workerd-lite.toml", text),
    ]);
    project.refused(&[])
}

#[test]
fn what_is_no_isolation_is_refused() {
    let cases = [
        (
            "main = 'agent.js'\n[isolation]\nagents = 'jail'",
            "expected `isolate` or `process`",
        ),
        (
            "main = 'agent.js'\n[isolation]\nallow_missing = ['all']",
            "allow_missing",
        ),
        ("main = 'agent.js'\n[isolation]\nthreads = 0", "threads"),
    ];
    for (text, expected) in cases {
        let said = refused(text).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn debuggers_attach_to_no_process() {
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('') };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nlisten = '127.0.0.1:0'\n[isolation]\nagents = 'process'",
        ),
    ]);
    let said = project.refused(&["--inspect=127.0.0.1:0"]);
    assert!(said.contains("--inspect") && said.contains("[isolation]"), "{said}");
}
