//! One record for each egress: what is in it, what never is, and what happens where it cannot be written.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::Digest as _;

use crate::harness::{Mtls, Project, Server, plain};

/// Waits for this many records.
fn records(path: &Path, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let records: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if records.len() >= count {
            return records;
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{count} records expected: {text}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What it is, what the agent asks for, curl's arguments, and what the record says.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(&'a str, Value)]);

#[test]
fn every_egress_leaves_one_record() {
    let upstream = plain();
    let port = upstream.address.port();
    let config = format!(
        r#"
[audit]
file = "audit.ndjson"
query = ["page"]
[network]
allow = ["local"]
[outbound]
main = "policy.js"
credentials = [{{ binding = "UP", credential = "up" }}]
[[outbound.egress]]
name = "upstreams"
hosts = ["127.0.0.1", "10.9.9.9"]
[credentials.up]
type = "bearer"
secret = "TOKEN"
hosts = ["127.0.0.1:{port}"]
paths = ["/good", "/good/*"]
[[agents]]
name = "scout"
tenant = "acme"
main = "agent.js"
[[agents.egress]]
name = "few"
hosts = ["127.0.0.1", "10.9.9.9", "answered.example", "failed.example", "refused.example", "beyond.example"]
"#
    );
    let project = Project::new(&[
        ("workerd-lite.toml", &config),
        (".dev.vars", "TOKEN=canary-5f1d\n"),
        (
            "agent.js",
            "export default { async fetch(request) { try { return await fetch(decodeURIComponent(new URL(request.url).search.slice(1)), \
             { method: request.method, body: request.body }); } catch (error) { return new Response(String(error), { status: 599 }); } } };",
        ),
        (
            "policy.js",
            r#"export default { fetch(request, env) {
              const { hostname } = new URL(request.url);
              if (hostname === "answered.example") return new Response("made up");
              if (hostname === "refused.example") return new Response("no", { status: 403 });
              if (hostname === "failed.example") throw new Error("canary-stack");
              return env.UP.fetch(request);
            } };"#,
        ),
    ]);
    let server = project.serve(&[]);
    let file = project.path().join("audit.ndjson");
    let cases: [Case<'_>; 9] = [
        (
            "an upstream's answer",
            &format!("http://127.0.0.1:{port}/good%3Fpage=2%26token=s3cret"),
            &[
                "-d",
                "four",
                "-H",
                "x-request-id: req-1",
                "-H",
                "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ],
            &[
                ("verdict", "allow".into()),
                ("by", "policy".into()),
                ("rule", "upstreams".into()),
                ("binding", "up".into()),
                ("status", 200.into()),
                ("bytes_sent", 4.into()),
                ("request_id", "req-1".into()),
                ("method", "POST".into()),
                ("url", format!("http://127.0.0.1:{port}/good?page=2&token=***").into()),
            ],
        ),
        (
            "the agent's rule",
            "http://other.example/",
            &[],
            &[
                ("verdict", "deny".into()),
                ("by", "rule".into()),
                ("rule", "agents.scout.egress".into()),
                ("status", 403.into()),
            ],
        ),
        (
            "the policy's rule",
            "http://beyond.example/",
            &[],
            &[
                ("verdict", "deny".into()),
                ("by", "rule".into()),
                ("rule", "outbound.egress".into()),
            ],
        ),
        (
            "the policy's answer",
            "http://answered.example/",
            &[],
            &[
                ("verdict", "answer".into()),
                ("by", "policy".into()),
                ("bytes_received", 7.into()),
            ],
        ),
        (
            "the policy's denial",
            "http://refused.example/",
            &[],
            &[
                ("verdict", "deny".into()),
                ("by", "policy".into()),
                ("status", 403.into()),
            ],
        ),
        (
            "the policy's failure",
            "http://failed.example/",
            &[],
            &[
                ("verdict", "deny".into()),
                ("by", "policy".into()),
                ("error", "the outbound worker failed".into()),
            ],
        ),
        (
            "the credential's scope",
            &format!("http://127.0.0.1:{port}/bad"),
            &[],
            &[
                ("verdict", "deny".into()),
                ("by", "credential".into()),
                ("status", 403.into()),
                (
                    "error",
                    "the credential \"up\" is not bound to this path: see [credentials.up] in workerd-lite.toml".into(),
                ),
            ],
        ),
        (
            "the credential's host",
            "http://127.0.0.1:1/good",
            &[],
            &[("verdict", "deny".into()), ("by", "credential".into())],
        ),
        (
            "an address",
            "http://10.9.9.9/good",
            &[],
            &[("verdict", "deny".into()), ("by", "credential".into())],
        ),
    ];
    for (index, (what, url, arguments, expected)) in cases.into_iter().enumerate() {
        server.curl(&format!("/?{url}"), arguments);
        let all = records(&file, index + 1);
        assert_eq!(all.len(), index + 1, "{what}: one record each");
        let record = &all[index];
        for (field, value) in expected {
            assert_eq!(&record[*field], value, "{what}, {field}: {record}");
        }
        assert_eq!(
            (&record["agent"], &record["tenant"]),
            (&"scout".into(), &"acme".into()),
            "{what}"
        );
        assert_eq!(record["code_sha256"].as_str().unwrap().len(), 64);
        assert_eq!(record["policy_sha256"].as_str().unwrap().len(), 64);
        assert!(record["ms"]["total"].as_f64().unwrap() > 0.0, "{what}: {record}");
    }
    let first = &records(&file, 1)[0];
    for time in ["waiting", "policy", "connect", "first_byte", "total"] {
        assert!(first["ms"][time].as_f64().unwrap() > 0.0, "{time}: {first}");
    }
    assert!(first["bytes_received"].as_u64().unwrap() > 100, "{first}");
    // The second request takes the first one's connection.
    server.curl(&format!("/?http://127.0.0.1:{port}/good"), &[]);
    let all = std::fs::read_to_string(&file).unwrap();
    assert!(
        !all.contains("canary") && !all.contains("s3cret") && !all.contains("made up"),
        "{all}"
    );
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn an_address_that_is_not_allowed_is_recorded_as_such() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch: (r) => fetch(decodeURIComponent(new URL(r.url).search.slice(1))) };",
        ),
        ("policy.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n",
        ),
    ]);
    let server = project.serve(&[]);
    for (index, url) in [
        "http://10.0.0.1/",
        "http://localhost:1/",
        "http://169.254.169.254/latest",
    ]
    .iter()
    .enumerate()
    {
        server.get(&format!("/?{url}"));
        let record = &records(&project.path().join("audit.ndjson"), index + 1)[index];
        assert_eq!(
            (&record["verdict"], &record["by"]),
            (&"deny".into(), &"address".into()),
            "{record}"
        );
    }
}

#[test]
fn identifiers_go_through_agent_policy_and_upstream() {
    let mtls = Mtls::standard();
    mtls.project.write(
        "outbound.js",
        "export default { fetch(request, env) { console.log('in the policy'); return env.PARTNER.fetch(request); } };",
    );
    let config = std::fs::read_to_string(mtls.project.path().join("workerd-lite.toml")).unwrap();
    mtls.project
        .write("workerd-lite.toml", &format!("{config}\n[trace]\npropagate = true\n"));
    let server = mtls.serve();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = server.curl(
        "/x",
        &["-H", "x-request-id: req-7", "-H", &format!("traceparent: {parent}")],
    );
    let seen: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(seen["headers"]["x-request-id"], "req-7");
    let arrived = seen["headers"]["traceparent"].as_str().unwrap();
    assert!(arrived.starts_with(&parent[..36]) && arrived != parent, "{arrived}");
    server.logged("request_id=\"req-7\"");
}

#[test]
fn the_file_is_opened_anew_on_sighup() {
    let upstream = plain();
    let project = Project::new(&[
        (
            "agent.js",
            &format!(
                "export default {{ fetch: () => fetch('http://127.0.0.1:{}/') }};",
                upstream.address.port()
            ),
        ),
        ("policy.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n",
        ),
    ]);
    let server = project.serve(&[]);
    let (file, old) = (project.path().join("audit.ndjson"), project.path().join("audit.1"));
    server.get("/");
    records(&file, 1);
    std::fs::rename(&file, &old).unwrap();
    server.signal("HUP");
    server.logged("the project was loaded anew");
    server.get("/");
    assert_eq!(records(&file, 1).len(), 1);
    assert_eq!(records(&old, 1).len(), 1);
}

#[test]
fn egress_stops_where_records_must_be_written_and_cannot_be() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let upstream = plain();
    for (mode, statuses) in [("deny", [500, 500]), ("warn", [200, 200])] {
        let project = Project::new(&[
            (
                "agent.js",
                &format!(
                    "export default {{ fetch: () => fetch('http://127.0.0.1:{}/') }};",
                    upstream.address.port()
                ),
            ),
            ("policy.js", "export default { fetch: (request) => fetch(request) };"),
        ]);
        project.write(
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n\
                 [audit]\nfile = '/dev/full'\non_failure = '{mode}'\n"
            ),
        );
        let server = project.serve(&["--threads", "1"]);
        let before = upstream.requests.load(Ordering::SeqCst);
        assert_eq!(server.get("/").status, statuses[0]);
        server.logged("audit records can not be written");
        assert_eq!(server.get("/").status, statuses[1], "{mode}");
        let arrived = upstream.requests.load(Ordering::SeqCst) - before;
        assert_eq!(
            arrived,
            if mode == "deny" { 0 } else { 2 },
            "nothing leaves before it is written"
        );
    }
}

/// Two agents of different tenants with the same name, whose policy lets pass what goes to an upstream.
fn two_tenants(audit: &str) -> Project {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch(request) {
              const { searchParams: p } = new URL(request.url);
              const url = p.get('url') + 'a'.repeat(Number(p.get('long') ?? 0));
              const one = async () => {
                try { const r = await fetch(url, { method: p.get('method') ?? 'GET' }); await r.text(); return r.status; } catch { return 599; }
              };
              const all = await Promise.all(Array.from({ length: Number(p.get('times') ?? 1) }, one));
              return Response.json(all);
            } };",
        ),
        (
            "policy.js",
            "export default { fetch: (request) => new URL(request.url).hostname === '127.0.0.1' ? fetch(request) : new Response('no', { status: 403 }) };",
        ),
    ]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[limits]\nsubrequests = 100000\ncpu_ms = 10000\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n\
             limits = {{ cpu_ms = 10000 }}\n[audit]\n{audit}\n\
             [[agents]]\nname = 'bot'\ntenant = 'a'\nmain = 'agent.js'\nmatch = ['a.localhost']\n\
             [[agents]]\nname = 'bot'\ntenant = 'b'\nmain = 'agent.js'\nmatch = ['b.localhost']\n"
        ),
    );
    project
}

fn ask(server: &Server, tenant: &str, query: &str) -> Vec<u64> {
    let answer = server.curl(&format!("/?{query}"), &["-H", &format!("host: {tenant}.localhost")]);
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn what_an_agent_writes_too_long_is_cut() {
    let project = two_tenants("file = 'audit.ndjson'");
    let server = project.serve(&[]);
    ask(&server, "a", "url=http://denied.test/&long=65000");
    let method = "M".repeat(5000);
    ask(&server, "a", &format!("url=http://denied.test/&method={method}"));
    ask(&server, "a", "url=http://&long=65000");
    let all = records(&project.path().join("audit.ndjson"), 2);
    let hash = |text: &str| hex::encode(sha2::Sha256::digest(text));
    let url = format!("http://denied.test/{}", "a".repeat(65_000));
    assert!(url.starts_with(all[0]["url"].as_str().unwrap()), "{}", all[0]);
    assert_eq!(all[0]["cut"]["url"]["length"], url.len());
    assert_eq!(all[0]["cut"]["url"]["sha256"], hash(&url));
    assert_eq!(all[1]["cut"]["method"]["length"], method.len());
    assert_eq!(all[1]["cut"]["method"]["sha256"], hash(&method));
    for record in all {
        assert!(record.to_string().len() < 3000, "{record}");
    }
    assert!(server.log().lines().all(|line| line.len() < 3000), "{}", server.log());
}

#[test]
fn a_flood_of_what_is_denied_is_counted() {
    let upstream = plain();
    let project = two_tenants("file = 'audit.ndjson'\nrate = 20");
    let server = project.serve(&[]);
    ask(&server, "a", "url=http://denied.test/&long=60000&times=500");
    ask(&server, "b", "url=http://denied.test/");
    let port = upstream.address.port();
    assert_eq!(
        ask(&server, "a", &format!("url=http://127.0.0.1:{port}/&times=50")),
        [200; 50]
    );
    let file = project.path().join("audit.ndjson");
    let start = Instant::now();
    loop {
        let all = records(&file, 1);
        let of = |tenant: &str, verdict: &str| {
            all.iter()
                .filter(|record| record["tenant"] == tenant && record["verdict"] == verdict)
                .count()
        };
        let omitted: Vec<_> = all
            .iter()
            .filter(|record| record["event"] == "records omitted")
            .collect();
        let counted: u64 = omitted
            .iter()
            .map(|record| record["beyond_rate"].as_u64().unwrap())
            .sum();
        let written = of("a", "deny");
        // What has left is never counted only.
        if (of("b", "deny"), of("a", "allow"), written as u64 + counted) == (1, 50, 500) {
            assert!(written < 400, "{written}");
            let whose = |record: &&Value| record["tenant"] == "a" && record["agent"] == "bot";
            assert!(omitted.iter().all(whose), "{omitted:?}");
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{written} and {counted}: {omitted:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_leaves_is_recorded_though_nobody_reads() {
    let upstream = plain();
    let port = upstream.address.port();
    let project = two_tenants("on_failure = 'deny'\nrate = 100000");
    let mut server = project.serve(&[]);
    // Standard output stands still, and fills.
    let mut denied = 0;
    while denied == 0 {
        let statuses = ask(
            &server,
            "a",
            &format!("url=http://127.0.0.1:{port}/&long=2000&times=300"),
        );
        denied = statuses.iter().filter(|status| **status != 200).count();
    }
    let arrived = upstream.requests.load(Ordering::SeqCst);
    assert_eq!(
        ask(&server, "b", &format!("url=http://127.0.0.1:{port}/")),
        [200],
        "another's places are its own"
    );
    let ask_again = ask(&server, "a", &format!("url=http://127.0.0.1:{port}/&times=20"));
    assert!(ask_again.iter().all(|status| *status != 200), "{ask_again:?}");
    assert_eq!(
        upstream.requests.load(Ordering::SeqCst),
        arrived + 1,
        "nothing more left"
    );
    let output = server.stdout();
    let reading = std::thread::spawn(move || std::io::read_to_string(output).unwrap());
    std::thread::sleep(Duration::from_secs(2));
    server.signal("TERM");
    let text = reading.join().unwrap();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |tenant: &str, event: Option<&str>, verdict: &str| {
        all.iter()
            .filter(|record| {
                record["tenant"] == tenant && record["event"].as_str() == event && record["verdict"] == verdict
            })
            .count()
    };
    assert_eq!((of("b", Some("leaves"), "allow"), of("b", None, "allow")), (1, 1));
    assert_eq!(
        (of("a", Some("leaves"), "allow"), of("a", None, "allow")),
        (arrived, arrived)
    );
}
