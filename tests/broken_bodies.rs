//! Response bodies that fail after their head was sent: the client sees a connection that ends, the owner reads why.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::faults::listen;
use crate::harness::{Project, free_port, json};

const AGENT: &str = r#"
const encode = (text) => new TextEncoder().encode(text);
function later() {
  let chunks = 0;
  return new ReadableStream({ pull(controller) {
    if (chunks++ === 2) throw new Error("stream broke later");
    controller.enqueue(encode("chunk\n"));
  } });
}
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/later") return new Response(later());
  if (pathname === "/at-once") return new Response(new ReadableStream({ pull() { throw new Error("stream broke at once"); } }));
  if (pathname === "/generator") return new Response(ReadableStream.from((async function* () { yield encode("one"); throw new TypeError("generator broke"); })()));
  if (pathname === "/aborted") {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    writer.write(encode("one")).then(() => writer.abort(new Error("writer gave up")));
    return new Response(readable);
  }
  if (pathname === "/whole") return new Response(new ReadableStream({ start(controller) { controller.enqueue(encode("all")); controller.close(); } }));
  if (pathname === "/endless") return new Response(new ReadableStream({ async pull(controller) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (request.signal.aborted) throw new Error("nobody reads");
    controller.enqueue(encode("more"));
  } }));
  return fetch(searchParams.get("to"));
} };"#;

const POLICY: &str = r#"
export default { fetch(request) {
  if (new URL(request.url).hostname === "made.example") {
    let chunks = 0;
    return new Response(new ReadableStream({ pull(controller) {
      if (chunks++ === 1) throw new Error("the policy's stream broke");
      controller.enqueue(new TextEncoder().encode("chunk\n"));
    } }));
  }
  return fetch(request);
} };"#;

/// An upstream that sends the beginning of a body. `then` is what it does in the place of the rest.
fn upstream(then: Duration) -> String {
    let address = listen(move |mut stream| async move {
        let mut seen = [0; 1024];
        let _ = stream.read(&mut seen).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        tokio::time::sleep(then).await;
    });
    format!("/?to=http%3A%2F%2F{}%3A{}%2F", address.ip(), address.port())
}

fn project(admin: u16) -> Project {
    let config = format!(
        "main = 'agent.js'\n[admin]\nlisten = '127.0.0.1:{admin}'\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n\
         [timeouts]\nidle = '300ms'\n[access_log]\nfile = 'access.ndjson'\n"
    );
    Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", POLICY),
        ("workerd-lite.toml", &config),
    ])
}

fn lines(project: &Project, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(project.path().join("access.ndjson")).unwrap_or_default();
        let lines: Vec<Value> = text.lines().map(json).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{lines:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_failing_response_body_is_told_to_the_owner() {
    let admin = free_port();
    let project = project(admin);
    let server = project.serve(&["--threads", "1", "--log-format", "json"]);
    let (cut, idle) = (upstream(Duration::ZERO), upstream(Duration::from_secs(30)));
    let cases = [
        ("/later", "error", "body", "a body failed: Error: stream broke later"),
        (
            "/at-once",
            "error",
            "body",
            "a body failed: Error: stream broke at once",
        ),
        (
            "/generator",
            "error",
            "body",
            "a body failed: TypeError: generator broke",
        ),
        ("/aborted", "error", "body", "a body failed: Error: writer gave up"),
        (
            "/?to=http%3A%2F%2Fmade.example%2F",
            "error",
            "body",
            "a body failed: Error: the policy's stream broke",
        ),
        (
            &cut,
            "error",
            "upstream",
            "a body failed: an upstream's answer: the body was cut short",
        ),
        (
            &idle,
            "error",
            "upstream",
            "a body failed: an upstream's answer: the body was cut short",
        ),
        ("/whole", "ok", "", ""),
        ("/endless", "cancelled", "", ""),
    ];
    for (index, (path, _, _, said)) in cases.iter().enumerate() {
        let id = format!("x-request-id: r-{index}");
        server.curl(path, &["-H", &id, "-m", "2"]);
        let told = |log: &str| {
            log.lines()
                .any(|line| line.contains(said) && line.contains(&format!("r-{index}")))
        };
        let start = Instant::now();
        while !said.is_empty() && !told(&server.log()) {
            assert!(start.elapsed() < Duration::from_secs(10), "{path}: {}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let lines = lines(&project, cases.len());
    for (index, (path, outcome, reason, said)) in cases.iter().enumerate() {
        let id = format!("r-{index}");
        let line = lines.iter().find(|line| line["request_id"] == *id).unwrap();
        let of = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (of("outcome"), of("reason")),
            ((*outcome).into(), (*reason).into()),
            "{path}: {line}"
        );
        // Once for each, and not at all where the client went away.
        let told = server
            .log()
            .lines()
            .filter(|line| line.contains("a body failed") && line.contains(&id))
            .count();
        assert_eq!(told, usize::from(!said.is_empty()), "{path}: {}", server.log());
    }
    server.logged("(agent.js:6:");
    let output = std::process::Command::new("curl")
        .args(["-sS", &format!("http://127.0.0.1:{admin}/metrics")])
        .output()
        .unwrap();
    let metrics = String::from_utf8(output.stdout).unwrap();
    let counted = |reason: &str| {
        let of = |line: &&str| {
            line.starts_with("workerd_lite_responses_broken_total") && line.contains(&format!("reason=\"{reason}\""))
        };
        let line = metrics.lines().find(of);
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    assert_eq!((counted("body"), counted("upstream")), (5, 2), "{metrics}");
}
