//! The platform by its standards: rows of what a script does, and what it comes to.

mod byob;
mod cloning;
mod compatibility;
mod errors;
mod events;
mod fetching;
mod forms;
mod headers;
mod html_rewriter;
mod inspect;
mod keys;
mod loopback;
mod remote_errors;
mod requests;
mod streams;
mod urls;
mod workers;

use crate::harness::{Project, Server};

/// An exception is its constructor, its name and its code; what is no string is told as JSON.
const AGENT: &str = r#"
const shown = async (run) => {
  try {
    const value = await Promise.race([run(), scheduler.wait(5000).then(() => "it does not end")]);
    return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  } catch (error) {
    if (error === undefined || error === null) return `${error} was thrown`;
    return `${error.constructor.name} ${error.name} ${error.code || ""}`.trim();
  }
};
const bytes = (...list) => new Uint8Array(list);
const utf8 = (text) => new TextEncoder().encode(text);
PRELUDE
const rows = [
ROWS
];
export default { async fetch(request, env, ctx) {
  const wrong = [];
  for (const [expected, run] of rows) {
    const came = await shown(run);
    if (came !== expected) wrong.push(`${run}\n  comes to ${came}\n  and not  ${expected}`);
  }
  return new Response(wrong.join("\n"));
} };
"#;

const POLICY: &str = "export default { fetch: (request) => new Response(request.body, { headers: request.headers }) };";

/// Each row is `[expected, () => what comes to it]`.
fn check(prelude: &str, rows: &str) {
    let agent = AGENT.replace("PRELUDE", prelude).replace("ROWS", rows);
    let server = serve(&agent);
    let answer = server.get("/");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{}", server.log());
}

/// A server of this agent, whose policy answers with what it is sent.
fn serve(agent: &str) -> Server {
    let project = Project::new(&[
        ("agent.js", agent),
        ("policy.js", POLICY),
        (
            "workerd-lite.toml",
            "threads = 1\nmain = 'agent.js'\n[limits]\ncpu_ms = 20000\n[outbound]\nmain = 'policy.js'\n",
        ),
    ]);
    project.serve(&[])
}
