#!/usr/bin/env node
// Agents by the thousand on one server: how long it takes to listen, what it keeps before anybody asks, each agent asked once, and then
// some of them at random for a while. Every agent has a script of its own, in a folder of its own.
//   benches/agents/run.mjs [--agents 10000] [--hot 1000] [--seconds 60] [--memory 1024] [--dir] [--policy]
// --dir serves them by `agents_dir` in the place of `[[agents]]`; --policy gives each a policy that its fetch passes.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "10000" },
    hot: { type: "string", default: "1000" },
    seconds: { type: "string", default: "60" },
    memory: { type: "string", default: "1024" },
    connections: { type: "string", default: "2" },
    threads: { type: "string", default: "2" },
    dir: { type: "boolean", default: false },
    policy: { type: "boolean", default: false },
  },
});
const [count, hot, seconds, connections] = ["agents", "hot", "seconds", "connections"].map((name) => Number(values[name]));
const program = process.env.WORKERD_LITE ?? join(dirname(fileURLToPath(import.meta.url)), "../../target/release/workerd-lite");
const folder = mkdtempSync(join(tmpdir(), "agents-"));
const port = 9271;

const answer = values.policy ? "await (await fetch('http://policy.example/')).text()" : "'hello'";
let config = `listen = "127.0.0.1:${port}"\nthreads = ${values.threads}\nisolates = { memory_mb = ${values.memory} }\n`;
if (values.dir) config += 'agents_dir = "agents/"\n';
if (values.policy) config += '[outbound]\nmain = "policy.js"\nisolate_per = "server"\n';
for (let i = 0; i < count; i++) {
  mkdirSync(join(folder, `agents/a${i}`), { recursive: true });
  const script = `// Agent ${i}.\nlet count = 0;\nexport default { async fetch() { return new Response(${answer} + " " + ++count + "\\n"); } };\n`;
  writeFileSync(join(folder, `agents/a${i}/worker.js`), script);
  if (!values.dir) config += `[[agents]]\nname = "a${i}"\nmain = "agents/a${i}/worker.js"\nmatch = ["a${i}.localhost"]\n`;
}
writeFileSync(join(folder, "policy.js"), "export default { fetch: () => new Response('hello') };\n");
writeFileSync(join(folder, "workerd-lite.toml"), config);

const began = performance.now();
const server = spawn(program, ["serve"], { cwd: folder, stdio: ["ignore", "inherit", "pipe"] });
let log = "";
const listening = new Promise((done, failed) => {
  server.stderr.on("data", (chunk) => {
    log += chunk;
    if (log.includes("listening on")) done(performance.now() - began);
  });
  server.on("exit", () => failed(new Error(`the server ended: ${log}`)));
});

const worker = () => execFileSync("pgrep", ["-P", String(server.pid)], { encoding: "utf8" }).trim().split("\n").at(-1);
const memory = (field) => {
  const line = readFileSync(`/proc/${worker()}/status`, "utf8").split("\n").find((line) => line.startsWith(field));
  return Number(line.split(/\s+/)[1]) / 1024;
};

// One request at a time over a connection that is kept.
class Client {
  #socket = new Socket();
  #text = "";
  #done = null;
  constructor() {
    this.#socket.setNoDelay(true);
    this.#socket.connect(port, "127.0.0.1");
    this.#socket.on("data", (chunk) => {
      this.#text += chunk;
      const head = this.#text.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1] ?? 0);
      if (this.#text.length < head + 4 + length) return;
      const text = this.#text;
      this.#text = "";
      this.#done(text);
    });
    this.#socket.on("error", (error) => this.#done?.(String(error)));
    this.#socket.on("close", () => this.#done?.("closed"));
  }
  async ask(agent) {
    const at = performance.now();
    const text = await new Promise((done) => {
      this.#done = done;
      this.#socket.write(`GET / HTTP/1.1\r\nhost: a${agent}.localhost\r\n\r\n`);
    });
    const [, status] = text.split(" ", 2);
    return { status, cold: / 1\n$/.test(text), time: performance.now() - at, text };
  }
  end() {
    this.#socket.destroy();
  }
}

const percentile = (times, part) => times.sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN;
let peak = 0;
async function load(name, next, clients) {
  const [cold, warm, wrong] = [[], [], []];
  const watching = setInterval(() => (peak = Math.max(peak, memory("VmRSS"))), 250);
  const at = performance.now();
  await Promise.all(clients.map(async (client) => {
    for (let agent = next(); agent !== null; agent = next()) {
      const got = await client.ask(agent);
      if (got.status !== "200") wrong.push(got.text);
      else (got.cold ? cold : warm).push(got.time);
    }
  }));
  clearInterval(watching);
  const told = (kind, times) => `${times.length} ${kind}: p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`;
  const rate = ((cold.length + warm.length) / (performance.now() - at)) * 1000;
  console.log(`${name}: ${told("cold", cold)}; ${told("warm", warm)}; ${rate.toFixed(0)} a second; ${wrong.length} errors; resident ${memory("VmRSS").toFixed(0)} MiB`);
  if (wrong.length > 0) console.log(wrong[0]);
}

try {
  const took = await listening;
  console.log(`${count} agents: listening after ${took.toFixed(0)} ms, resident ${memory("VmRSS").toFixed(0)} MiB, peak ${memory("VmHWM").toFixed(0)} MiB`);
  const clients = Array.from({ length: connections }, () => new Client());
  let asked = 0;
  await load("each once", () => (asked < count ? asked++ : null), clients);
  const until = performance.now() + seconds * 1000;
  await load(`${hot} at random`, () => (performance.now() < until ? Math.floor(Math.random() * hot) : null), clients);
  console.log(`resident at most ${peak.toFixed(0)} MiB`);
  clients.forEach((client) => client.end());
} finally {
  server.removeAllListeners("exit");
  server.kill("SIGTERM");
  await new Promise((done) => server.on("exit", done));
  rmSync(folder, { recursive: true, force: true });
}
