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
        (
            "main = 'agent.js'\n[isolation]\ncgroup = 'maybe'",
            "expected one of `auto`, `require`, `off`",
        ),
    ];
    for (text, expected) in cases {
        let said = refused(text).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn control_groups_that_must_be_and_can_not_are_told_of() {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let lies = |folder: &str| std::path::Path::new(folder).join("cgroup.type").exists();
    if own.lines().any(|line| line.starts_with("0::") && line != "0::/") || lies("/sys/fs/cgroup") {
        return eprintln!("SKIPPED: what this test is in could be taken for what was delegated");
    }
    let text = "main = 'agent.js'\nlisten = '127.0.0.1:0'\n[isolation]\nagents = 'process'\ncgroup = 'require'";
    let said = refused(text).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("cgroup = \"require\": ") && said.contains("Delegate=memory cpu pids"),
        "{said}"
    );
    // Where nothing is in a process, nothing needs one.
    let project = Project::new(&[("agent.js", "export default { fetch: () => new Response('') };")]);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[isolation]\ncgroup = 'require'",
    );
    drop(project.serve(&[]));
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
