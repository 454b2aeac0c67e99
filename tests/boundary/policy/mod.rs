//! The policy in processes of its own, through the real binary; its agents in isolates, and in processes as well.

mod ends;
mod memory;
mod serving;
mod starts;

use super::{agents, named};
use crate::harness::{Project, Server};

/// The policies' processes of a server: each watcher with the process that is inside.
pub fn policies(server: &Server) -> Vec<(u32, u32)> {
    named(server, "policy")
}

pub const AGENT: &str = r#"
export default { async fetch(request, env, ctx) {
  const url = new URL(request.url);
  const said = async (promise) => { try { return await promise; } catch (error) { return new Response(`${error.name}: ${error.message}`, { status: 599 }); } };
  switch (url.pathname) {
    case "/hello": return new Response("hello");
    case "/up": return said(fetch("http://127.0.0.1:PORT/up?q=1", { method: "POST", body: request.body, duplex: "half", headers: { "x-a": "1" } }));
    case "/out": return said(fetch(url.searchParams.get("to")));
    case "/held": { const next = await env.TOOLS.counter(5); return Response.json([await next(), await next(), await env.TOOLS.calls((n) => n * 2)]); }
    case "/body": return new Response(await (await said(fetch("http://virtual.test" + url.search))).text());
    default: return said(fetch("http://virtual.test" + url.pathname + url.search));
  }
} };"#;

pub const POLICY: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export class Tools extends WorkerEntrypoint {
  counter(n) { return () => n++; }
  async calls(back) { return `${this.ctx.agent.name} ${await back(21)}`; }
}
export default { async fetch(request, env, ctx) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/who": return Response.json([ctx.agent.name, ctx.agent.tenant ?? null, Object.keys(env).sort(), env.PLAIN, ctx.props]);
    case "/deny": return new Response("not there", { status: 403 });
    case "/throw": throw new Error("the owner's own");
    case "/loop": for (;;);
    case "/log": console.log("judged", url.search); return new Response("logged");
    case "/slow": await scheduler.wait(1500); return new Response("slow");
    case "/drip": { let n = 0; return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(20); c.enqueue(new TextEncoder().encode(`${n}\n`)); if (++n === 5) c.close(); } })); }
    case "/endless": return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(5); c.enqueue(new Uint8Array(1000)); } }));
    case "/plain": return fetch("http://127.0.0.1:PORT/plain");
    case "/elsewhere": return env.KEY.fetch("http://localhost:PORT/elsewhere");
  }
  return env.KEY.fetch(request);
} };"#;

/// Agents `a` and `b` of one tenant, `c` of another, `d` of none.
pub fn project(port: u16, isolation: &str, more: &str) -> Project {
    let project = Project::new(&[(".dev.vars", "TOKEN=canary-5f1d-the-owners\nPLAIN=plain-77\n")]);
    project.write("agent.js", &AGENT.replace("PORT", &port.to_string()));
    project.write("policy.js", &POLICY.replace("PORT", &port.to_string()));
    let mut text = format!(
        "threads = 2\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n[outbound]\nmain = 'policy.js'\nsecrets = ['PLAIN']\n\
         credentials = [{{ binding = 'KEY', credential = 'key' }}]\n[[outbound.egress]]\nhosts = ['127.0.0.1', 'localhost']\n\
         [credentials.key]\ntype = 'bearer'\nsecret = 'TOKEN'\nredact = 'body'\nhosts = ['127.0.0.1']\n{isolation}{more}\n"
    );
    text +=
        &agents(|_| "[[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\n".to_owned());
    project.write("workerd-lite.toml", &text);
    project
}
