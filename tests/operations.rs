//! What an operator sees and controls: logs, the access log, metrics, the end of a server, and what a reload takes over.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::http::Client;
use crate::harness::{Project, Server, free_port, json, plain};

/// Asks the owner's listener. Gives the status (0 where nobody answers) and the body.
fn admin(port: u16, path: &str) -> (u16, String) {
    let output = Command::new("curl")
        .args(["-sS", "-m", "5", "-w", "\n%{http_code}"])
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (status.parse().unwrap_or(0), body.to_owned())
}

/// Waits until something holds.
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The lines of a file of JSON lines.
fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(json).collect()
}

const AGENT: &str = r#"
export default { async fetch(request, env, ctx) {
  const { pathname, searchParams } = new URL(request.url);
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  if (pathname === "/egress") { console.log("asks"); const answer = await fetch(searchParams.get("to")).catch((error) => error); return new Response(String(answer.status)); }
  if (pathname === "/throw") throw new Error("broken");
  if (pathname === "/loop") for (;;);
  if (pathname === "/stray") { Promise.reject(new Error("stray")); return new Response("stray"); }
  if (pathname === "/slow") { await wait(Number(searchParams.get("ms"))); return new Response("late"); }
  if (pathname === "/after") { ctx.waitUntil(wait(Number(searchParams.get("ms")))); return new Response("soon"); }
  if (pathname === "/stream") {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    (async () => { for (;;) { await writer.write(new TextEncoder().encode("more ")); await wait(50); } })().catch(() => {});
    return new Response(readable);
  }
  if (pathname === "/echo") return new Response(request.body);
  let sum = 0;
  for (let i = 0; i < 3e6; i++) sum += Math.sqrt(i);
  return new Response(`hello ${sum > 0}`);
} };"#;

const POLICY: &str = r#"
export default { fetch(request) {
  console.warn("judges");
  if (new URL(request.url).hostname === "answered.example") return new Response("made up", { status: 201 });
  return fetch(request);
} };"#;

fn project(more: &str) -> (Project, u16) {
    let port = free_port();
    let config = format!(
        "{more}\n[admin]\nlisten = '127.0.0.1:{port}'\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n\
         [limits]\ncpu_ms = 200\n\
         [[agents]]\nname = 'scout'\ntenant = 'acme'\nmain = 'agent.js'\nmatch = ['127.0.0.1', 'scout.localhost']\n\
         [[agents.egress]]\nhosts = ['first.example']\n[[agents.egress]]\nhosts = ['127.0.0.1', 'answered.example', 'localhost']\n\
         [[agents]]\nname = 'other'\nmain = 'agent.js'\nmatch = ['other.localhost']\n"
    );
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", POLICY),
        ("workerd-lite.toml", &config),
    ]);
    (project, port)
}

#[test]
fn each_request_is_one_line_of_the_access_log() {
    let upstream = plain();
    let (project, _) = project("[access_log]\nfile = 'access.ndjson'\nquery = ['page']");
    let server = project.serve(&["--threads", "1", "--log-format", "json"]);
    let to = format!(
        "/egress?to=http%3A%2F%2F127.0.0.1%3A{}%2F&page=2",
        upstream.address.port()
    );
    server.curl(&to, &["-H", "x-request-id: r-1", "-A", "probe/1"]);
    server.curl("/echo?token=s3cret", &["-H", "x-request-id: r-2", "-d", "four"]);
    server.curl("/throw", &["-H", "x-request-id: r-3", "--http2-prior-knowledge"]);
    server.curl("/loop", &["-H", "x-request-id: r-4"]);
    server.curl("/", &["-H", "x-request-id: r-5", "-H", "Host: nobody.example"]);
    server.curl("/", &["-H", "x-request-id: r-6", "-H", "Host: other.localhost"]);
    server.curl("/stream", &["-H", "x-request-id: r-7", "-m", "1"]);
    server.curl("/slow?ms=9000", &["-H", "x-request-id: r-8", "-m", "0.3"]);
    server.curl("/stray", &["-H", "x-request-id: r-9"]);
    let file = project.path().join("access.ndjson");
    let lines = eventually("nine lines", || Some(lines(&file)).filter(|lines| lines.len() == 9));
    let line = |id: &str| lines.iter().find(|line| line["request_id"] == id).unwrap().clone();

    let first = line("r-1");
    for (field, value) in [
        ("event", "access".into()),
        ("agent", "scout".into()),
        ("tenant", "acme".into()),
        ("method", "GET".into()),
        ("host", server.address.clone().into()),
        ("path", Value::from("/egress?to=***&page=2")),
        ("protocol", "HTTP/1.1".into()),
        ("status", 200.into()),
        ("outcome", "ok".into()),
        ("bytes_sent", 3.into()),
        ("egress", 1.into()),
        ("user_agent", "probe/1".into()),
    ] {
        assert_eq!(first[field], value, "{field}: {first}");
    }
    assert!(first["client"] == "127.0.0.1", "{first}");
    assert!(first["ms"].as_f64().unwrap() > 0.0 && first["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&line("r-2")["bytes_received"], &line("r-2")["bytes_sent"]),
        (&4.into(), &4.into())
    );
    assert_eq!(line("r-2")["path"], "/echo?token=***");
    let outcome = |id: &str| {
        let line = line(id);
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        (line["status"].as_u64().unwrap_or(0), text("outcome"), text("reason"))
    };
    let says = |status: u64, outcome: &str, reason: &str| (status, outcome.to_owned(), reason.to_owned());
    assert_eq!(outcome("r-3"), says(500, "error", "exception"));
    assert_eq!(line("r-3")["protocol"], "HTTP/2");
    assert_eq!(outcome("r-4"), says(503, "limit", "cpu"));
    assert!(line("r-4")["cpu_ms"].as_f64().unwrap() > 50.0, "{}", line("r-4"));
    assert_eq!(outcome("r-5"), says(404, "refused", "no_agent"));
    assert!(line("r-5").get("agent").is_none());
    assert_eq!(line("r-6")["agent"], "other");
    assert!(line("r-6").get("tenant").is_none());
    assert_eq!(outcome("r-7"), says(200, "cancelled", ""));
    assert_eq!(outcome("r-8"), says(0, "cancelled", ""));

    // Each line of the log about them says whose and which it is.
    server.logged("nobody handled it");
    let log = server.log();
    for (message, id) in [
        ("asks", "r-1"),
        ("judges", "r-1"),
        ("the handler failed", "r-3"),
        ("an event was ended", "r-4"),
        ("nobody handled it", "r-9"),
    ] {
        let line = log
            .lines()
            .find(|line| line.contains(message) && line.contains(id))
            .unwrap_or_else(|| panic!("{message}, {id}: {log}"));
        let line = json(line);
        assert_eq!(
            (&line["agent"], &line["tenant"]),
            (&"scout".into(), &"acme".into()),
            "{line}"
        );
        assert_eq!(line["request_id"], id, "{line}");
    }
    let replaced = log
        .lines()
        .find(|line| line.contains("its isolate was stopped"))
        .unwrap();
    assert_eq!(
        (&json(replaced)["agent"], &json(replaced)["tenant"]),
        (&"scout".into(), &"acme".into())
    );

    // Who rotates files need not say so, and may.
    std::fs::rename(&file, project.path().join("access.1")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    server.get("/echo");
    eventually("a line in a new file", || file.exists().then_some(()));
    std::fs::rename(&file, project.path().join("access.2")).unwrap();
    server.signal("HUP");
    eventually("a new file", || file.exists().then_some(()));
}

#[test]
fn the_text_log_says_whose_a_line_is() {
    let (project, _) = project("");
    let mut server = project.serve(&["--threads", "1"]);
    server.curl("/egress?to=http://answered.example/", &["-H", "x-request-id: r-1"]);
    server.logged("judges worker=\"policy\" agent=\"scout\" tenant=\"acme\" request_id=\"r-1\"");
    server.logged("asks worker=\"acme/scout\" agent=\"scout\" tenant=\"acme\" request_id=\"r-1\"");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(5)), Some(0));
}

/// The value of a sample, by its name and labels.
fn sample(metrics: &str, name: &str) -> Option<f64> {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[test]
fn a_server_that_stops_says_what_it_waits_for_and_makes_room_for_another() {
    let (project, port) = project("shutdown = '2s'\n[access_log]\nfile = 'access.ndjson'");
    let mut server = project.serve(&["--threads", "1"]);
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(admin(port, path).0, 200, "{path}");
    }
    let (successor, asked) = std::thread::scope(|scope| {
        let short = scope.spawn(|| server.get("/slow?ms=900"));
        let long = scope.spawn(|| {
            server.curl(
                "/slow?ms=60000",
                &["-H", "Host: other.localhost", "-H", "x-request-id: cut-1"],
            )
        });
        let after = scope.spawn(|| server.get("/after?ms=60000"));
        assert_eq!(after.join().unwrap().body, "soon");
        eventually("two requests", || {
            let metrics = admin(port, "/metrics").1;
            let under_way = |labels: &str| sample(&metrics, &format!("workerd_lite_requests_in_flight{{{labels}}}"));
            let both = under_way("agent=\"scout\",tenant=\"acme\"") == Some(1.0)
                && under_way("agent=\"other\",tenant=\"\"") == Some(1.0);
            both.then_some(())
        });
        server.signal("TERM");
        let told = Instant::now();
        eventually("not ready", || {
            (admin(port, "/readyz") == (503, "stopping\n".to_owned())).then_some(())
        });
        assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
        for path in ["/healthz", "/livez", "/metrics"] {
            assert_eq!(admin(port, path).0, 200, "{path}");
        }
        assert_eq!(sample(&admin(port, "/metrics").1, "workerd_lite_draining"), Some(1.0));
        // Another takes both ports, while the first still waits.
        let address = server.address.clone();
        let command = project.command(&["serve", "--threads", "1", "--listen", &address]);
        let successor = scope.spawn(move || Server::of(command)).join().unwrap();
        eventually("ready", || (admin(port, "/readyz").0 == 200).then_some(()));
        for _ in 0..10 {
            assert_eq!(admin(port, "/readyz").0, 200);
        }
        assert_eq!(short.join().unwrap().body, "late");
        (successor, long.join().unwrap())
    });
    // The first is told at its deadline.
    assert_eq!(
        (asked.status, asked.body.as_str()),
        (503, "Service Unavailable: the server stops\n")
    );
    assert_eq!(server.wait(Duration::from_secs(5)), Some(0), "{}", server.log());
    let log = server.log();
    for text in [
        "1 request of acme/scout",
        "1 request of other",
        "2s at most; signal again to stop at once",
        "stopping now, because it took longer than `shutdown`, 2s",
        "1 event of acme/scout whose response was sent (waitUntil)",
        "cut at the end of the server agent=\"other\"",
    ] {
        assert!(log.contains(text), "{text}: {log}");
    }
    let lines = lines(&project.path().join("access.ndjson"));
    let cut = lines
        .iter()
        .find(|line| line["request_id"] == "cut-1")
        .unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(
        (&cut["outcome"], &cut["reason"]),
        (&"cancelled".into(), &"shutdown".into())
    );
    // And a third has no place beside the second.
    let refused = project.refused(&[]);
    assert!(refused.contains("cannot listen on 127.0.0.1:"), "{refused}");
    assert_eq!(successor.get("/echo").status, 200);
}

#[test]
fn a_reload_says_what_needs_a_restart_and_takes_over_the_rest() {
    let (project, port) = project("threads = 1");
    let server = project.serve(&[]);
    let metric = |name: &str| sample(&admin(port, "/metrics").1, &format!("workerd_lite_{name}"));
    assert_eq!(metric("config_last_reload_successful"), Some(1.0));
    let config = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    project.write("workerd-lite.toml", &format!("broken =\n{config}"));
    server.signal("HUP");
    server.logged("could not be loaded anew");
    eventually("a failure", || {
        (metric("config_last_reload_successful") == Some(0.0)).then_some(())
    });
    assert_eq!(metric("config_reloads_total{result=\"failure\"}"), Some(1.0));
    let changed = config.replace("threads = 1", "threads = 2").replace(
        &format!("listen = '127.0.0.1:{port}'"),
        "listen = '127.0.0.1:9'\nhosts = ['metrics.internal']",
    );
    project.write("workerd-lite.toml", &changed);
    project.write("agent.js", "export default { fetch: () => new Response('new') };");
    server.signal("HUP");
    server.logged("threads is 2 now, and stays 1 until the server is restarted");
    server.logged(&format!(
        "admin.listen is 127.0.0.1:9 now, and stays 127.0.0.1:{port} until the server is restarted"
    ));
    eventually("the new agent", || (server.get("/").body == "new").then_some(()));
    assert_eq!(metric("config_last_reload_successful"), Some(1.0));
    assert_eq!(metric("config_reloads_total{result=\"success\"}"), Some(1.0));
    let asked = Command::new("curl")
        .args([
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            "Host: metrics.internal",
        ])
        .arg(format!("http://127.0.0.1:{port}/metrics"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "200");
}

#[test]
fn check_prints_what_would_be_served_for_machines() {
    let (project, _) = project("");
    let (code, out, _) = project.run(&["check", "--json"]);
    let told = json(&out);
    assert_eq!((code, &told["good"]), (Some(0), &true.into()), "{out}");
    let scout = &told["agents"][0];
    assert_eq!(
        (&scout["name"], &scout["tenant"], &scout["modules"]),
        (&"scout".into(), &"acme".into(), &1.into())
    );
    assert_eq!(scout["match"], serde_json::json!(["127.0.0.1", "scout.localhost"]));
    let sha = scout["code_sha256"].as_str().unwrap().to_owned();
    assert_eq!(sha.len(), 64);
    assert_eq!(told["policy"]["policy_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(told["warnings"], serde_json::json!([]));
    // What records say of it is the same.
    project.write(
        "workerd-lite.toml",
        &format!(
            "{}[[agents.egress]]\nname = 'late'\nmode = 'audit'\nhosts = ['x.example']\n[audit]\nfile = 'audit.ndjson'\n",
            std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap()
        ),
    );
    let (_, out, _) = project.run(&["check", "--json"]);
    let told = json(&out);
    assert!(told["warnings"][0].as_str().unwrap().contains("only audits"), "{out}");
    let server = project.serve(&["--threads", "1"]);
    server.get("/egress?to=http://answered.example/");
    let file = project.path().join("audit.ndjson");
    let record = eventually("a record", || lines(&file).pop());
    assert_eq!(record["code_sha256"], Value::from(sha));
    assert_eq!(record["policy_sha256"], told["policy"]["policy_sha256"]);
    drop(server);
    // And what is wrong is told likewise.
    project.write("policy.js", "export default { fetch( };");
    let (code, out, _) = project.run(&["check", "--json"]);
    let told = json(&out);
    assert_eq!((code, &told["good"]), (Some(1), &false.into()));
    assert!(!told["errors"][0]["message"].as_str().unwrap().is_empty(), "{out}");
}

#[test]
fn agents_by_the_thousand_have_few_metrics() {
    let port = free_port();
    let agents = |first: usize| {
        let agents = (first..first + 12).map(|number| {
            format!("[[agents]]\nname = 'a{number}'\ntenant = 't{number}'\nmain = 'agent.js'\nmatch = ['a{number}.localhost']\n")
        });
        let agents: String = agents.collect();
        format!("threads = 1\n[admin]\nlisten = '127.0.0.1:{port}'\nmetrics_agents = 3\n{agents}")
    };
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('x') };"),
        ("workerd-lite.toml", &agents(0)),
    ]);
    let server = project.serve(&[]);
    let ask = |number: usize| server.curl("/", &["-H", &format!("Host: a{number}.localhost")]).body;
    for number in 0..12 {
        assert_eq!(ask(number), "x");
    }
    let requests = |agent: &str, tenant: &str| {
        let name = format!("workerd_lite_requests_total{{agent=\"{agent}\",tenant=\"{tenant}\",status=\"2xx\"}}");
        sample(&admin(port, "/metrics").1, &name)
    };
    eventually("all twelve", || (requests("(other)", "") == Some(9.0)).then_some(()));
    let text = admin(port, "/metrics").1;
    let named = (0..12)
        .filter(|number| text.contains(&format!("agent=\"a{number}\"")))
        .count();
    assert_eq!(named, 3, "{text}");
    // Others come and some go: what was counted together never falls.
    project.write("workerd-lite.toml", &agents(6));
    server.signal("HUP");
    server.logged("loaded anew");
    assert_eq!(ask(17), "x");
    eventually("one more", || (requests("(other)", "") == Some(10.0)).then_some(()));
}

#[test]
fn an_access_log_that_nobody_reads_holds_nobody_up() {
    let port = free_port();
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('x') };"),
        (
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\nthreads = 1\n[access_log]\nfile = '-'\n[admin]\nlisten = '127.0.0.1:{port}'\n"
            ),
        ),
    ]);
    let mut server = project.serve(&[]);
    let mut client = Client::new(&server.address, "127.0.0.1");
    // As much as a pipe takes, a queue of 1024, and more.
    for _ in 0..2000 {
        assert_eq!(client.get("/").unwrap().0, 200);
    }
    let lost = sample(
        &admin(port, "/metrics").1,
        "workerd_lite_lines_lost_total{stream=\"access\"}",
    )
    .unwrap();
    assert!((1.0..1500.0).contains(&lost), "{lost}");
    server.logged("lines of the access log can not be written");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(8)), Some(0), "{}", server.log());
}
