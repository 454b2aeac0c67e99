//! What an event had begun that goes with its process ends, and there is a record of each.

use std::io::Read as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{ask, kill, processes, project};
use crate::harness::{json, plain};

/// An upstream that takes requests and never answers; it tells when each connection has ended.
fn silent() -> (u16, std::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (ended, ends) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, ended) = (client.unwrap(), ended.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while client.read(&mut bytes).is_ok_and(|read| read > 0) {}
                let _ = ended.send(());
            });
        }
    });
    (port, ends)
}

#[test]
fn an_event_that_goes_with_its_process_has_a_record_and_so_has_its_egress() {
    let (port, ends) = silent();
    let project = project(plain().address.port(), "[audit]\nfile = 'audit.ndjson'");
    project.write(
        "agent.js",
        &format!(
            "const ask = () => fetch('http://127.0.0.1:{port}/silent', {{ method: 'POST', body: 'asked' }}); \
             export default {{ async fetch(request, env, ctx) {{ switch (new URL(request.url).pathname) {{ \
             case '/hello': return new Response('hello'); \
             case '/before': return ask(); \
             case '/within': return new Response(new ReadableStream({{ async pull(c) {{ await scheduler.wait(5); c.enqueue(new Uint8Array(100)); }} }})); \
             case '/behind': ctx.waitUntil(ask()); return new Response('went on'); \
             case '/over': await scheduler.wait(1); return new Response('done'); }} }} }};"
        ),
    );
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    assert_eq!(ask(&server, "c", "/hello", &[]).0, 200);
    let victim = *processes(&server).first().unwrap();
    let id = |name: &str| format!("X-Request-Id: {name}");
    std::thread::scope(|scope| {
        let server = &server;
        let before: Vec<_> = (0..3)
            .map(|n| scope.spawn(move || ask(server, "a", "/before", &["-H", &id(&format!("before-{n}"))])))
            .collect();
        let other = scope.spawn(move || ask(server, "c", "/before", &["-H", &id("other"), "-m", "3"]));
        scope.spawn(move || ask(server, "b", "/within", &["-H", &id("within"), "-m", "5"]));
        assert_eq!(
            ask(server, "a", "/behind", &["-H", &id("behind")]),
            (200, "went on".into())
        );
        assert_eq!(ask(server, "a", "/over", &["-H", &id("over")]).0, 200);
        std::thread::sleep(Duration::from_millis(500));
        // Which of the two it is shows by whose requests end.
        kill(victim.1);
        for before in before {
            let (status, body) = before.join().unwrap();
            assert_eq!(status, 503);
            assert!(body.contains("the process that it ran in has ended"), "{body}");
        }
        for _ in 0..4 {
            ends.recv_timeout(Duration::from_secs(5))
                .expect("an egress ends with its event");
        }
        assert!(ends.try_recv().is_err(), "the other tenant's goes on");
        assert_ne!(other.join().unwrap().0, 503);
    });
    let began = Instant::now();
    let records = || -> Vec<Value> {
        let text = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap_or_default();
        text.lines().map(json).collect()
    };
    let wanted = ["before-0", "before-1", "before-2", "behind", "within"];
    let mut ended: Vec<String>;
    loop {
        ended = records()
            .iter()
            .filter(|record| record["event"] == "terminated" && record["reason"] == "process")
            .map(|record| record["request_id"].as_str().unwrap().to_owned())
            .collect();
        if ended.len() >= wanted.len() || began.elapsed() > Duration::from_secs(5) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    ended.sort();
    assert_eq!(ended, wanted, "each event that was lost, once: {:?}", records());
    for record in records().iter().filter(|record| record["reason"] == "process") {
        let agent = if record["request_id"] == "within" { "b" } else { "a" };
        assert_eq!(
            (&record["agent"], &record["tenant"]),
            (&agent.into(), &"one".into()),
            "{record}"
        );
        assert_eq!(record["status"], 503);
    }
    let egress = |id: &str| {
        records()
            .iter()
            .filter(|record| record["request_id"] == id && record["url"].is_string())
            .count()
    };
    for id in ["before-0", "before-1", "before-2", "behind"] {
        assert_eq!(egress(id), 1, "the egress of {id}: {:?}", records());
    }
    // And in the metrics' words, the next request is served.
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
}
