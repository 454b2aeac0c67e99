//! Who an agent is: its tenant and its name, and what its owner's file says of it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::harness::http::Client;
use crate::harness::{Project, Server, otherwise_in_processes};

const AGENT: &str = "
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/crash') ('x'.repeat(2 ** 29 - 30)).split('');
  if (pathname === '/loop') for (;;);
  if (pathname === '/hang') [].includes.call({ length: 2 ** 53 - 1 }, 1);
  if (pathname === '/hold') await scheduler.wait(4000);
  return new Response('here');
} };";

fn ask(server: &Server, host: &str, path: &str) -> (u16, String) {
    Client::new(&server.address, host).get(path).unwrap_or_default()
}

fn project(agents: &[(&str, &str)], more: &str) -> Project {
    let project = Project::new(&[("agent.js", AGENT)]);
    let mut config = String::from("threads = 1\n[audit]\nfile = 'audit.ndjson'\n");
    for (tenant, name) in agents {
        let _ = write!(
            config,
            "[[agents]]\nname = '{name}'\ntenant = '{tenant}'\nmain = 'agent.js'\nmatch = ['{name}.{tenant}.localhost']\n{more}"
        );
    }
    project.write("workerd-lite.toml", &config);
    project
}

#[test]
fn an_end_of_the_process_is_told_with_the_tenant() {
    if otherwise_in_processes("the process that ends is theirs") {
        return;
    }
    let project = project(&[("a", "bot"), ("b", "bot")], "[agents.limits]\ncpu_ms = 10000\n");
    let server = project.serve(&[]);
    let before = server.worker();
    ask(&server, "bot.a.localhost", "/crash");
    let began = Instant::now();
    while server.worker() == before || ask(&server, "bot.b.localhost", "/").0 == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    server.logged("running=\"a/bot\"");
    assert_eq!(ask(&server, "bot.b.localhost", "/"), (200, "here".into()));
}

#[test]
fn a_hang_is_put_down_to_its_tenants_agent() {
    let project = project(&[("a", "bot"), ("b", "bot")], "");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "bot.a.localhost", "/hang").0, 503);
    server.logged("a thread is lost");
    assert_eq!(ask(&server, "bot.b.localhost", "/"), (200, "here".into()));
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let ended: Vec<serde_json::Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        !ended.is_empty() && ended.iter().all(|line| line["tenant"] == "a" && line["agent"] == "bot"),
        "{audit}"
    );
}

#[test]
fn a_bulkhead_serves_one_agent() {
    if otherwise_in_processes("what they do there needs no bulkhead") {
        return;
    }
    let names: Vec<String> = (0..10).map(|number| format!("a{number}")).collect();
    let agents: Vec<_> = names.iter().map(|name| ("t", name.as_str())).collect();
    let project = project(&agents, "");
    let server = project.serve(&[]);
    let host = |number: usize| format!("a{number}.t.localhost");
    for number in 0..10 {
        assert_eq!(ask(&server, &host(number), "/loop").0, 503);
    }
    std::thread::scope(|scope| {
        let held: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || ask(server, &host(number), "/hold")
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs(2));
        // All are at work. A ninth agent is told so, and takes part in nobody's.
        let (status, body) = ask(&server, &host(8), "/hang");
        assert!(
            status == 503 && body.contains("as many requests under way"),
            "{status} {body}"
        );
        for held in held {
            assert_eq!(held.join().unwrap(), (200, "here".into()), "{}", server.log());
        }
    });
    // One that is idle makes room.
    assert_eq!(ask(&server, &host(8), "/"), (200, "here".into()), "{}", server.log());
    assert_eq!(ask(&server, &host(9), "/"), (200, "here".into()), "{}", server.log());
}

#[test]
fn an_agents_own_file_raises_no_limit_and_gives_no_name() {
    let project = Project::new(&[
        (
            "one/wrangler.jsonc",
            r#"{ "name": "two", "main": "index.js", "limits": { "cpu_ms": 30000, "subrequests": 1000 } }"#,
        ),
        ("one/index.js", AGENT),
        (
            "policy.js",
            "export default { fetch: (request, env, { agent }) => Response.json(agent) };",
        ),
    ]);
    let agent = "
      export default { async fetch(request) {
        if (request.url.endsWith('/loop')) for (;;);
        const answers = [];
        for (let n = 0; n < 5; n++) answers.push(await fetch('http://policy.test/').then((r) => r.json(), () => 'no'));
        return Response.json(answers.map((answer) => answer.name ?? answer));
      } };";
    project.write("one/index.js", agent);
    let config = "threads = 1\n[limits]\ncpu_ms = 40\nsubrequests = 3\n[outbound]\nmain = 'policy.js'\n\
                  [[agents]]\nname = 'one'\nconfig = 'one/wrangler.jsonc'\n";
    project.write("workerd-lite.toml", config);
    let server = project.serve(&[]);
    assert_eq!(server.get("/").body, r#"["one","one","one","no","no"]"#);
    let began = Instant::now();
    let stopped = server.get("/loop");
    assert!(
        stopped.status == 503 && stopped.body.contains("CPU time"),
        "{} {}",
        stopped.status,
        stopped.body
    );
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop(server);
    // The lower one wins, and the owner raises what is the owner's.
    let lower = r#"{ "name": "two", "main": "index.js", "limits": { "subrequests": 2 } }"#;
    project.write("one/wrangler.jsonc", lower);
    project.write(
        "workerd-lite.toml",
        &format!("{config}limits = {{ subrequests = 4 }}\n"),
    );
    assert_eq!(project.serve(&[]).get("/").body, r#"["one","one","no","no","no"]"#);
}
