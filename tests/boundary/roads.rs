//! What agents in processes have as others do: services of each other, agents of a folder, and whatever else the suite tries of agents in
//! isolates, tried once more.

use std::process::Command;

use super::{kill, processes};
use crate::harness::{Project, Server, json};

const AGENT: &str = r#"
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
const said = async (promise) => { try { return await promise; } catch (error) { return `${error.name}: ${error.message}`; } };
class Counter extends RpcTarget {
  #n = 0;
  add(n) { return this.#n += n; }
  self() { return this; }
}
const kept = [];
export class Desk extends WorkerEntrypoint {
  who() { return [this.ctx.agent?.name, this.ctx.agent?.tenant, this.ctx.props.of, this.env.NAME]; }
  counter() { return new Counter(); }
  async calls(back, ...more) { return await back(...more); }
  async through(next) { return next.who(); }
  keeps(stub) { kept.push(stub.dup()); return kept.length; }
  async uses() { return said(kept[0]()); }
  throws() { throw new RangeError("of the desk"); }
  async reads(stream) { return new Response(stream).text(); }
  lines(n) { let i = 0; return new ReadableStream({ type: "bytes", pull(c) { c.enqueue(new TextEncoder().encode(`${i}\n`)); if (++i === n) c.close(); } }); }
  large(bytes) { return bytes; }
  async slow() { await scheduler.wait(20000); }
  async fetch(request) { return new Response(`${this.env.NAME} ${request.method} ${await request.text()}`, { headers: { "x-of": String(this.ctx.props.of) } }); }
}
const cases = {
  who: (env) => env.DESK.who(),
  async counter(env) { using counter = await env.DESK.counter(); await counter.add(1); return [await counter.add(2), await env.DESK.counter().self().add(5)]; },
  back: (env) => env.DESK.calls((a, b) => a + b, 20, 22),
  nested: (env) => env.DESK.calls((a) => env.DESK.calls((b) => b * 2, a), 21),
  fails: async (env) => [await said(env.DESK.throws()), await said(env.DESK.calls(() => { throw new TypeError("of the caller"); }))],
  lent: (env) => env.OTHER.through(env.DESK),
  keeps: async (env) => [await env.DESK.keeps(() => "called"), await env.DESK.uses()],
  used: (env) => env.DESK.uses(),
  streams: async (env) => [await env.DESK.reads(new Response("streamed ".repeat(20000)).body).then((text) => text.length), await new Response(await env.DESK.lines(5)).text()],
  order: async (env) => { using counter = await env.DESK.counter(); const all = []; for (let i = 0; i < 100; i++) all.push(counter.add(1)); return (await Promise.all(all)).every((n, i) => n === i + 1); },
  large: async (env) => { const back = await env.DESK.large(new Uint8Array(3 << 20).fill(7)); return [back.length, back[2 << 20]]; },
  fetch: async (env) => { const answer = await env.DESK.fetch("http://in.test/x", { method: "POST", body: "a body" }); return [await answer.text(), answer.headers.get("x-of")]; },
  none: (env) => said(env.NONE.who()),
  slow: (env) => said(env.DESK.slow()),
};
export default { async fetch(request, env) { return Response.json(await cases[new URL(request.url).pathname.slice(1)](env) ?? null); } };
"#;

/// One tenant's agents in a process and in an isolate, and another tenant's.
fn serve() -> (Project, Server) {
    let project = Project::new(&[
        ("agent.js", AGENT),
        (
            "policy.js",
            "export default { fetch: () => new Response('no', { status: 403 }) };",
        ),
    ]);
    let service = |binding: &str, of: &str, more: &str| {
        format!(
            "[[agents.services]]\nbinding = '{binding}'\nservice = '{of}'\nentrypoint = 'Desk'\nprops = {{ of = '{binding}' }}\n{more}\n"
        )
    };
    let agent = |name: &str, tenant: &str, isolation: &str, services: &str| {
        format!(
            "[[agents]]\nname = '{name}'\ntenant = '{tenant}'\nisolation = '{isolation}'\nmain = 'agent.js'\nmatch = ['{name}.localhost']\nvars = {{ NAME = '{name}' }}\n{services}"
        )
    };
    let text = [
        "threads = 1\n[limits]\nsubrequests = 300\nwall = '5s'\ncpu_ms = 2000\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n",
        // Its desk is in its own process, in an isolate of the server's, and in another tenant's process.
        &agent("within", "one", "process", &[service("DESK", "b", ""), service("OTHER", "plain", "")].concat()),
        &agent("b", "one", "process", ""),
        &agent("out", "one", "process", &[service("DESK", "plain", ""), service("OTHER", "b", "")].concat()),
        &agent("plain", "one", "isolate", &[service("DESK", "b", ""), service("OTHER", "within", "")].concat()),
        &agent(
            "across",
            "two",
            "process",
            &[
                service("DESK", "one/b", "cross_tenant = true"),
                service("OTHER", "one/plain", "cross_tenant = true"),
            ]
            .concat(),
        ),
    ]
    .concat();
    project.write("workerd-lite.toml", &text);
    let server = project.serve(&[]);
    (project, server)
}

fn asked(server: &Server, agent: &str, case: &str) -> serde_json::Value {
    let (status, body) = super::ask(server, agent, &format!("/{case}"), &[]);
    assert_eq!(status, 200, "{agent} {case}: {body} {}", server.log());
    json(&body)
}

#[test]
fn agents_call_each_other_wherever_they_are() {
    let (project, server) = serve();
    for (agent, tenant, desk) in [
        ("within", "one", "b"),
        ("out", "one", "plain"),
        ("plain", "one", "b"),
        ("across", "two", "b"),
    ] {
        let is = |case: &str, expected: &str| assert_eq!(asked(&server, agent, case), json(expected), "{agent} {case}");
        is("who", &format!(r#"["{agent}","{tenant}","DESK","{desk}"]"#));
        is("counter", "[3,5]");
        is("back", "42");
        is("nested", "42");
        is("fails", r#"["RangeError: of the desk","TypeError: of the caller"]"#);
        // What was lent stays the lender's.
        is("lent", &format!(r#"["{agent}","{tenant}","DESK","{desk}"]"#));
        is("streams", r#"[180000,"0\n1\n2\n3\n4\n"]"#);
        is("order", "true");
        is("large", "[3145728,7]");
        is("fetch", &format!(r#"["{desk} POST a body","DESK"]"#));
        // A stub is its event's, and goes with it.
        let kept = asked(&server, agent, "keeps").to_string();
        assert!(kept.contains("Error"), "{agent}: {kept}");
        let used = asked(&server, agent, "used").to_string();
        assert!(used.contains("Error"), "{agent}: {used}");
    }
    assert_eq!(processes(&server).len(), 2, "a process for each tenant");
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let of = |agent: &str| {
        let records = audit.lines().map(json);
        records
            .filter(|record| record["agent"] == agent && record["kind"] == "rpc" && record["method"] == "who")
            .count()
    };
    for agent in ["within", "out", "plain", "across"] {
        assert_eq!(of(agent), 2, "{agent}: {audit:.3000}");
    }
}

#[test]
fn a_call_fails_with_the_process_that_it_is_in() {
    let (_project, server) = serve();
    assert_eq!(asked(&server, "plain", "back"), 42);
    let called = processes(&server);
    let waits = {
        let address = server.address.clone();
        std::thread::spawn(move || {
            let output = Command::new("curl")
                .args([
                    "-s",
                    "-m",
                    "10",
                    "-H",
                    "Host: plain.localhost",
                    &format!("{address}/slow"),
                ])
                .output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        })
    };
    std::thread::sleep(std::time::Duration::from_millis(300));
    kill(called[0].1);
    let said = waits.join().unwrap();
    assert!(said.contains("Error") && said.contains("canceled"), "{said}");
    assert_eq!(asked(&server, "plain", "back"), 42);
    assert_ne!(processes(&server), called);
}

#[test]
fn agents_of_a_folder_have_a_process_each() {
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "agents_dir = 'agents'\nmatch_header = 'x-agent'\nthreads = 1\n[isolation]\nagents = 'process'\n",
        ),
        (
            "agents/one/worker.js",
            "export default { fetch: () => new Response('one') };",
        ),
        (
            "agents/acme/two/worker.js",
            "export default { fetch: () => new Response('two') };",
        ),
        (
            "agents/acme/loop/worker.js",
            "export default { fetch() { for (;;); } };",
        ),
    ]);
    let server = project.serve(&[]);
    let asked = |agent: &str| {
        let answer = server.curl("/", &["-H", &format!("x-agent: {agent}"), "-m", "10"]);
        (answer.status, answer.body)
    };
    let is = |agent: &str, body: &str| assert_eq!(asked(agent), (200, body.to_owned()), "{}", server.log());
    assert_eq!(processes(&server).len(), 0);
    is("one", "one");
    is("acme/two", "two");
    assert_eq!(processes(&server).len(), 2);
    assert_eq!(asked("acme/loop").0, 503);
    is("acme/two", "two");
    assert_eq!(asked("acme/three").0, 404);
    // One that has changed is another one, and one that is gone is none.
    std::thread::sleep(std::time::Duration::from_millis(600));
    project.write(
        "agents/one/worker.js",
        "export default { fetch: () => new Response('changed') };",
    );
    std::fs::remove_dir_all(project.path().join("agents/acme/two")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(600));
    is("one", "changed");
    assert_eq!(asked("acme/two").0, 404);
}

/// Tests of agents in isolates that are tried again with agents in processes: a few of each kind. All of them are `ISOLATION=process`.
const AGAIN: &[&str] = &[
    "rpc::values_functions_and_targets_cross",
    "rpc::what_is_not_public_is_not_reached",
    "rpc::calls_are_limited_and_end_with_their_event",
    "rpc_objects::objects_of_the_platform_cross_as_themselves",
    "rpc_services::agents_call_each_other_where_it_is_written",
    "tcp::policy::a_connection_passes_both_ways_and_is_recorded_at_its_end",
    "tcp::policy::much_passes_whole",
    "tcp::policy::loaded_workers_go_the_same_way_or_none",
    "tcp::secured::a_connection_goes_on_under_tls_when_the_agent_asks",
    "websockets::bounds::clients_that_send_too_much_are_closed_with_a_reason",
    "assets::files::a_script_asks_for_files",
    "projects::scheduled_handlers_are_called_where_a_worker_is_developed",
    "front::trailers::",
    "loader::confinement::the_policy_sees_who_it_is",
    "loader::limits::few_live_at_once",
    "loader::methods::",
    "loader::props::",
    "kill::loaded::what_loaded_workers_call_ends",
    "platform::workers::policies_are_told_the_length_of_a_body",
    "policy_cells::an_agent_that_costs_the_policy_too_much_works_apart",
    "policy_cells::what_one_tenants_agent_makes_of_its_policy_is_not_anothers",
    "rpc_attacks::",
    "supervisor::a_process_that_is_replaced_while_a_file_is_broken_costs_nobody_else",
    "websockets::upstreams::what_an_upstream_does_wrong_is_told_in_words",
];

#[test]
fn what_agents_in_isolates_do_is_done_in_processes() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(AGAIN)
        .args(["--test-threads", "2"])
        .env("ISOLATION", "process");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let passed = said.matches("... ok").count();
    assert!(passed >= AGAIN.len(), "{passed}: {said}");
}
