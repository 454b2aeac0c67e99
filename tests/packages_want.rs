//! What packages want of a worker beside Node's modules: timers that are objects, as on Workers since 2026-02-10, and `cloudflare:sockets`.

use crate::harness::{Project, json};

const AGENT: &str = r#"
import { promisify } from "node:util";
import timers from "node:timers";
import { connect } from "cloudflare:sockets";
const code = (promise) => promise.then(() => "connected", (error) => error.code);
const thrown = (run) => { try { run(); return "nothing"; } catch (error) { return error.code ?? error.name; } };
async function ofTimers() {
  const timeout = setTimeout(() => {}, 1000);
  const members = [typeof timeout, timeout.unref() === timeout, timeout.hasRef(), timeout.refresh() === timeout, typeof +timeout];
  clearTimeout(timeout);
  let late = 0;
  clearTimeout(+setTimeout(() => late++, 1));
  let times = 0;
  await new Promise((resolve) => {
    const interval = setInterval(() => { if (++times === 3) resolve(clearInterval(interval)); }, 1);
  });
  const args = await new Promise((resolve) => setTimeout((...args) => resolve(args), "1", 7, 8));
  return { members, late, times, args, later: await promisify(setTimeout)(1, "later"), same: timers.setTimeout === setTimeout,
    wrong: thrown(() => setTimeout("code")), names: Object.keys(globalThis).includes("setTimeout") };
}
async function ofSockets() {
  const socket = connect("127.0.0.1:5432");
  const reading = code(socket.readable.getReader().read());
  const writing = code(socket.writable.getWriter().write(new Uint8Array(1)));
  const { message } = await connect({ hostname: "db.example", port: 5432 }).opened.catch((error) => error);
  return { codes: await Promise.all([code(socket.opened), code(socket.closed), reading, writing]), message,
    wrong: ["nowhere", "a:0", "a:70000", { hostname: "a" }].map((address) => thrown(() => connect(address))) };
}
export default { fetch: async () => Response.json({ timers: await ofTimers(), sockets: await ofSockets() }) };
"#;

#[test]
fn timers_are_objects_and_sockets_refuse() {
    let project = Project::new(&[("agent.js", AGENT)]);
    let server = project.serve(&["agent.js"]);
    let expected = serde_json::json!({
        "timers": {
            "members": ["object", true, false, true, "number"], "late": 0, "times": 3, "args": [7, 8], "later": "later", "same": true,
            "wrong": "ERR_INVALID_ARG_TYPE", "names": true,
        },
        "sockets": {
            "codes": ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"],
            "message": "fetch failed: this worker has no outbound worker, so every request is denied. \
                        Configure one with `--outbound FILE` or `[outbound] main = \"FILE\"` in workerd-lite.toml",
            "wrong": ["TypeError", "TypeError", "TypeError", "TypeError"],
        },
    });
    assert_eq!(json(&server.get("/").body), expected);
}

#[test]
fn without_nodes_modules_timers_are_numbers() {
    let agent = "export default { fetch: () => Response.json(typeof setTimeout(() => {}, 1)) };";
    let project = Project::new(&[
        ("agent.js", agent),
        (
            "wrangler.jsonc",
            r#"{ "main": "agent.js", "compatibility_flags": ["no_nodejs_compat"] }"#,
        ),
    ]);
    assert_eq!(project.serve(&[]).get("/").body, "\"number\"");
}
