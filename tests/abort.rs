//! An aborted signal ends everything that it covers: every read of both bodies, and the request at the upstream.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::harness::partner::Partner;
use crate::harness::{Project, Server, faults, plain};

/// Ways to read or pass on a body, each of which ends with what is thrown.
const READS: [(&str, &str); 16] = [
    ("text", "await r.text()"),
    ("json", "await r.json()"),
    ("bytes", "await r.arrayBuffer()"),
    ("blob", "await r.blob()"),
    ("form", "await r.formData()"),
    ("looked", "r.body; await r.text()"),
    (
        "reader",
        "const reader = r.body.getReader(); for (;;) if ((await reader.read()).done) break",
    ),
    (
        "byob",
        "const reader = r.body.getReader({ mode: 'byob' }); for (;;) if ((await reader.read(new Uint8Array(10))).done) break",
    ),
    ("iterated", "for await (const _ of r.body);"),
    ("piped", "await r.body.pipeTo(new WritableStream())"),
    (
        "transformed",
        "await new Response(r.body.pipeThrough(new TransformStream())).text()",
    ),
    (
        "decoded",
        "for await (const _ of r.body.pipeThrough(new TextDecoderStream()));",
    ),
    (
        "teed",
        "const [a, b] = r.body.tee(); const c = new Response(b).text(); c.catch(() => {}); await new Response(a).text(); await c",
    ),
    (
        "cloned",
        "const c = r.clone(); const t = c.text(); t.catch(() => {}); await r.text().catch(() => {}); await t",
    ),
    ("wrapped", "await new Response(r.body, r).text()"),
    ("later", "await scheduler.wait(600); await r.text()"),
];

/// Heads that are followed by no end, with a length and without.
fn upstreams() -> [std::net::SocketAddr; 2] {
    [
        faults::says(b"HTTP/1.1 200 OK\r\ncontent-type: multipart/form-data; boundary=b\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{ \r\n", faults::Then::Hang),
        faults::says(b"HTTP/1.1 200 OK\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100\r\n\r\n{ ", faults::Then::Hang),
    ]
}

fn serve(agent: &str, policy: &str) -> Server {
    let project = Project::new(&[
        ("agent.js", agent),
        ("policy.js", policy),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n[limits]\ncpu_ms = 1000\nsubrequests = 1000\n",
        ),
    ]);
    project.serve(&["--threads", "1"])
}

fn cases() -> String {
    let cases = READS.map(|(name, code)| format!("  {name}: async (r) => {{ {code} }},\n"));
    cases.concat()
}

/// What a script does with a signal of 300 ms, and which name its error has.
fn reads(urls: &str) -> String {
    format!(
        "const CASES = {{\n{}}};\nconst URLS = {urls};\n\
         async function attempt(name, url, signal) {{\n\
           try {{ await CASES[name](await fetch(url, {{ signal }})); return 'it ended'; }} catch (error) {{ return error.name; }}\n\
         }}\n",
        cases()
    )
}

#[test]
fn every_read_of_an_agent_ends() {
    let [chunked, sized] = upstreams();
    let urls = format!("['http://{chunked}/', 'http://{sized}/']");
    let script = format!(
        "{}export default {{ async fetch(request) {{\n\
           const results = await Promise.all(Object.keys(CASES).flatMap((name) => URLS.map(async (url) => {{\n\
             const controller = new AbortController(); const mine = attempt(name, url, controller.signal);\n\
             setTimeout(() => controller.abort(), 300);\n\
             return [name, await attempt(name, url, AbortSignal.timeout(300)), await mine];\n\
           }})));\n\
           return Response.json(results);\n\
         }} }};\n",
        reads(&urls)
    );
    for (agent, policy) in [
        (
            script.clone(),
            "export default { fetch: (request) => fetch(request) };".to_owned(),
        ),
        // The policy is the one that reads.
        (
            "export default { fetch: () => fetch('http://policy.example/') };".to_owned(),
            script,
        ),
    ] {
        let server = serve(&agent, &policy);
        let began = Instant::now();
        let answer = server.curl("/", &["--max-time", "20"]);
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{:?}: {}",
            began.elapsed(),
            answer.body
        );
        let results: Vec<(String, String, String)> =
            serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body));
        assert_eq!(results.len(), READS.len() * 2);
        for (name, timed, aborted) in results {
            assert_eq!(
                (timed.as_str(), aborted.as_str()),
                ("TimeoutError", "AbortError"),
                "{name}"
            );
        }
    }
}

fn closes(upstream: &Partner, what: &str) {
    let began = Instant::now();
    while upstream.open.load(Ordering::SeqCst) > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{what}: the upstream's connection is still open"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_passed_on_ends_and_so_does_the_upstream() {
    // Responses that go on to the client, by agents and by policies, and requests that the upstream still reads.
    let forwards = "export default { fetch: (request) => fetch(request) };";
    let signal = "{ signal: AbortSignal.timeout(300) }";
    for (what, agent, policy) in [
        ("the agent's response", format!("fetch(U, {signal})"), forwards.to_owned()),
        ("the agent's body", format!("new Response((await fetch(U, {signal})).body)"), forwards.to_owned()),
        (
            "the policy's response",
            "fetch(U)".to_owned(),
            format!("export default {{ fetch: (request) => fetch(request, {signal}) }};"),
        ),
        (
            "the policy's body",
            "fetch(U)".to_owned(),
            format!("export default {{ async fetch(request) {{ const r = await fetch(request, {signal}); return new Response(r.body, r); }} }};"),
        ),
        (
            "the agent's upload",
            format!("fetch(U.replace('/slow', '/sink'), {{ method: 'POST', body: new ReadableStream({{ start(c) {{ c.enqueue(new Uint8Array(9)); }} }}), ...{signal} }})"),
            forwards.to_owned(),
        ),
        (
            "what the policy reads of an upload",
            format!("fetch(U, {{ method: 'POST', body: new ReadableStream({{ start(c) {{ c.enqueue(new Uint8Array(9)); }} }}), ...{signal} }})"),
            "export default { async fetch(request, env, ctx) { ctx.waitUntil(request.text().catch(() => console.log('the read has failed'))); return fetch('http://127.0.0.1:1/').catch(() => new Promise(() => {})); } };".to_owned(),
        ),
    ] {
        let upstream = plain();
        let agent = format!(
            "const U = 'http://127.0.0.1:{}/slow'; export default {{ async fetch() {{ return {agent}; }} }};",
            upstream.address.port()
        );
        let server = serve(&agent, &policy);
        let began = Instant::now();
        let answer = server.curl("/", &["--max-time", "10"]);
        assert!(began.elapsed() < Duration::from_secs(5), "{what}: {:?} {}", began.elapsed(), answer.body);
        assert!(!answer.body.contains("whole"), "{what}: {}", answer.body);
        closes(&upstream, what);
        if what.starts_with("what the policy") {
            server.logged("the read has failed");
        }
    }
}

#[test]
fn an_abort_after_the_end_changes_nothing() {
    let upstream = plain();
    let agent = format!(
        "export default {{ async fetch() {{ const controller = new AbortController(); \
         const r = await fetch('http://127.0.0.1:{}/x', {{ signal: controller.signal }}); const text = await r.text(); controller.abort(); \
         await scheduler.wait(10); const s = await fetch('http://127.0.0.1:{}/x', {{ signal: AbortSignal.timeout(20000) }}); \
         return new Response(text.length > 10 && (await s.json()).method); }} }};",
        upstream.address.port(),
        upstream.address.port()
    );
    let server = serve(&agent, "export default { fetch: (request) => fetch(request) };");
    assert_eq!(server.get("/").body, "GET");
}
