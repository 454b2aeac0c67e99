//! Workers that are loaded at run time, through `env.LOADER`.

mod calls;
mod confinement;
mod lent;
mod limits;
mod methods;
mod modules;
mod policy;
mod props;
mod tails;

use serde_json::Value;

use crate::harness::{Project, Server, json};

const CONFIG: &str = r#"
threads = 1
[outbound]
main = "outbound.js"
[audit]
file = "audit.ndjson"
[[agents]]
name = "scout"
tenant = "acme"
main = "worker.js"
loaders = ["LOADER"]
egress = [{ hosts = ["*.example"] }]
[agents.limits]
cpu_ms = 2000
startup_cpu_ms = 2000
subrequests = 60
memory_mb = 96
"#;

const POLICY: &str = r"
export default { fetch(request, env, ctx) {
  return Response.json({ agent: ctx.agent, url: request.url });
} };
";

/// What each case may use: `code()` makes a `WorkerCode` of one script, `ask()` gives what a stub's entrypoint answers, `why()` the
/// error of a promise or a function.
const TOOLS: &str = r#"
export const code = (main, more = {}) => ({ compatibilityDate: "2026-08-04", mainModule: "main.js", modules: { "main.js": main }, ...more });
export const ask = async (stub, name, options) => (await stub.getEntrypoint(name, options).fetch("http://in.example/")).text();
export const why = async (work) => {
  try { return "no error: " + await (typeof work === "function" && work.then === undefined ? work() : work); } catch (error) { return `${error?.name}: ${error?.message}`; }
};
"#;

/// A server whose agent has these cases, `async name(env, ctx, request) { ... }` each, by path.
fn serve(cases: &str) -> (Project, Server) {
    serve_as(CONFIG, POLICY, cases)
}

fn serve_as(config: &str, policy: &str, cases: &str) -> (Project, Server) {
    serve_with(config, policy, "", cases)
}

/// The same, whose script begins with this.
fn serve_with(config: &str, policy: &str, own: &str, cases: &str) -> (Project, Server) {
    let agent = format!(
        r#"
import {{ ask, code, why }} from "./tools.js";
{own}
const cases = {{ {cases} }};
export default {{ async fetch(request, env, ctx) {{
  const name = new URL(request.url).pathname.slice(1);
  return Response.json(await cases[name](env, ctx, request));
}} }};"#
    );
    let project = Project::new(&[
        ("workerd-lite.toml", config),
        ("outbound.js", policy),
        ("worker.js", &agent),
        ("tools.js", TOOLS),
    ]);
    let server = project.serve(&[]);
    (project, server)
}

/// What a case gives.
fn case(server: &Server, name: &str) -> Value {
    let answer = server.get(&format!("/{name}"));
    assert_eq!(answer.status, 200, "{name}: {} {}", answer.body, server.log());
    json(&answer.body)
}
