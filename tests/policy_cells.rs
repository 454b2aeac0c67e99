//! One policy for many agents: what one does to it is no other's trouble, whether they share an isolate of it or not.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::harness::attacks::{cases, script};
use crate::harness::http::{Client, Neighbour, percentile};
use crate::harness::{Project, Server, free_port, json};

const AGENT: &str = "
export default { async fetch(request) {
  const { pathname, search } = new URL(request.url);
  const ask = (init) => fetch('http://policy.test' + pathname + search, init);
  try {
    if (pathname === '/hoard') {
      for (let n = 0; n < 50; n++) await ask();
      await scheduler.wait(3000);
      return new Response('had them');
    }
    return await ask(request.method === 'POST' ? { method: 'POST', body: request.body } : {});
  } catch (error) { return new Response(String(error), { status: 502 }); }
} };";

const POLICY: &str = "
let count = 0;
const endless = () => new ReadableStream({ async pull(c) { await scheduler.wait(50); c.enqueue(new Uint8Array(1)); } });
export default { async fetch(request) {
  count++;
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case '/loop': for (;;);
    case '/lazy-loop': await scheduler.wait(1); for (;;);
    case '/spend': { let n = 0; while (n < 1e7) n++; return new Response(String(n)); }
    case '/parse': { const body = await request.json(); return new Response(String(body.length)); }
    case '/hoard': return new Response(endless());
    case '/wait': await scheduler.wait(1500); return new Response(String(count));
    case '/pass': return new Response(request.body);
    default: return new Response(String(count));
  }
} };";

/// Two agents of one name for two tenants, and one more of the first tenant, on one thread.
fn project(outbound: &str) -> (Project, u16) {
    let admin = free_port();
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY)]);
    let mut config = format!(
        "threads = 1\n[admin]\nlisten = '127.0.0.1:{admin}'\n[audit]\nfile = 'audit.ndjson'\n[outbound]\nmain = 'policy.js'\n{outbound}\n"
    );
    for (tenant, name) in [("a", "bot"), ("b", "bot"), ("a", "other")] {
        let _ = write!(
            config,
            "[[agents]]\nname = '{name}'\ntenant = '{tenant}'\nmain = 'agent.js'\nmatch = ['{name}.{tenant}.localhost']\n"
        );
    }
    project.write("workerd-lite.toml", &config);
    (project, admin)
}

fn ask(server: &Server, host: &str, path: &str) -> (u16, String) {
    Client::new(&server.address, host).get(path).unwrap_or_default()
}

/// How many events this policy has had.
fn count(server: &Server, host: &str) -> u64 {
    let (status, body) = ask(server, host, "/");
    assert_eq!(status, 200, "{host}: {body} {}", server.log());
    body.trim_start_matches("ok ").parse().unwrap()
}

/// Agents that were ended, as the records have them, by tenant and name.
fn ended(project: &Project) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let lines = text.lines().map(json);
    let mut ended: Vec<_> = lines
        .filter(|line| line["event"] == "terminated")
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (word("tenant"), word("agent"), word("reason"))
        })
        .collect();
    ended.dedup();
    ended
}

fn own(tenant: &str, name: &str, reason: &str) -> (String, String, String) {
    (tenant.into(), name.into(), reason.into())
}

#[test]
fn what_one_tenants_agent_makes_of_its_policy_is_not_anothers() {
    let cases = cases(include_str!("../fixtures/limits/policy.toml"));
    let (project, admin) = project("limits = { cpu_ms = 200, memory_mb = 64, buffers_mb = 16 }");
    project.write("policy.js", &script(&cases));
    let server = project.serve(&[]);
    for _ in 0..3 {
        count(&server, "bot.b.localhost");
    }
    assert_eq!(count(&server, "bot.a.localhost"), 1, "tenant b's are not counted here");
    assert_eq!(count(&server, "other.a.localhost"), 2, "agents of a tenant share one");
    for case in &cases {
        let before = count(&server, "bot.b.localhost");
        let began = Instant::now();
        let victim = Neighbour::new(&server.address, "bot.b.localhost", Duration::from_millis(5));
        let (status, body) = ask(&server, "bot.a.localhost", &format!("/{}", case.name));
        // Apart, it may take its thread along, and its client hears that.
        let denied = status == 502 && body.contains("fetch failed");
        assert!(
            denied || status == 503,
            "{}: {status} {body} {}",
            case.name,
            server.log()
        );
        std::thread::sleep(Duration::from_millis(100));
        let samples = victim.since(began);
        drop(victim);
        let lost = samples.iter().filter(|sample| !sample.served).count();
        assert_eq!(lost, 0, "{}: of {}: {}", case.name, samples.len(), server.log());
        println!(
            "{}: p50 {:?}, p99 {:?}",
            case.name,
            percentile(&samples, 0.5),
            percentile(&samples, 0.99)
        );
        let after = count(&server, "bot.b.localhost");
        assert!(after > before, "{}: its state was reset: {}", case.name, server.log());
        // It is served anew.
        assert_eq!(
            ask(&server, "bot.a.localhost", "/").0,
            200,
            "{}: {}",
            case.name,
            server.log()
        );
    }
    let ended = ended(&project);
    assert!(ended.contains(&own("a", "bot", "cpu")), "{ended:?}");
    assert!(ended.contains(&own("a", "bot", "memory")), "{ended:?}");
    assert!(
        ended.iter().all(|(tenant, name, _)| tenant == "a" && name == "bot"),
        "{ended:?}"
    );
    let url = format!("http://127.0.0.1:{admin}/metrics");
    let output = std::process::Command::new("curl").args(["-sS", &url]).output().unwrap();
    let metrics = String::from_utf8_lossy(&output.stdout).into_owned();
    let stopped = "isolates_replaced_total{worker=\"policy\",agent=\"bot\",tenant=\"a\",reason=\"cpu\"}";
    assert!(metrics.contains(stopped), "{metrics}");
    let ends = |line: &&str| line.contains("_terminated_") || line.contains("_replaced_");
    let other = metrics.lines().filter(ends).find(|line| line.contains("tenant=\"b\""));
    assert_eq!(other, None, "{metrics}");
}

#[test]
fn first_fetches_share_one_boot_and_isolates_are_as_the_owner_says() {
    for (per, shared) in [
        ("tenant", [true, false]),
        ("agent", [false, false]),
        ("server", [true, true]),
    ] {
        let (project, _) = project(&format!("isolate_per = '{per}'"));
        let server = project.serve(&[]);
        std::thread::scope(|scope| {
            let first: Vec<_> = (0..10)
                .map(|_| scope.spawn(|| count(&server, "bot.a.localhost")))
                .collect();
            let mut counts: Vec<_> = first.into_iter().map(|first| first.join().unwrap()).collect();
            counts.sort_unstable();
            assert_eq!(counts, (1..=10).collect::<Vec<_>>(), "{per}");
        });
        let others = [count(&server, "other.a.localhost"), count(&server, "bot.b.localhost")];
        assert_eq!(others.map(|count| count > 10), shared, "{per}: {others:?}");
    }
    let (project, _) = project("isolate_per = 'thread'");
    assert!(project.refused(&[]).contains("isolate_per"));
    let (project, _) = self::project("");
    project.write("policy.js", "export default {};");
    assert!(project.refused(&[]).contains("no fetch handler"));
}

#[test]
fn idle_clients_take_no_more_than_their_agents_places() {
    let (project, _) = project("isolate_per = 'server'\nlimits = { events = 100 }");
    let server = project.serve(&[]);
    count(&server, "bot.b.localhost");
    std::thread::scope(|scope| {
        let flood: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| ask(&server, "bot.a.localhost", "/hoard")))
            .collect();
        std::thread::sleep(Duration::from_millis(700));
        let began = Instant::now();
        let victim = Neighbour::new(&server.address, "bot.b.localhost", Duration::from_millis(5));
        std::thread::sleep(Duration::from_secs(1));
        let samples = victim.since(began);
        let lost = samples.iter().filter(|sample| !sample.served).count();
        assert!(
            lost == 0 && samples.len() > 10,
            "{lost} of {}: {}",
            samples.len(),
            server.log()
        );
        let refused = flood.into_iter().map(|flood| flood.join().unwrap());
        assert!(
            refused.into_iter().any(|(status, _)| status == 502),
            "nobody was refused"
        );
    });
}

#[test]
fn a_body_that_is_too_large_to_read_fails_its_event_only() {
    let (project, _) = project("isolate_per = 'server'");
    let server = project.serve(&[]);
    project.write("large.json", &format!("[{}0]", "{},".repeat((64 << 20) / 3)));
    project.write("small.json", "[1,2,3]");
    let post = |host: &str, path: &str, file: &str| {
        let (host, file) = (
            format!("Host: {host}"),
            format!("@{}", project.path().join(file).display()),
        );
        server.curl(path, &["-H", &host, "--data-binary", &file, "-H", "Expect:"])
    };
    assert_eq!(post("bot.b.localhost", "/parse", "small.json").body, "3");
    let before = count(&server, "bot.b.localhost");
    std::thread::scope(|scope| {
        let waits: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| ask(&server, "bot.b.localhost", "/wait")))
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        for _ in 0..3 {
            let answer = post("bot.a.localhost", "/parse", "large.json");
            assert_eq!(answer.status, 502, "{} {}", answer.body.len(), server.log());
        }
        for waits in waits {
            let (status, body) = waits.join().unwrap();
            assert_eq!(status, 200, "{body} {}", server.log());
        }
    });
    assert!(count(&server, "bot.b.localhost") > before, "its state was reset");
    assert!(!server.log().contains("its isolate was stopped"), "{}", server.log());
    // What is only passed on is not read.
    let passed = post("bot.a.localhost", "/pass", "large.json");
    assert_eq!(
        (passed.status, passed.body.len()),
        (200, std::fs::read(project.path().join("large.json")).unwrap().len())
    );
    assert!(ended(&project).is_empty(), "{:?}", ended(&project));
}

#[test]
fn an_isolate_that_is_stopped_for_one_agent_costs_no_other_its_event() {
    let (project, _) = project("isolate_per = 'server'\nlimits = { cpu_ms = 200 }");
    let server = project.serve(&[]);
    count(&server, "bot.b.localhost");
    for path in ["/loop", "/lazy-loop"] {
        std::thread::scope(|scope| {
            let waits: Vec<_> = (0..5)
                .map(|_| scope.spawn(|| ask(&server, "bot.b.localhost", "/wait")))
                .collect();
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(ask(&server, "bot.a.localhost", path).0, 502);
            for waits in waits {
                let (status, body) = waits.join().unwrap();
                assert_eq!(status, 200, "{path}: {body} {}", server.log());
            }
        });
        let ended = ended(&project);
        assert_eq!(ended, [own("a", "bot", "cpu")], "{path}: {}", server.log());
    }
    assert!(server.log().contains("policy for a/bot"), "{}", server.log());
}

#[test]
fn an_agent_that_costs_the_policy_too_much_works_apart() {
    let (project, _) = project("isolate_per = 'server'");
    let server = project.serve(&[]);
    count(&server, "bot.b.localhost");
    let threads = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", server.worker())).unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names
            .filter(|name| name.starts_with("bulkhead"))
            .map(|name| name.trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(threads(), Vec::<String>::new());
    let end = Instant::now() + Duration::from_secs(4);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut client = Client::new(&server.address, "bot.a.localhost");
                while Instant::now() < end {
                    let _ = client.get("/spend");
                }
            });
        }
        let victim = Neighbour::new(&server.address, "bot.b.localhost", Duration::from_millis(5));
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(
            threads(),
            ["bulkhead-0"],
            "the first agent, and no other: {}",
            server.log()
        );
        let began = Instant::now();
        std::thread::sleep(Duration::from_secs(1));
        let samples = victim.since(began);
        let (p50, lost) = (
            percentile(&samples, 0.5),
            samples.iter().filter(|sample| !sample.served).count(),
        );
        assert!(
            lost == 0 && p50 < Duration::from_millis(100),
            "{p50:?}, {lost} of {}",
            samples.len()
        );
    });
}
