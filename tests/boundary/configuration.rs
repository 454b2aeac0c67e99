//! What does not go over a link is refused where it is written.

use crate::harness::Project;

fn refused(text: &str) -> String {
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('') };"),
        ("policy.js", "export default { fetch: () => new Response('') };"),
        ("workerd-lite.toml", text),
    ]);
    std::fs::create_dir(project.path().join("agents")).unwrap();
    project.refused(&[])
}

#[test]
fn what_processes_do_not_have_yet_is_refused() {
    let agents = |one: &str, two: &str| {
        format!(
            "[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'one'\nmain = 'agent.js'\nmatch = ['one.localhost']\n{one}\n\
             [[agents]]\nname = 'two'\nmain = 'agent.js'\nmatch = ['two.localhost']\n{two}\n"
        )
    };
    let process = "isolation = 'process'\n";
    let service = |name: &str| format!("[[agents.services]]\nbinding = 'S'\nservice = '{name}'\n");
    let cases = [
        (
            agents(&format!("{process}{}", service("two")), ""),
            "it calls the agent \"two\", by `services`",
        ),
        (
            agents(process, &service("one")),
            "the agent \"two\" calls it, by `services`",
        ),
        (agents(&format!("{process}loaders = ['L']"), ""), "by `loaders`"),
        (
            agents(process, "[[agents.tails]]\nservice = 'one'"),
            "tells it of its events",
        ),
        (
            "agents_dir = 'agents'\n[isolation]\nagents = 'process'".to_owned(),
            "agents of `agents_dir` can not be in processes yet",
        ),
        (
            "main = 'agent.js'\n[isolation]\nagents = 'jail'".to_owned(),
            "expected `isolate` or `process`",
        ),
        (
            "main = 'agent.js'\n[isolation]\nallow_missing = ['all']".to_owned(),
            "allow_missing",
        ),
        ("main = 'agent.js'\n[isolation]\nthreads = 0".to_owned(), "threads"),
    ];
    for (text, expected) in cases {
        let said = refused(&text).split_whitespace().collect::<Vec<_>>().join(" ");
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
