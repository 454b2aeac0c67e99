//! Agents' processes are started, put away, replaced, and end alone.

use std::time::{Duration, Instant};

use super::{ask, kill, processes, project};
use crate::harness::{Server, plain, records};

fn gone(process: u32) -> bool {
    !std::path::Path::new(&format!("/proc/{process}")).exists()
}

fn until(what: &str, server: &Server, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: {}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_ends_a_process_costs_its_tenant_alone() {
    let project = project(plain().address.port(), "");
    let server = project.serve(&[]);
    for agent in ["a", "c", "d"] {
        assert_eq!(ask(&server, agent, "/hello", &[]).0, 200);
    }
    let all = processes(&server);
    for (_, inside) in &all {
        let environment = std::fs::read(format!("/proc/{inside}/environ")).unwrap();
        assert!(environment.is_empty(), "{environment:?}");
        let arguments = std::fs::read_to_string(format!("/proc/{inside}/cmdline")).unwrap();
        assert_eq!(arguments, "workerd-lite\0--agents-process\0");
        let files = std::fs::read_dir(format!("/proc/{inside}/fd")).unwrap();
        for file in files {
            let target = std::fs::read_link(file.unwrap().path()).unwrap_or_default();
            let target = target.to_string_lossy().into_owned();
            let fine = ["socket:", "pipe:", "anon_inode:[event"]
                .iter()
                .any(|kind| target.starts_with(kind));
            assert!(fine, "an open file: {target}");
        }
    }
    // Limits of V8's end an isolate, and not the process.
    for (path, word) in [("/loop", "CPU time"), ("/heap", "memory")] {
        let (status, body) = ask(&server, "a", path, &[]);
        assert!(status == 503 && body.contains(word), "{path}: {status} {body}");
        assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    }
    assert_eq!(processes(&server), all);
    // A process that is killed loses what it has under way, and another comes in its place; other tenants hear nothing of it.
    let (watcher, inside) = tenants(&server, "a", &all);
    std::thread::scope(|scope| {
        let slow: Vec<_> = ["a", "b", "c", "d"]
            .into_iter()
            .map(|agent| (agent, scope.spawn(|| ask(&server, agent, "/slow", &[]))))
            .collect();
        std::thread::sleep(Duration::from_millis(600));
        kill(inside);
        until("a killed process is reaped", &server, || gone(inside) && gone(watcher));
        let began = Instant::now();
        assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        for (agent, slow) in slow {
            let expected = if matches!(agent, "a" | "b") { 503 } else { 200 };
            assert_eq!(slow.join().unwrap().0, expected, "{agent}");
        }
    });
    server.logged("the process of tenant one has ended: by SIGKILL");
    // The same for the one that waits outside.
    let now = processes(&server);
    let (watcher, inside) = tenants(&server, "a", &now);
    kill(watcher);
    until("who is inside ends with its watcher", &server, || gone(inside));
    until("another one comes", &server, || {
        ask(&server, "a", "/hello", &[]).0 == 200
    });
    // None outlives its parent.
    let all = processes(&server);
    assert_eq!(all.len(), 3);
    server.replace_worker();
    until("processes end with their parent", &server, || {
        all.iter().all(|(watcher, inside)| gone(*watcher) && gone(*inside))
    });
    until("the next serves", &server, || ask(&server, "a", "/hello", &[]).0 == 200);
}

/// The process of an agent: the one whose CPU time grows with its requests.
fn tenants(server: &Server, agent: &str, all: &[(u32, u32)]) -> (u32, u32) {
    let ticks = |process: u32| -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(11).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
    };
    let before: Vec<u64> = all.iter().map(|(_, inside)| ticks(*inside)).collect();
    let mut asked = 0;
    loop {
        ask(server, agent, "/hello", &[]);
        asked += 1;
        let grown = all
            .iter()
            .zip(&before)
            .filter(|((_, inside), before)| ticks(*inside) > **before + 2);
        if let Some((found, _)) = grown.max_by_key(|((_, inside), before)| ticks(*inside) - **before) {
            return *found;
        }
        assert!(asked < 2000, "no process works for {agent}");
    }
}

#[test]
fn processes_are_put_away_and_replaced() {
    let project = project(plain().address.port(), "threads = 1\n[isolates]\nidle = '1s'");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    let first = processes(&server);
    until("an idle process is put away", &server, || processes(&server).is_empty());
    assert!(!server.log().contains("ended"), "{}", server.log());
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    assert_ne!(processes(&server), first);
    // The project is loaded anew, and so are its processes.
    let before = processes(&server);
    let text = std::fs::read_to_string(project.path().join("agent.js")).unwrap();
    project.write("agent.js", &text.replace("hello ${", "again ${"));
    server.signal("HUP");
    until("the new code answers", &server, || {
        ask(&server, "a", "/hello", &[]).1.starts_with("again")
    });
    until("the old processes leave", &server, || {
        before.iter().all(|(watcher, inside)| gone(*watcher) && gone(*inside))
    });
    // A script that does not start is its tenant's trouble.
    project.write("agent.js", "throw new Error('at its top');");
    server.signal("HUP");
    until("it fails", &server, || ask(&server, "a", "/hello", &[]).0 == 503);
    server.logged("at its top");
}

#[test]
fn a_process_has_no_more_memory_than_it_may() {
    let project = project(plain().address.port(), "memory_mb = 40\n[audit]\nfile = 'audit.ndjson'");
    project.write(
        "agent.js",
        "let kept = []; export default { async fetch(request) { if (request.url.endsWith('/grow')) { for (let i = 0; i < 60; i++) { \
         kept.push(new Uint8Array(1 << 20).fill(7)); await scheduler.wait(20); } } return new Response('fine'); } };",
    );
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "c", "/", &[]).0, 200);
    let (status, body) = ask(&server, "a", "/grow", &[]);
    assert!(status == 503 && body.contains("its limit of memory"), "{status} {body}");
    server.logged("[isolation] memory_mb");
    let record = records(&project, 1).remove(0);
    let words = ["event", "agent", "reason"].map(|name| record[name].as_str().unwrap_or_default());
    assert_eq!(words, ["terminated", "a", "memory"], "{record}");
    until("another one comes", &server, || ask(&server, "a", "/", &[]).0 == 200);
    assert_eq!(processes(&server).len(), 2);
}
