//! Agents by the thousand: isolates that are made when they are needed and put away when they are not, and agents of a folder.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::harness::http::Client;
use crate::harness::{Project, Server, otherwise_in_processes};

const COUNTING: &str = "let count = 0; export default { async fetch(request) {
  const { searchParams } = new URL(request.url);
  if (searchParams.has('wait')) await new Promise((done) => setTimeout(done, Number(searchParams.get('wait'))));
  if (searchParams.has('loop')) for (;;);
  return new Response(String(++count));
} };";

/// A project of so many agents, `a0.localhost` and so on, each with a script of its own.
fn listed(count: usize, config: &str, script: &str) -> Project {
    let mut config = format!("{config}\n");
    let project = Project::new(&[]);
    for index in 0..count {
        let _ = writeln!(
            config,
            "[[agents]]\nname = \"a{index}\"\nmain = \"agents/a{index}/worker.js\"\nmatch = [\"a{index}.localhost\"]"
        );
        project.write(&format!("agents/a{index}/worker.js"), script);
    }
    project.write("workerd-lite.toml", &config);
    project
}

fn ask(server: &Server, host: &str, path: &str) -> (u16, String) {
    Client::new(&server.address, host).get(path).unwrap()
}

/// How many isolates agents have, as the owner's listener says.
fn isolates(admin: u16) -> usize {
    let (_, text) = Client::new(&format!("127.0.0.1:{admin}"), "127.0.0.1")
        .get("/metrics")
        .unwrap();
    let own = |line: &&str| line.starts_with("workerd_lite_isolates{") && line.contains("role=\"agent\"");
    let counts = text.lines().filter(own).map(|line| line.rsplit(' ').next().unwrap());
    counts.map(|count| count.parse::<usize>().unwrap()).sum()
}

fn until(limit: Duration, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_thousand_agents_start_and_each_is_made_when_it_is_asked() {
    if otherwise_in_processes("none is started before it is asked for") {
        return;
    }
    let admin = crate::harness::free_port();
    let project = listed(1000, &format!("admin = {{ listen = \"127.0.0.1:{admin}\" }}"), COUNTING);
    project.write("agents/a700/worker.js", "export default { fetch( }");
    project.write("agents/a701/worker.js", "throw new Error('at its top level');");
    let server = project.serve(&["--threads", "2"]);
    assert!(isolates(admin) <= 32, "a sample is started: {}", isolates(admin));
    for index in [0, 3, 500, 999] {
        assert_eq!(ask(&server, &format!("a{index}.localhost"), "/"), (200, "1".to_owned()));
    }
    // Those that can not be started answer as those do that can not be started again, and are left alone for a while.
    for index in [700, 701] {
        for _ in 0..20 {
            let (status, body) = ask(&server, &format!("a{index}.localhost"), "/");
            assert_eq!(status, 503, "{body}");
            assert!(body.contains("it could not be started"), "{body}");
        }
    }
    assert_eq!(
        server.log().matches("it could not be started: ").count(),
        2,
        "{}",
        server.log()
    );
    assert_eq!(ask(&server, "a702.localhost", "/"), (200, "1".to_owned()));
    // What is mended is read again.
    project.write("agents/a700/worker.js", COUNTING);
    until(Duration::from_secs(10), "a700 is mended", || {
        ask(&server, "a700.localhost", "/").0 == 200
    });

    let (code, _, told) = project.run(&["check"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("a701") && told.contains("at its top level"), "{told}");
    let config = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    project.write(
        "workerd-lite.toml",
        &format!(
            "{}\n[isolates]\neager = true\nmemory_mb = 100\n",
            config.replace("admin =", "# ")
        ),
    );
    let told = project.refused(&["--threads", "2"]);
    assert!(told.contains("at its top level"), "{told}");
}

#[test]
fn a_script_of_few_is_run_before_anything_is_served() {
    let project = listed(16, "", COUNTING);
    project.write("agents/a15/worker.js", "throw new Error('at its top level');");
    assert!(project.refused(&["--threads", "1"]).contains("at its top level"));
}

#[test]
fn an_isolate_without_events_is_put_away_with_all_that_it_had() {
    const AGENT: &str = r#"
import fs from "node:fs";
let kept = "nothing";
const found = () => [
  kept, globalThis.canary, Object.prototype.canary, process.env.CANARY, fs.existsSync("/tmp/canary"),
  Buffer.allocUnsafe(4096).includes("canary"), Buffer.from(new Uint8Array(1 << 20)).includes("canary"),
].map(String).join(" ");
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/plant") {
    kept = globalThis.canary = Object.prototype.canary = process.env.CANARY = "canary";
    fs.writeFileSync("/tmp/canary", "canary");
    Buffer.allocUnsafe(4096).fill("canary");
    globalThis.held = Buffer.alloc(1 << 20, "canary");
    setInterval(() => {}, 1000);
  }
  return new Response(found());
} };"#;
    let admin = crate::harness::free_port();
    let project = listed(
        20,
        &format!("admin = {{ listen = \"127.0.0.1:{admin}\" }}\nisolates = {{ idle = \"1s\" }}"),
        AGENT,
    );
    project.write("agents/a1/worker.js", COUNTING);
    let server = project.serve(&["--threads", "1"]);
    let fresh = "nothing undefined undefined undefined false false false";
    assert_eq!(ask(&server, "a0.localhost", "/").1, fresh);
    assert!(
        ask(&server, "a0.localhost", "/plant")
            .1
            .starts_with("canary canary canary canary true")
    );
    assert_eq!(ask(&server, "a0.localhost", "/").1.split(' ').next(), Some("canary"));
    // One that has an event stays, however long that takes.
    assert_eq!(ask(&server, "a1.localhost", "/").1, "1");
    assert_eq!(ask(&server, "a1.localhost", "/?wait=3500").1, "2");
    until(Duration::from_secs(10), "all are put away", || isolates(admin) == 0);
    assert_eq!(ask(&server, "a0.localhost", "/").1, fresh);
    assert_eq!(ask(&server, "a2.localhost", "/").1, fresh);
    assert_eq!(ask(&server, "a1.localhost", "/").1, "1");
}

#[test]
fn what_an_agent_has_done_is_not_undone_by_idling() {
    if otherwise_in_processes("what they do there needs no bulkhead") {
        return;
    }
    let admin = crate::harness::free_port();
    let project = listed(
        20,
        &format!(
            "admin = {{ listen = \"127.0.0.1:{admin}\" }}\nisolates = {{ idle = \"1s\" }}\nlimits = {{ cpu_ms = 50 }}"
        ),
        COUNTING,
    );
    let server = project.serve(&["--threads", "1"]);
    assert_eq!(ask(&server, "a1.localhost", "/?loop").0, 503);
    until(Duration::from_secs(10), "all are put away", || isolates(admin) == 0);
    // It works apart from the others still.
    assert_eq!(ask(&server, "a1.localhost", "/").0, 200);
    assert_eq!(ask(&server, "a2.localhost", "/").0, 200);
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.worker())).unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    let names: Vec<String> = names.filter(|name| name.starts_with("bulkhead-")).collect();
    assert_eq!(names, ["bulkhead-1\n"]);
}

#[test]
fn isolates_together_take_no_more_memory_than_they_may() {
    if otherwise_in_processes("their isolates are in no memory of the server") {
        return;
    }
    let project = listed(120, "isolates = { memory_mb = 64 }", COUNTING);
    let server = project.serve(&["--threads", "2"]);
    let before = server.memory("VmRSS");
    for index in (0..120).chain((0..120).rev()) {
        let (status, body) = ask(&server, &format!("a{index}.localhost"), "/");
        assert_eq!(status, 200, "a{index}: {body}");
    }
    let grown = server.memory("VmRSS").saturating_sub(before);
    assert!(grown < 140, "{grown} MiB more, with memory_mb = 64");
    // The one that was used last is there, and the one before all others is not.
    assert_eq!(ask(&server, "a0.localhost", "/").1, "2");
    assert_eq!(ask(&server, "a119.localhost", "/").1, "1");
}

#[test]
fn a_folder_of_agents_is_read_as_it_is_asked_for() {
    const NAMED: &str = "export default { async fetch(request, env) {
        const answer = await fetch('http://policy.example/');
        return Response.json({ own: env.OWN ?? null, ...await answer.json() });
    } };";
    let config = "agents_dir = \"agents/\"\nmatch_header = \"x-agent\"\n[outbound]\nmain = \"policy.js\"\n[[agents]]\nname = \"listed\"\nmain = \"listed.js\"\nmatch = [\"listed.example\"]\n";
    let project = Project::new(&[
        ("workerd-lite.toml", config),
        (
            "policy.js",
            "export default { fetch: (request, env, { agent }) => Response.json(agent) };",
        ),
        ("listed.js", NAMED),
        ("agents/plain/worker.js", NAMED),
        (
            "agents/acme/scout/wrangler.jsonc",
            "{ \"name\": \"other\", \"main\": \"src/index.js\", \"vars\": { \"OWN\": \"acme's\" } }",
        ),
        ("agents/acme/scout/src/index.js", NAMED),
        ("agents/globex/scout/worker.js", NAMED),
        ("agents/plain/inner/worker.js", NAMED),
        ("agents/broken/wrangler.jsonc", "{ \"main\": 5 }"),
        (
            "agents/reads/worker.js",
            "import text from '../acme/scout/src/index.js' with { type: 'text' }; export default { fetch: () => new Response(text) };",
        ),
        ("agents/.hidden/worker.js", NAMED),
        ("agents/leads/wrangler.jsonc", "{ \"main\": \"../plain/worker.js\" }"),
        ("outside/worker.js", NAMED),
        ("worker.js", NAMED),
    ]);
    let at = |path: &str| project.path().join(path);
    std::os::unix::fs::symlink(at("outside"), at("agents/linked")).unwrap();
    std::os::unix::fs::symlink(at("agents/acme/scout"), at("agents/globex/alias")).unwrap();
    std::fs::create_dir(at("agents/script")).unwrap();
    std::os::unix::fs::symlink(at("outside/worker.js"), at("agents/script/worker.js")).unwrap();
    let server = project.serve(&["--threads", "2"]);
    let told = |host: &str| -> serde_json::Value { serde_json::from_str(&ask(&server, host, "/").1).unwrap() };
    let named = |name: &str| server.curl("/", &["-H", &format!("x-agent: {name}")]);

    let plain = told("plain.localhost");
    assert_eq!(
        (&plain["name"], &plain["tenant"]),
        (&"plain".into(), &serde_json::Value::Null)
    );
    let acme = told("scout.acme.localhost");
    assert_eq!(
        (&acme["name"], &acme["tenant"], &acme["own"]),
        (&"scout".into(), &"acme".into(), &"acme's".into())
    );
    assert_eq!(told("SCOUT.globex.localhost:80")["tenant"], "globex");
    assert_eq!(told("listed.example")["name"], "listed");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&named("acme/scout").body).unwrap()["tenant"],
        "acme"
    );
    assert_eq!(named("plain").status, 200);

    for stranger in [
        "nobody.localhost",
        "inner.plain.localhost",
        "acme.localhost",
        "plain.acme.localhost",
        "linked.localhost",
        "alias.globex.localhost",
        "script.localhost",
        ".hidden.localhost",
        "..localhost",
        "...localhost",
        "a.scout.acme.localhost",
        "plain.localhost.evil.example",
        "plainlocalhost",
        "localhost",
        "agents.localhost",
        "%2e%2e.localhost",
    ] {
        let (status, _) = Client::new(&server.address, stranger).get("/").unwrap();
        assert!(matches!(status, 404 | 400), "{stranger}: {status}");
    }
    for stranger in [
        "..",
        "../",
        "../outside",
        "../agents/plain",
        "acme/../plain",
        "acme/scout/src",
        "/plain",
        "plain/",
        "./plain",
        ".hidden",
        "acme/.",
        "acme/..",
        "%2e%2e",
        "..\\outside",
        "linked",
        "globex/alias",
        "script",
        "plain/inner",
        "",
        "/",
        "a/b/c",
        "agents",
    ] {
        assert_eq!(named(stranger).status, 404, "{stranger}");
    }
    for (broken, why) in [("broken", "main"), ("reads", "agents/acme"), ("leads", "outside of")] {
        let (status, body) = ask(&server, &format!("{broken}.localhost"), "/");
        assert_eq!(status, 503, "{broken}: {body}");
        assert!(!body.contains("agents"), "{body}");
        server.logged(why);
    }

    // One that comes, changes and goes.
    project.write("agents/late/worker.js", COUNTING);
    until(Duration::from_secs(5), "late is found", || {
        ask(&server, "late.localhost", "/").0 == 200
    });
    project.write("agents/late/worker.js", NAMED);
    until(Duration::from_secs(5), "late has changed", || {
        ask(&server, "late.localhost", "/").1.contains("codeSha256")
    });
    assert_eq!(told("late.localhost")["name"], "late");
    project.write("agents/acme/scout/src/index.js", COUNTING);
    until(Duration::from_secs(5), "scout has changed", || {
        ask(&server, "scout.acme.localhost", "/").1 == "1"
    });
    std::fs::remove_dir_all(at("agents/late")).unwrap();
    until(Duration::from_secs(5), "late is gone", || {
        ask(&server, "late.localhost", "/").0 == 404
    });
    assert_eq!(
        told("plain.localhost")["instance"],
        plain["instance"],
        "the others stay"
    );

    // A reload leaves it as it is.
    server.signal("HUP");
    server.logged("loaded anew");
    assert_eq!(told("plain.localhost")["codeSha256"], plain["codeSha256"]);
    for broken in ["broken", "reads", "leads", "script", "linked"] {
        let _ = std::fs::remove_dir_all(at(&format!("agents/{broken}")));
    }
    let _ = std::fs::remove_file(at("agents/linked"));
    let (code, out, told) = project.run(&["check"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        out.contains("acme/scout") && out.contains("plain") && out.contains("listed"),
        "{out}"
    );
    project.write("agents/globex/scout/worker.js", "throw new Error('at its top level');");
    let (code, _, told) = project.run(&["check"]);
    assert!(code == Some(1) && told.contains("at its top level"), "{told}");
}

#[test]
fn names_that_no_agent_has_cost_next_to_nothing() {
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "agents_dir = \"agents/\"\nmatch_header = \"x-agent\"\n",
        ),
        ("agents/here/worker.js", COUNTING),
    ]);
    let server = project.serve(&["--threads", "2"]);
    let flood = |from: usize| {
        let mut client = Client::new(&server.address, "here.localhost");
        assert_eq!(client.get("/").unwrap().0, 200);
        let mut stream = server.raw(b"");
        for index in from..from + 3200 {
            use std::io::{Read as _, Write as _};
            let name = format!("{index}{}", "x".repeat(50));
            write!(stream, "GET / HTTP/1.1\r\nhost: {name}.t{index}.localhost\r\n\r\n").unwrap();
            if index % 16 == 15 {
                let (mut heads, mut bytes) = (0, [0; 4096]);
                while heads < 16 {
                    let read = stream.read(&mut bytes).unwrap();
                    assert!(read > 0, "the connection ended");
                    heads += String::from_utf8_lossy(&bytes[..read]).matches("Not Found\n").count();
                }
            }
        }
    };
    flood(0);
    let before = server.memory("VmRSS");
    flood(3200);
    flood(6400);
    flood(9600);
    let grown = server.memory("VmRSS").saturating_sub(before);
    assert!(grown < 16, "{grown} MiB for names that no agent has");
    assert_eq!(ask(&server, "here.localhost", "/").0, 200);
}
