//! Server-sent events through the policy: they go on where they ended, and only limits cut them.

use std::time::{Duration, Instant};

use crate::harness::raw::{Next, Raw};
use crate::harness::{Project, json};

const AGENT: &str = "export default { async fetch(request, env, ctx) { \
    if (new URL(request.url).pathname === '/stream') return fetch('http://127.0.0.1:PORT/silent'); \
    const source = new EventSource('http://127.0.0.1:PORT/feed'); \
    const got = []; \
    await new Promise((done) => { source.onmessage = (event) => { got.push([event.data, event.lastEventId]); if (got.length === 3) done(); }; \
      source.onerror = () => { if (source.readyState === 2) { got.push('closed'); done(); } }; }); \
    source.close(); \
    return Response.json(got); } };";

const POLICY: &str = "export default { fetch(request) { \
    if (request.headers.get('last-event-id') === 'forbidden') return new Response('no', { status: 403 }); \
    return fetch(request); } };";

#[test]
fn they_go_on_through_the_policy() {
    let upstream = Raw::start(None, |seen| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        if seen.path() == "/silent" {
            return (format!("{head}data: one\n\n").into_bytes(), Next::Keep);
        }
        let event = match seen.connection {
            0 => "retry: 10\nid: 1\ndata: first\n\n",
            1 => "id: forbidden\ndata: second\n\n",
            _ => "data: never\n\n",
        };
        (format!("{head}{event}").into_bytes(), Next::Close)
    });
    let project = Project::new(&[
        ("agent.js", &AGENT.replace("PORT", &upstream.address.port().to_string())),
        ("policy.js", POLICY),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[network]\nallow = ['local']\n[timeouts]\nidle = '1s'\n[audit]\nfile = 'audit.ndjson'\n[outbound]\nmain = 'policy.js'\n",
        ),
    ]);
    let server = project.serve(&[]);
    let got = json(&server.ok("/"));
    // The third request names the last event, which the policy denies: that is the end.
    assert_eq!(
        got,
        serde_json::json!([["first", "1"], ["second", "forbidden"], "closed"])
    );
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(!seen[0].head.contains("last-event-id") && seen[1].head.contains("last-event-id: 1\r\n"));
    // One that is silent for longer than it may is cut, and the record says for what.
    let began = Instant::now();
    let answer = server.curl("/stream", &[]);
    assert!(answer.body.contains("data: one"), "{}", answer.body);
    assert!(began.elapsed() > Duration::from_millis(900) && began.elapsed() < Duration::from_secs(10));
    let start = Instant::now();
    loop {
        let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
        let record = audit
            .lines()
            .map(json)
            .find(|record| record["url"].as_str().is_some_and(|url| url.ends_with("/silent")));
        if let Some(record) = record {
            assert!(
                record["error"].as_str().is_some_and(|why| why.contains("in time")),
                "{record}"
            );
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{audit}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
