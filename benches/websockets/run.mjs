#!/usr/bin/env node
// WebSockets: echoes through nginx, through this server whose policy hands the socket on or stands in between, and through npm workerd the
// same ways; messages a second, CPU time of the proxy per message, ratios. Then what idle sockets keep.
// Needs nginx; workerd where WORKERD names it (else it is left out).
//   benches/websockets/run.mjs [--seconds 4] [--connections 64] [--size 64] [--idle 4000] [--only idle|echo]
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "64" },
    size: { type: "string", default: "64" },
    idle: { type: "string", default: "4000" },
    only: { type: "string" },
  },
});
const [seconds, connections, size, idle] = ["seconds", "connections", "size", "idle"].map((name) => Number(values[name]));
const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.WORKERD_LITE ?? join(here, "../../target/release/workerd-lite");
const folder = mkdtempSync(join(tmpdir(), "websockets-"));
const [UPSTREAM, NGINX, OURS, WORKERD] = [9281, 9282, 9283, 9284];
const running = [];

const AGENT = `
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname !== "/idle") return fetch("http://localhost:${UPSTREAM}" + pathname, { headers: { upgrade: "websocket" } });
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(data));
  return new Response(null, { status: 101, webSocket: client });
} };`;
const POLICY = `
export default { async fetch(request) {
  const response = await fetch(request);
  if (!request.url.endsWith("/between")) return response;
  const up = response.webSocket;
  const [agent, own] = Object.values(new WebSocketPair());
  own.accept();
  up.accept();
  own.addEventListener("message", ({ data }) => up.send(data));
  up.addEventListener("message", ({ data }) => own.send(data));
  own.addEventListener("close", () => up.close(1000));
  up.addEventListener("close", () => own.close(1000));
  return new Response(null, { status: 101, webSocket: agent });
} };`;
const files = {
  "agent.js": AGENT,
  "policy.js": POLICY,
  "workerd-lite.toml": `
main = "agent.js"
threads = 1
listen = "127.0.0.1:${OURS}"
[limits]
websockets = 40000
buffers_mb = 64
events = 40000
clients = 40000
connections = 40000
websocket_idle = "1h"
cpu_ms = 1000
[outbound]
main = "policy.js"
[network]
allow = ["local"]
`,
  "nginx.conf": `
worker_processes 1; daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 20000; }
http {
  access_log off; proxy_read_timeout 1h;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${NGINX}; location / {
    proxy_pass http://127.0.0.1:${UPSTREAM}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; } }
}`,
  "config.capnp": `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "agent", worker = (modules = [(name = "agent.js", esModule = embed "agent.js")], compatibilityDate = "2025-01-01", globalOutbound = "policy")),
    (name = "policy", worker = (modules = [(name = "policy.js", esModule = embed "policy.js")], compatibilityDate = "2025-01-01", globalOutbound = "net")),
    (name = "net", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${WORKERD}", http = (), service = "agent")],
);`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

function start(command, args) {
  const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "inherit", process.env.LOGS ? "inherit" : "ignore"] });
  running.push(child);
  return child.pid;
}

/** A process and what it has started, down to the last. */
function family(pid) {
  const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((name) => {
    try {
      return Number(readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1].split(" ")[1]) === pid;
    } catch {
      return false;
    }
  });
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** Seconds of CPU that a family has used. */
const cpu = (pid) => family(pid).reduce((sum, one) => {
  const fields = readFileSync(`/proc/${one}/stat`, "utf8").split(") ")[1].split(" ");
  return sum + (Number(fields[11]) + Number(fields[12])) / 100;
}, 0);

/** MiB of memory of its own that a family has. */
const memory = (pid) => family(pid).reduce((sum, one) => {
  return sum + Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${one}/status`, "utf8"))[1]) / 1024;
}, 0);

/** One client: a handshake, and then as many messages as come back. */
class Client {
  messages = 0;
  #got = 0;
  constructor(port, path) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => {});
    this.opened = new Promise((done, failed) => {
      let head = "";
      const read = (chunk) => {
        head += chunk.toString("latin1");
        if (!head.endsWith("\r\n\r\n")) return;
        this.socket.off("data", read);
        if (head.startsWith("HTTP/1.1 101")) done();
        else failed(new Error(head));
      };
      this.socket.on("data", read);
      this.socket.on("close", () => failed(new Error(`closed: ${head}`)));
    });
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  }
  /** Keeps so many messages on their way. */
  floods(inFlight) {
    const head = size < 126 ? 2 : 4;
    const frame = Buffer.alloc(head + 4 + size, "x");
    frame[0] = 0x81;
    frame[1] = 0x80 | (size < 126 ? size : 126);
    if (head === 4) frame.writeUInt16BE(size, 2);
    frame.fill(0, head, head + 4);
    const frames = Buffer.concat(Array.from({ length: inFlight }, () => frame));
    const answer = head + size;
    this.socket.on("data", (chunk) => {
      this.#got += chunk.length;
      const whole = Math.floor(this.#got / answer);
      if (whole === 0) return;
      this.#got -= whole * answer;
      this.messages += whole;
      if (!this.stopped) this.socket.write(frames.subarray(0, whole * frame.length));
    });
    this.socket.write(frames);
  }
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function echoes(name, port, path, pid, inFlight) {
  const clients = Array.from({ length: connections }, () => new Client(port, path));
  await Promise.all(clients.map(({ opened }) => opened));
  clients.forEach((client) => client.floods(inFlight));
  await wait(500);
  const count = () => clients.reduce((sum, { messages }) => sum + messages, 0);
  const [before, used, at] = [count(), cpu(pid), performance.now()];
  await wait(seconds * 1000);
  const [messages, took] = [count() - before, (performance.now() - at) / 1000];
  const micros = ((cpu(pid) - used) / messages) * 1e6;
  clients.forEach((client) => {
    client.stopped = true;
    client.socket.destroy();
  });
  await wait(300);
  console.log(`${name.padEnd(24)} ${String(inFlight).padStart(3)} in flight ${(messages / took).toFixed(0).padStart(9)} messages/s ${micros.toFixed(2).padStart(8)} µs of CPU each`);
  return { rate: messages / took, micros };
}

async function holds(name, port, path, pid, count) {
  // What the first ones bring is no socket's.
  const first = Array.from({ length: 100 }, () => new Client(port, path));
  await Promise.all(first.map(({ opened }) => opened));
  await wait(500);
  const before = memory(pid);
  const clients = [];
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(200, count - clients.length) }, () => new Client(port, path));
    await Promise.all(some.map(({ opened }) => opened));
    clients.push(...some);
  }
  await wait(2000);
  const grown = memory(pid) - before;
  console.log(`${name.padEnd(24)} ${count} idle: ${grown.toFixed(0)} MiB more, ${((grown * 1024) / count).toFixed(1)} KiB each`);
  [...first, ...clients].forEach(({ socket }) => socket.destroy());
  await wait(2000);
}

try {
  start(process.execPath, [join(here, "upstream.mjs"), String(UPSTREAM)]);
  const nginx = start("nginx", ["-c", join(folder, "nginx.conf")]);
  const ours = start(program, ["serve"]);
  const workerd = process.env.WORKERD ? start(process.env.WORKERD, ["serve", "config.capnp"]) : null;
  await wait(3000);
  if (values.only !== "idle") {
    for (const inFlight of [1, 16]) {
      const through = await echoes("nginx", NGINX, "/", nginx, inFlight);
      const handed = await echoes("workerd-lite, handed on", OURS, "/", ours, inFlight);
      const between = await echoes("workerd-lite, in between", OURS, "/between", ours, inFlight);
      console.log(`  handed on / nginx: ${(handed.rate / through.rate).toFixed(2)} of the messages, ${(through.micros / handed.micros).toFixed(2)} by CPU time`);
      if (workerd === null) continue;
      await echoes("workerd, handed on", WORKERD, "/", workerd, inFlight);
      const theirs = await echoes("workerd, in between", WORKERD, "/between", workerd, inFlight);
      console.log(`  in between / workerd: ${(between.rate / theirs.rate).toFixed(2)} of the messages, ${(theirs.micros / between.micros).toFixed(2)} by CPU time`);
    }
  }
  if (values.only !== "echo") {
    // Each on a server of its own: what one gives back the next would have for nothing.
    let fresh = ours;
    for (const [name, path, count] of [["an agent's own", "/idle", idle], ["handed on", "/", Math.floor(idle / 2)]]) {
      process.kill(fresh, "SIGTERM");
      await wait(3000);
      fresh = start(program, ["serve"]);
      await wait(3000);
      await holds(name, OURS, path, fresh, count);
    }
    await holds("nginx", NGINX, "/", nginx, Math.floor(idle / 2));
  }
} finally {
  running.forEach((child) => child.kill("SIGTERM"));
  await wait(1000);
  running.forEach((child) => child.kill("SIGKILL"));
  rmSync(folder, { recursive: true, force: true });
}
