//! The author's loop where something is broken: `serve --dev` waits for it to be mended, and what the server writes is no change.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Project, Server, otherwise_in_processes};

fn good(word: &str) -> String {
    format!("export default {{ fetch: () => new Response('{word}') }};")
}

fn until(server: &Server, status: u16, word: &str) {
    let start = Instant::now();
    loop {
        let answer = server.get("/");
        if answer.status == status && answer.body.contains(word) {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "{word}: {} {} {}",
            answer.status,
            answer.body,
            server.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_project_that_is_broken_from_the_start_is_served_once_it_is_mended() {
    if otherwise_in_processes("none is started before it is asked for") {
        return;
    }
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => };\n"),
        (".gitignore", "dist/\n"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[admin]\nlisten = '127.0.0.1:0'\n",
        ),
    ]);
    let mut server = project.serve(&["--dev"]);
    until(&server, 503, "agent.js:1");
    server.logged("waiting until it is mended");
    assert!(server.log().contains("agent.js:1"), "{}", server.log());
    let answer = server.get("/");
    assert!(
        answer.headers.contains("retry-after: 1") && answer.headers.contains("text/plain"),
        "{}",
        answer.headers
    );
    let page = server.curl("/", &["-H", "accept: text/html"]);
    assert!(
        page.headers.contains("text/html") && page.headers.contains("refresh: 1"),
        "{}",
        page.headers
    );
    assert!(
        page.body.contains("The project can not be served") && page.body.contains("agent.js"),
        "{}",
        page.body
    );
    assert_eq!(server.curl("/", &["--http2-prior-knowledge"]).status, 503);

    // One fault after the other, of the script and of the configuration.
    project.write("agent.js", "throw new Error('at its start');\nexport default {};\n");
    until(&server, 503, "at its start");
    project.write(
        "agent.js",
        "import './dist/other.js'; export default { fetch: () => new Response('one') };\n",
    );
    until(&server, 503, "dist/other.js");
    project.write("workerd-lite.toml", "main = 'agent.js'\nthreads = 'many'\n");
    until(&server, 503, "workerd-lite.toml:2");
    project.write("workerd-lite.toml", "main = [\n");
    until(&server, 503, "workerd-lite.toml:");
    project.write(
        "workerd-lite.toml",
        "main = 'dist/agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\nsecrets = ['TOKEN']\n",
    );
    until(&server, 503, "policy.js");
    project.write("policy.js", "export default { fetch: () => new Response('policy') };");
    until(&server, 503, "TOKEN");
    project.write(".dev.vars", "TOKEN=canary-77\n");
    // Which git ignores, and which is what is served.
    until(&server, 503, "dist/agent.js");
    project.write("dist/agent.js", &good("two"));
    until(&server, 200, "two");
    server.logged("a page shows what happens");
    // The address is the same all the time.
    assert_eq!(server.places().len(), 1, "{}", server.log());

    // From here on the old one stays.
    project.write("dist/agent.js", "export default {\n");
    server.logged("the old one stays");
    assert_eq!(server.get("/").body, "two");
    project.write("dist/agent.js", &good("three"));
    until(&server, 200, "three");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
}

#[test]
fn who_waits_ends_when_it_is_told_and_goes_where_it_is_told() {
    let project = Project::new(&[
        ("agent.js", "export default {"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nlisten = 'unix:x.sock'\nnonsense = 1\n",
        ),
    ]);
    let mut server = project.serve_as(&["--dev"]);
    let socket = project.path().join("x.sock");
    let over = || {
        let output = Command::new("curl")
            .args(["-s", "--unix-socket", socket.to_str().unwrap(), "http://a/"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(over().contains("nonsense"), "{}", server.log());
    // To another place, where the file says so.
    project.write("agent.js", &good("here"));
    project.write("workerd-lite.toml", "main = 'agent.js'\nlisten = ['unix:y.sock']\n");
    server.logged("listening on unix:./y.sock");
    assert_eq!(over(), "");
    server.signal("INT");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());

    project.write("agent.js", "export default {");
    let mut server = project.serve_as(&["--dev"]);
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
    assert!(!project.path().join("y.sock").exists());

    // Whoever does not say --dev hears at once.
    let report = project.refused(&["--watch"]);
    assert!(report.contains("agent.js"), "{report}");
}

#[test]
fn what_the_server_writes_is_no_change_and_what_editors_do_is_one() {
    let project = Project::new(&[
        ("v1/agent.js", &good("one")),
        ("v2/agent.js", &good("two, and longer")),
        (
            "workerd-lite.toml",
            "main = 'current/agent.js'\nthreads = 1\n[audit]\nfile = 'audit.ndjson'\n[outbound]\nmain = 'policy.js'\n",
        ),
        (
            "policy.js",
            "export default { fetch: () => new Response('no', { status: 403 }) };",
        ),
    ]);
    let at = |name: &str| project.path().join(name);
    std::os::unix::fs::symlink("v1", at("current")).unwrap();
    let server = project.serve(&["--watch"]);
    until(&server, 200, "one");
    // As deployments do it.
    std::os::unix::fs::symlink("v2", at("next")).unwrap();
    std::fs::rename(at("next"), at("current")).unwrap();
    until(&server, 200, "two");
    // As editors do it, by another file and in steps.
    std::fs::write(at("v2/.agent.js.swp"), good("three, and longer")).unwrap();
    std::fs::rename(at("v2/.agent.js.swp"), at("v2/agent.js")).unwrap();
    until(&server, 200, "three");
    let loads = || server.log().matches("loaded anew").count();
    let before = loads();
    std::fs::write(at("v2/agent.js"), "").unwrap();
    std::thread::sleep(Duration::from_millis(30));
    std::fs::write(
        at("v2/agent.js"),
        "export default { async fetch() { await fetch('http://a.example/').catch(() => {}); return new Response('four'); } };",
    )
    .unwrap();
    until(&server, 200, "four");
    assert_eq!(loads(), before + 1, "{}", server.log());

    // Broken, while records are written beside it.
    project.write("policy.js", "export default {");
    server.logged("the old one stays");
    let before = loads();
    for _ in 0..15 {
        assert_eq!(server.get("/").body, "four");
        std::thread::sleep(Duration::from_millis(40));
    }
    std::fs::rename(at("audit.ndjson"), at("audit.ndjson.1")).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(std::fs::read_to_string(at("audit.ndjson.1")).unwrap().lines().count() >= 15);
    assert_eq!(loads(), before, "{}", server.log());
    project.write("policy.js", "export default { fetch: () => new Response('yes') };");
    let start = Instant::now();
    while loads() == before {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
