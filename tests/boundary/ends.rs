//! However an event ends, its end is known: nothing keeps a process that is to leave.

use std::io::Write as _;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::{ask, processes, project};
use crate::harness::{Project, Server, plain};

/// Loads the project anew. The processes before that must leave soon, where nothing is under way.
fn reload(project: &Project, server: &Server, what: &str) {
    let before = processes(server);
    assert!(!before.is_empty());
    let text = std::fs::read_to_string(project.path().join("agent.js")).unwrap();
    project.write("agent.js", &format!("{text}\n// {what}\n"));
    server.signal("HUP");
    let began = Instant::now();
    let gone = |process: u32| !std::path::Path::new(&format!("/proc/{process}")).exists();
    while !before.iter().all(|(watcher, inside)| gone(*watcher) && gone(*inside)) {
        let waited = began.elapsed();
        assert!(
            waited < Duration::from_secs(5),
            "{what}: an end is not known: {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(ask(server, "a", "/hello", &[]).0, 200);
}

/// Asks and goes away, after so long.
fn leave(server: &Server, path: &str, after: Duration) {
    let mut client = server.raw(format!("GET {path} HTTP/1.1\r\nHost: a.localhost\r\n\r\n").as_bytes());
    std::thread::sleep(after);
    let _ = client.flush();
    let _ = client.shutdown(Shutdown::Both);
}

#[test]
fn ends_are_known_however_they_come() {
    let project = project(plain().address.port(), "");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    // Clients that leave at any time: before the process has heard of them, before the answer, within the body.
    for path in ["/hello", "/slow", "/drip", "/endless", "/big", "/ask", "/wait"] {
        for round in 0..40 {
            leave(&server, path, Duration::from_micros(round * 100));
        }
    }
    reload(&project, &server, "clients that leave");
    // Bodies that nobody reads.
    for path in ["/drip", "/big", "/hello", "/ask", "/zipped", "/unread", "/null"] {
        for _ in 0..5 {
            let arguments = ["-I", "-H", "Host: a.localhost", "-m", "5"];
            server.curl(path, &arguments);
        }
    }
    assert_eq!(ask(&server, "a", "/unread", &[]).1, "unread");
    reload(&project, &server, "bodies that nobody reads");
    // An upload that nobody reads, and one that is never sent whole.
    let big = "x".repeat(1 << 20);
    project.write("big.txt", &big);
    let file = format!("@{}", project.path().join("big.txt").display());
    assert_eq!(
        ask(&server, "a", "/hello", &["-H", "Expect:", "--data-binary", &*file]).0,
        200
    );
    for _ in 0..10 {
        let head = "POST /echo HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000000\r\n\r\npart";
        let client = server.raw(head.as_bytes());
        std::thread::sleep(Duration::from_millis(3));
        drop(client);
    }
    reload(&project, &server, "uploads");
    // What is stopped, and what was under way beside it or went on behind its response.
    std::thread::scope(|scope| {
        for path in ["/slow", "/drip", "/wait", "/endless"] {
            let server = &server;
            scope.spawn(move || ask(server, "a", path, &["-m", "2"]));
        }
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(ask(&server, "a", "/loop", &[]).0, 503);
        assert_eq!(ask(&server, "a", "/throw", &[]).0, 500);
    });
    reload(&project, &server, "what is stopped");
    assert!(!server.log().contains("link is broken"), "{}", server.log());
}
