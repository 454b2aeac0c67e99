//! `connect()`: an agent's connections through the policy.

mod bounds;
mod databases;
mod node;
mod policy;
mod secured;
mod servers;

pub use crate::harness::records;
use crate::harness::{Project, Server, json};

/// Does what a path says, and tells what came of it as JSON.
pub const DIALS: &str = r#"
import { connect } from "cloudflare:sockets";
const text = (bytes) => new TextDecoder().decode(bytes);
async function all(readable) {
  let said = "";
  for await (const chunk of readable) said += text(chunk);
  return said;
}
const asks = {
  async echo(to, options) {
    const socket = connect(to, options);
    const info = await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode("hello "));
    await writer.write("there");
    await writer.close();
    return { said: await all(socket.readable), info, closed: (await socket.closed) === undefined, secure: socket.secureTransport, upgraded: socket.upgraded };
  },
  async reads(to, options) {
    const socket = connect(to, options);
    return { said: await all(socket.readable), closed: (await socket.closed) === undefined };
  },
  async large(to) {
    const socket = connect(to);
    let bytes = 0;
    for await (const chunk of socket.readable) bytes += chunk.byteLength;
    return { bytes };
  },
  async upgrades(to, options, params) {
    const socket = connect(to, { secureTransport: "starttls", ...options });
    await socket.opened;
    let writer = socket.writable.getWriter();
    await writer.write("STARTTLS\n");
    let reader = socket.readable.getReader({ mode: "byob" });
    const said = text((await reader.read(new Uint8Array(16))).value);
    writer.releaseLock();
    reader.releaseLock();
    const name = params.get("name");
    const secured = socket.startTls(name === null ? undefined : { expectedServerHostname: name });
    const before = { upgraded: socket.upgraded, secure: secured.secureTransport };
    // Drivers do not wait for it.
    if (!params.has("soon")) await secured.opened;
    const then = all(secured.readable);
    writer = secured.writable.getWriter();
    await writer.write("under TLS");
    await writer.close();
    return { said, ...before, then: await then };
  },
  async keeps(to) {
    const socket = connect(to);
    await socket.opened;
    await socket.writable.getWriter().write("kept");
    return { kept: true };
  },
  async closes(to) {
    const socket = connect(to);
    await socket.opened;
    const reading = socket.readable.getReader().read();
    await socket.close();
    return { done: (await reading).done, closed: (await socket.closed) === undefined };
  },
  async many(to, options, params) {
    const all = [];
    for (let i = 0; i < +params.get("count"); i++) all.push(connect(to, options).opened.then(() => "open", (error) => error.message));
    const seen = await Promise.all(all);
    return { open: seen.filter((one) => one === "open").length, why: seen.find((one) => one !== "open") };
  },
};
export default { async fetch(request, env, ctx) {
  const { pathname, searchParams: params } = new URL(request.url);
  if (pathname === "/pass") return new Response(connect(params.get("to")).readable);
  const to = params.get("to");
  try {
    return Response.json(await asks[pathname.slice(1)](to, JSON.parse(params.get("options") ?? "{}"), params));
  } catch (error) {
    return Response.json({ error: `${error.name}: ${error.message}` });
  }
} };
"#;

/// Hands on what it is asked for.
pub const HANDS_ON: &str = r#"
import { connect } from "cloudflare:sockets";
export default {
  fetch: () => new Response("no", { status: 403 }),
  async connect(socket, env, ctx) {
    const { localAddress } = await socket.opened;
    return connect(localAddress, { secureTransport: socket.secureTransport });
  },
};
"#;

/// The same, as workerd's handlers do it.
pub const PIPES: &str = r#"
import { connect } from "cloudflare:sockets";
export default {
  fetch: () => new Response("no", { status: 403 }),
  async connect(socket, env, ctx) {
    const { localAddress } = await socket.opened;
    const upstream = connect(localAddress, { allowHalfOpen: true });
    await upstream.opened;
    await Promise.all([socket.readable.pipeTo(upstream.writable), upstream.readable.pipeTo(socket.writable)]);
  },
};
"#;

pub fn rule(port: u16) -> String {
    format!(
        "[[outbound.egress]]\nhosts = ['localhost', '127.0.0.1', 'partner.localhost', 'other.localhost']\nprotocols = ['tcp']\nports = [{port}]\n"
    )
}

pub fn serve(agent: &str, policy: &str, more: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", agent), ("policy.js", policy)]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n{more}\n[audit]\nfile = 'audit.ndjson'\n"
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

pub const LOCAL: &str = "[network]\nallow = ['local']\n";

pub fn ask(server: &Server, path: &str) -> serde_json::Value {
    json(&server.ok(path))
}
