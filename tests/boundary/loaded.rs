//! Workers that an agent in a process has loaded live no longer than that process, and no shorter than what they are at work for.

use std::time::{Duration, Instant};

use super::{ask, kill, processes};
use crate::harness::{IN_PROCESSES, Project, Server, records};

const AGENT: &str = r#"
const worker = `
import { WorkerEntrypoint } from "cloudflare:workers";
let served = 0;
export default class extends WorkerEntrypoint {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow") await scheduler.wait(1000);
    if (pathname === "/hangs") await fetch("http://virtual.test/hangs");
    if (pathname === "/behind") this.ctx.waitUntil((async () => { await scheduler.wait(2500); console.log("late", await (await fetch("http://virtual.test/")).text()); })());
    return new Response("VERSION " + ++served);
  }
  one() { return 1; }
}`;
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  // What is loaded ends with its loader's event.
  if (pathname === "/behind") ctx.waitUntil(scheduler.wait(2800));
  const code = { compatibilityDate: "2026-08-04", mainModule: "m.js", modules: { "m.js": worker } };
  const entry = env.LOADER.get("worker", async () => code).getEntrypoint();
  if (pathname === "/called") return fetch("http://virtual.test/called");
  if (pathname === "/lends") return new Response(String(await env.TOOLS.waits(() => entry.one())));
  return entry.fetch(request);
} };
"#;

const POLICY: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
let called = 0;
export class Tools extends WorkerEntrypoint {
  async waits(one) { for (;;) { await scheduler.wait(50); called += await one(); } }
}
export default { async fetch(request, env, ctx) {
  if (request.url.endsWith("/called")) return new Response(String(called));
  if (request.url.endsWith("/hangs")) await scheduler.wait(60_000);
  return new Response("answered " + ctx.agent.name.split("/")[0]);
} };
"#;

fn serve(more: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY)]);
    let agent = |name: &str| {
        format!(
            "[[agents]]\nname = '{name}'\ntenant = '{name}'\nmain = 'agent.js'\nmatch = ['{name}.localhost']\nloaders = ['LOADER']\n\
             [[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\n"
        )
    };
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n{more}\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n{}{}{IN_PROCESSES}",
            agent("a"),
            agent("c")
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

#[test]
fn a_loaded_worker_goes_with_its_loaders_process_and_is_loaded_again() {
    let (project, server) = serve("");
    assert_eq!(ask(&server, "a", "/x", &[]), (200, "VERSION 1".into()));
    assert_eq!(ask(&server, "a", "/x", &[]), (200, "VERSION 2".into()));
    let ours = processes(&server);
    assert_eq!(ask(&server, "c", "/x", &[]), (200, "VERSION 1".into()));
    std::thread::scope(|scope| {
        let server = &server;
        let lost = ["/hangs", "/slow", "/lends"].map(|path| scope.spawn(move || ask(server, "a", path, &["-m", "10"])));
        let other = scope.spawn(move || ask(server, "c", "/slow", &[]));
        std::thread::sleep(Duration::from_millis(400));
        kill(ours[0].1);
        for lost in lost {
            let (status, body) = lost.join().unwrap();
            assert!(
                status == 503 && body.contains("the process that it ran in has ended"),
                "{status} {body}"
            );
        }
        assert_eq!(
            other.join().unwrap(),
            (200, "VERSION 2".into()),
            "another tenant's goes on"
        );
    });
    // What it lent is gone with it, and the policy's event that called it; its isolate serves on.
    let called = || ask(&server, "a", "/called", &[]).1.parse::<u32>().unwrap();
    let before = called();
    assert!(before > 2, "{before}");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(called(), before, "nothing calls it any longer");
    assert_eq!(
        ask(&server, "a", "/x", &[]),
        (200, "VERSION 1".into()),
        "it is loaded again"
    );
    let lost: Vec<_> = records(&project, 4)
        .into_iter()
        .filter(|record| record["reason"] == "process")
        .collect();
    assert!(
        lost.len() == 3 && lost.iter().all(|record| record["agent"] == "a"),
        "{lost:?}"
    );
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn a_process_stays_for_what_its_loaded_workers_are_at_work_for() {
    let (project, server) = serve("shutdown = '5s'\n[isolates]\nidle = '1s'");
    let text = std::fs::read_to_string(project.path().join("agent.js")).unwrap();
    assert_eq!(ask(&server, "a", "/behind", &[]), (200, "VERSION 1".into()));
    let before = processes(&server);
    // It idles for longer than processes are kept, but for what goes on behind its response.
    std::thread::sleep(Duration::from_millis(1800));
    assert_eq!(processes(&server), before, "its event is not over");
    server.logged_within("late answered a", Duration::from_secs(5));
    let began = Instant::now();
    while !processes(&server).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is put away then");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The project is loaded anew meanwhile: who has begun is answered by the code that it began with.
    std::thread::scope(|scope| {
        let server = &server;
        let slow = scope.spawn(move || ask(server, "a", "/slow", &[]));
        std::thread::sleep(Duration::from_millis(300));
        project.write("agent.js", &text.replace("VERSION", "AGAIN"));
        server.signal("HUP");
        let began = Instant::now();
        while ask(server, "a", "/x", &[]).1 != "AGAIN 1" {
            assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
        }
        assert_eq!(slow.join().unwrap().1, "VERSION 1");
    });
}
