//! Methods of the policy that an agent in a process calls, in its own name.

use crate::harness::{IN_PROCESSES, Project, Server, json};

const AGENT: &str = r#"
const said = async (promise) => { try { return await promise; } catch (error) { return `${error.name}: ${error.message}`; } };
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/keys": return Response.json(Object.keys(env));
    case "/values": {
      const sent = { n: 1n, at: new Date(7), map: new Map([["a", new Set([1])]]), bytes: new Uint8Array([1, 2, 3]), none: undefined };
      sent.self = sent;
      const back = await env.TOOLS.echo(sent, "two");
      return Response.json([back.count, back.first.self === back.first, back.first.map.get("a").has(1), [...back.first.bytes], String(back.first.n), back.who]);
    }
    case "/large": { const back = await env.TOOLS.echo(new Uint8Array(5 << 20).fill(7)); return Response.json([back.first.length, back.first[4 << 20]]); }
    case "/logs": console.log("a line", 1); return new Response("logged");
    case "/throws": throw new Error("no such luck");
    case "/property": return Response.json(await env.TOOLS.version);
    case "/fails": return Response.json([await said(env.TOOLS.fails()), await said(env.TOOLS.tells()), await said(env.TOOLS.nothing())]);
    case "/denied": return Response.json([await said(env.LIST.listAll()), await said(env.LIST.echo(1)), await said(env.LIST.fetch("http://in.test/"))]);
    case "/holds": return Response.json([
      await said((await env.TOOLS.echo(() => 1)).first()), await new Response((await env.TOOLS.echo(new Response("streamed").body)).first).text(), await (await env.TOOLS.gives())(), await env.TOOLS.chain().next()]);
    case "/fetch": { const answer = await env.TOOLS.fetch("http://in.test/x", { method: "POST", body: "a body" }); return new Response(await answer.text(), { status: answer.status }); }
    case "/many": { const all = await Promise.all(Array.from({ length: 40 }, (_, n) => env.TOOLS.echo(n))); return Response.json(all.map((one) => one.first).join() === Array.from({ length: 40 }, (_, n) => n).join()); }
    case "/too-many": { let n = 0; try { for (;;) { await env.TOOLS.echo(n); n++; } } catch (error) { return new Response(`${n} ${error.message}`); } }
    case "/slow": ctx.waitUntil(said(env.TOOLS.slow())); return new Response("left");
    case "/loops": return Response.json(await said(env.TOOLS.loops()));
    case "/later": { const later = env.TOOLS.echo(1); return Response.json([await said(later), await said(later)].map((one) => one.first)); }
    default: return new Response("none", { status: 404 });
  }
} };"#;

const POLICY: &str = r#"
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { RpcError } from "workerd-lite:policy";
class Own extends Error { name = "Own"; }
class Held extends RpcTarget { next() { return 1; } }
export class Tools extends WorkerEntrypoint {
  get version() { return { of: "tools" }; }
  echo(first, ...more) { return { first, count: more.length + 1, who: `${this.ctx.agent.name} ${this.ctx.agent.tenant} ${this.ctx.props.repo}` }; }
  fails() { throw new Own("the owner's own"); }
  tells() { throw new RpcError("may be told"); }
  listAll() { return ["a"]; }
  gives() { return () => 1; }
  chain() { return new Held(); }
  loops() { for (;;); }
  async slow() { await scheduler.wait(10000); console.log("was not stopped"); }
  async fetch(request) { return new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, { status: 202 }); }
}
export default {
  fetch: () => new Response("no", { status: 403 }),
  tail([item]) { console.log("told", item.scriptName, item.outcome, new URL(item.event.request.url).pathname, item.logs.map(({ message }) => message.join()).join()); },
};"#;

fn serve() -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY)]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[limits]\nsubrequests = 60\ncpu_ms = 2000\n[outbound]\nmain = 'policy.js'\n[outbound.limits]\ncpu_ms = 100\n[audit]\nfile = 'audit.ndjson'\n\
             [[agents]]\nname = 'scout'\ntenant = 'acme'\nmain = 'agent.js'\nmatch = ['127.0.0.1']\n\
             [[agents.tails]]\nservice = 'outbound'\n[[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\nprops = {{ repo = 'site' }}\n\
             [[agents.services]]\nbinding = 'LIST'\nservice = 'outbound'\nentrypoint = 'Tools'\nmethods = ['list*']\n{IN_PROCESSES}"
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

#[test]
fn an_agent_in_a_process_calls_its_policys_methods() {
    let (project, server) = serve();
    let asked = |path: &str| {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}: {} {}", answer.body, server.log());
        answer.body
    };
    assert_eq!(asked("/keys"), r#"["TOOLS","LIST"]"#);
    assert_eq!(asked("/values"), r#"[2,true,true,[1,2,3],"1","scout acme site"]"#);
    assert_eq!(asked("/large"), "[5242880,7]");
    assert_eq!(asked("/property"), r#"{"of":"tools"}"#);
    let failed = json(&asked("/fails"));
    let failed: Vec<&str> = failed
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one.as_str())
        .collect();
    assert_eq!(failed[0], "Error: internal error");
    assert!(
        failed[1].contains("may be told") && failed[2].starts_with("TypeError"),
        "{failed:?}"
    );
    server.logged("the owner's own");
    let denied = json(&asked("/denied"));
    assert_eq!(denied[0], json(r#"["a"]"#));
    for refused in [&denied[1], &denied[2]] {
        assert!(refused.as_str().unwrap().contains("not among the methods"), "{refused}");
    }
    assert_eq!(asked("/holds"), r#"[1,"streamed",1,1]"#);
    let answer = server.get("/fetch");
    assert_eq!((answer.status, &*answer.body), (202, "POST /x a body"));
    assert_eq!(asked("/many"), "true");
    assert_eq!(asked("/too-many"), "60 RPC failed: too many subrequests by one event");
    assert_eq!(asked("/later"), "[1,1]");
    // The policy's event is stopped, or ends with the agent's, and the process goes on.
    let before = super::processes(&server);
    assert!(asked("/loops").contains("canceled"));
    assert_eq!(asked("/property"), r#"{"of":"tools"}"#);
    // It works apart for a while, in a process alone: the policy was stopped for it.
    let now = super::processes(&server);
    assert!(before.iter().all(|process| now.contains(process)), "{before:?} {now:?}");
    // Whoever is told of its events is told of these.
    assert_eq!(asked("/logs"), "logged");
    server.logged("told scout ok /logs a line,1");
    assert_eq!(server.get("/throws").status, 500);
    server.logged("told scout exception /throws");
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let recorded = |method: &str| {
        let records = audit
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        records
            .filter(|record| record["agent"] == "scout" && record.to_string().contains(method))
            .count()
    };
    assert!(recorded("listAll") >= 1 && recorded("echo") >= 40, "{audit:.2000}");
}
