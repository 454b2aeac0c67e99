//! Agents in processes of their own, through the real binary.

mod attacks;
mod canary;
mod configuration;
mod ends;
mod evicted;
mod floods;
mod given_back;
mod hostile;
mod life;
mod load;
mod loaded;
mod lost;
mod memory;
mod methods;
mod policy;
mod roads;
mod services;
mod serving;
mod sockets;
mod spare;

use std::fmt::Write as _;
use std::process::Command;

use crate::harness::{Project, Server};

pub use crate::harness::children::{named, processes, spares};

pub fn kill(process: u32) {
    let killed = Command::new("kill").args(["-KILL", &process.to_string()]).status();
    assert!(killed.unwrap().success());
}

pub const AGENT: &str = r#"
const late = [];
export default { async fetch(request, env, ctx) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/hello": return new Response(`hello ${env.NAME} ${Object.keys(env)}`);
    case "/echo": return new Response(request.body, { status: 201, statusText: "Made", headers: { "x-method": request.method, "x-own": request.headers.get("x-own"), "wl-status": "9", keep: "1" } });
    case "/ask": return fetch("http://127.0.0.1:PORT/there?q=1", { method: "POST", body: "asked", headers: { "x-a": "1", "wl-to": "7", date: "d" } });
    case "/up": return fetch("http://127.0.0.1:PORT/up", { method: "POST", body: request.body, duplex: "half" });
    case "/many": { let n = 0; try { for (;;) { await (await fetch("http://virtual.test/answered")).text(); n++; } } catch (e) { return new Response(`${n} ${e}`); } }
    case "/denied": try { return await fetch("http://virtual.test/throw"); } catch (e) { return new Response(`${e.name} ${e.message}`); }
    case "/zipped": return new Response(await (await fetch("http://virtual.test/zipped")).text());
    case "/unread": await fetch("http://virtual.test/zipped"); return new Response("unread");
    case "/log": console.log("a line", url.search); console.error("an error"); return new Response("logged");
    case "/throw": throw new Error("no such luck");
    case "/loop": for (;;);
    case "/heap": { const all = []; for (;;) all.push({ a: [1, 2, 3] }); }
    case "/wait": ctx.waitUntil((async () => { await scheduler.wait(100); console.log("late", await (await fetch("http://virtual.test/answered")).text()); })()); return new Response("waits");
    case "/slow": await scheduler.wait(1500); return new Response("slow");
    case "/drip": { let n = 0; return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(20); c.enqueue(new TextEncoder().encode(`${n}\n`)); if (++n === 5) c.close(); } })); }
    case "/endless": return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(5); c.enqueue(new Uint8Array(1000)); }, cancel() { console.log("was cancelled"); } }));
    case "/abort": request.signal.addEventListener("abort", () => console.log("was aborted")); await scheduler.wait(5000); return new Response("never");
    case "/big": { const piece = new Uint8Array(65536); let n = 0; return new Response(new ReadableStream({ pull(c) { c.enqueue(piece); if (++n === 160) c.close(); } })); }
    case "/head": return new Response(request.method === "HEAD" ? null : "body", { headers: { "content-length": "4" } });
    case "/null": return new Response(null, { status: 204 });
    case "/import": { const { text } = await import("./other.js"); return new Response(text + (await import("./data.json")).default.a); }
    default: return new Response("not here", { status: 404 });
  }
} };
"#;

pub const POLICY: &str = r#"
export default { async fetch(request, env, ctx) {
  const url = new URL(request.url);
  if (url.pathname === "/throw") throw new Error("the owner's own");
  if (url.pathname === "/answered") return new Response(`answered ${ctx.agent.name} ${ctx.agent.tenant}`);
  if (url.pathname === "/zipped") { const zip = new Response("plain ".repeat(500)).body.pipeThrough(new CompressionStream("gzip")); return new Response(zip, { headers: { "content-encoding": "gzip" }, encodeBody: "manual" }); }
  return env.KEY.fetch(request);
} };
"#;

/// Two tenants and an agent without one, each in a process.
pub fn project(port: u16, more: &str) -> Project {
    let project = Project::new(&[
        ("policy.js", POLICY),
        ("other.js", "export const text = 'other';"),
        ("data.json", "{ \"a\": 1 }"),
        (".dev.vars", "TOKEN=canary-5f1d-the-owners\n"),
    ]);
    project.write("agent.js", &AGENT.replace("PORT", &port.to_string()));
    let mut text = format!(
        "threads = 2\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\ncredentials = [{{ binding = 'KEY', credential = 'key' }}]\n\
         [credentials.key]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['127.0.0.1']\n[isolation]\nagents = 'process'\n{more}\n"
    );
    text += &agents(|name| {
        format!("[agents.vars]\nNAME = '{name}'\n[agents.limits]\nsubrequests = 5\nmemory_mb = 32\ncpu_ms = 1500\n")
    });
    project.write("workerd-lite.toml", &text);
    project
}

/// Sections of agents: `a` and `b` of one tenant, `c` of another, `d` of none; each with what `more` gives for its name.
pub fn agents(more: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for (name, tenant) in [
        ("a", "tenant = 'one'"),
        ("b", "tenant = 'one'"),
        ("c", "tenant = 'two'"),
        ("d", ""),
    ] {
        let more = more(name);
        let _ = write!(
            text,
            "[[agents]]\nname = '{name}'\n{tenant}\nmain = 'agent.js'\nmatch = ['{name}.localhost']\n{more}"
        );
    }
    text
}

/// Asks one of them.
pub fn ask(server: &Server, agent: &str, path: &str, arguments: &[&str]) -> (u16, String) {
    let host = format!("Host: {agent}.localhost");
    let all: Vec<&str> = ["-H", &host, "-m", "20"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    let answer = server.curl(path, &all);
    (answer.status, answer.body)
}
