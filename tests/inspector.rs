//! `serve --inspect`, driven by a real debugger.

use crate::harness::{Project, json, otherwise_in_processes, peers};

const AGENT: &str = "interface Unused {\n  a: string;\n}\n\nexport default {\n  async fetch(): Promise<Response> {\n    \
    const secret: number = 40 + 2;\n    const text: string = `is ${secret}`;\n    return new Response(text);\n  },\n};\n";

fn project() -> Project {
    Project::new(&[
        ("agent.ts", AGENT),
        ("policy.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "workerd-lite.toml",
            "main = 'agent.ts'\n[outbound]\nmain = 'policy.js'\n",
        ),
    ])
}

/// The inspector's port, as the log tells it.
fn port(log: &str) -> String {
    let (_, after) = log.split_once("policy on http://127.0.0.1:").unwrap();
    after.split('/').next().unwrap().to_owned()
}

fn debug(folder: &std::path::Path, server: &str, arguments: &[&str]) -> serde_json::Value {
    let mut all = vec![server, "agent agent", "/agent.ts", "8"];
    all.extend_from_slice(arguments);
    let output = peers::node(folder, "inspect.mjs", &all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json(&String::from_utf8_lossy(&output.stdout))
}

#[test]
fn a_debugger_stops_in_the_authors_typescript() {
    if otherwise_in_processes("debuggers do not attach to them") {
        return;
    }
    let Some(folder) = peers::npm() else { return };
    let project = project();
    let server = project.serve(&["--inspect=127.0.0.1:0"]);
    let port = port(&server.log());
    let url = format!("http://{}/", server.address);
    for _ in 0..2 {
        let told = debug(&folder, &port, &[&url]);
        assert_eq!(
            told,
            serde_json::json!({
                "targets": ["agent agent", "outbound policy"],
                "sources": ["agent.ts"], "bound": 1, "line": 8, "secret": 42, "body": "is 42",
            })
        );
    }
    assert_eq!(server.get("/").body, "is 42", "the debugger has gone");
}

#[test]
fn pages_of_web_sites_can_not_attach() {
    if otherwise_in_processes("debuggers do not attach to them") {
        return;
    }
    let project = project();
    let server = project.serve(&["--inspect=127.0.0.1:0"]);
    let port = port(&server.log());
    let ask = |path: &str, headers: &[&str]| {
        let mut arguments = vec![
            "-sS".to_owned(),
            "-o".into(),
            "/dev/null".into(),
            "-w".into(),
            "%{http_code}".into(),
        ];
        for header in headers {
            arguments.extend(["-H".to_owned(), (*header).to_owned()]);
        }
        arguments.push(format!("http://127.0.0.1:{port}{path}"));
        let output = std::process::Command::new("curl").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(ask("/json", &[]), "200");
    assert_eq!(ask("/json", &["Host: localhost:9229"]), "200");
    assert_eq!(ask("/json/version", &["Origin: devtools://devtools"]), "200");
    for headers in [
        &["Host: rebound.example"][..],
        &["Host: localhost.evil.example"],
        &["Host:"],
        &["Origin: https://evil.example"],
        &["Origin: http://localhost:3000"],
        &["Origin: null"],
    ] {
        assert_eq!(ask("/json", headers), "403", "{headers:?}");
    }
    assert_eq!(ask("/json/nothing", &[]), "404");
}

#[test]
fn scripts_wait_for_a_debugger() {
    if otherwise_in_processes("debuggers do not attach to them") {
        return;
    }
    let Some(folder) = peers::npm() else { return };
    let project = Project::new(&[("agent.ts", &format!("globalThis.began = true;{AGENT}"))]);
    let log = project.path().join("log");
    let mut command = project.command(&["serve", "agent.ts", "--listen=127.0.0.1:0", "--inspect-brk=127.0.0.1:0"]);
    let mut child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let text = || std::fs::read_to_string(&log).unwrap();
    let begun = std::time::Instant::now();
    while !text().contains("agent agent: debuggers attach") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{}", text());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(!text().contains("listening on"), "{}", text());
    let told = debug(&folder, &port(&text()), &["", "brk"]);
    assert_eq!(told["first"]["line"], 0, "{told}");
    let begun = std::time::Instant::now();
    while !text().contains("listening on") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{}", text());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_server_that_waits_for_a_debugger_can_be_stopped() {
    if otherwise_in_processes("debuggers do not attach to them") {
        return;
    }
    for (signal, code) in [("TERM", Some(0)), ("INT", Some(0)), ("KILL", None)] {
        let project = Project::new(&[("agent.ts", AGENT)]);
        let log = project.path().join("log");
        let mut command = project.command(&["serve", "agent.ts", "--listen=127.0.0.1:0", "--inspect-brk=127.0.0.1:0"]);
        let mut child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
        let text = || std::fs::read_to_string(&log).unwrap();
        let wait = |until: &dyn Fn() -> bool| {
            let begun = std::time::Instant::now();
            while !until() {
                assert!(
                    begun.elapsed() < std::time::Duration::from_secs(10),
                    "{signal}: {}",
                    text()
                );
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        };
        wait(&|| text().contains("waits for a debugger before its first statement"));
        let port = port(&text());
        let kill = std::process::Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), code, "{}", text());
        // Nothing is left behind that has the port.
        wait(&|| std::net::TcpListener::bind(format!("127.0.0.1:{port}")).is_ok());
    }
}
