#!/usr/bin/env node
// CPU time of small programs (cases.js, more.js) in a worker and in Node itself, in turns in one run, warm: a table of ratios.
//   benches/node/run.mjs [PART OF A NAME] [SECONDS per case and side, default 0.4]
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [wanted = "", seconds = "0.4"] = process.argv.slice(2);
const binary = process.env.WORKERD_LITE ?? join(here, "../../target/release/workerd-lite");
const work = mkdtempSync(join(tmpdir(), "node-bench-"));
const TICK = 10; // /proc's clock, in milliseconds
const EVENTS = 5_000;

const { cases } = await import("./cases.js");
const { more } = await import("./more.js");
const own = (name) => import(`node:${name}`);
const mine = { ...await cases(own), ...await more(own) };

for (const file of ["cases.js", "more.js"]) cpSync(join(here, file), join(work, file));
const names = ["buffer", "crypto", "events", "stream", "stream/promises", "zlib", "async_hooks", "string_decoder", "util", "path", "querystring", "url"];
writeFileSync(
  join(work, "worker.js"),
  `${names.map((name, i) => `import * as m${i} from "node:${name}";`).join("\n")}
import { cases } from "./cases.js";
import { more } from "./more.js";
const modules = { ${names.map((name, i) => `"${name}": m${i}`).join(", ")} };
const load = (name) => modules[name];
let all;
const als = new m6.AsyncLocalStorage();
async function answer(request) {
  let length = 0;
  for (let i = 0; i < 5; i++) length += (await request.url).length;
  return new Response(String(length));
}
export default { async fetch(request) {
  if (request.method === "POST") return request.url.endsWith("als") ? als.run(request, answer, request) : answer(request);
  const { searchParams } = new URL(request.url);
  // Some are made with keys of their own: in an event, which may.
  all ??= Object.assign(await cases(load), await more(load));
  await all[searchParams.get("case")](Number(searchParams.get("n")));
  return new Response("done");
} };
`,
);
writeFileSync(
  join(work, "workerd-lite.toml"),
  "main = 'worker.js'\nthreads = 1\n[limits]\ncpu_ms = 60000\nstartup_cpu_ms = 20000\nwall = '300s'\nmemory_mb = 1024\nbuffers_mb = 1024\n",
);
const server = spawn(binary, ["serve", "--listen", "127.0.0.1:0"], { cwd: work, stdio: ["ignore", "ignore", "pipe"] });
process.on("exit", () => {
  server.kill();
  rmSync(work, { recursive: true, force: true });
});
let log = "";
const address = await new Promise((resolve, reject) => {
  server.stderr.on("data", (data) => {
    log += data;
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(log);
    if (found) resolve(found[0]);
  });
  server.on("exit", () => reject(new Error(log)));
});

// Of the server and its children, in milliseconds.
function serverTime() {
  const pids = [server.pid];
  let sum = 0;
  for (let i = 0; i < pids.length; i++) {
    const fields = readFileSync(`/proc/${pids[i]}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    sum += (Number(fields[11]) + Number(fields[12])) * TICK;
    const children = readFileSync(`/proc/${pids[i]}/task/${pids[i]}/children`, "utf8").trim();
    if (children !== "") pids.push(...children.split(" ").map(Number));
  }
  return sum;
}

async function theirs(name, n) {
  const answer = await fetch(`${address}/?case=${encodeURIComponent(name)}&n=${n}`);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
  await answer.text();
}

async function inNode(run, n) {
  const before = process.cpuUsage();
  await run(n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

console.log("| case | worker | Node | ratio |\n|---|---|---|---|");
const time = (ms, n) => (ms * 1e6 / n >= 1e4 ? `${(ms * 1e3 / n).toFixed(1)} µs` : `${(ms * 1e6 / n).toFixed(0)} ns`);
for (const [name, run] of Object.entries(mine)) {
  if (!name.includes(wanted)) continue;
  let n = 16;
  for (;;) {
    const taken = await inNode(run, n);
    if (taken > 50) {
      n = Math.ceil(n * Number(seconds) * 1000 / taken);
      break;
    }
    n *= 4;
  }
  try {
    await theirs(name, Math.ceil(n / 4));
    const ours = [];
    const node = [];
    for (let round = 0; round < 3; round++) {
      const before = serverTime();
      await theirs(name, n);
      ours.push(serverTime() - before);
      node.push(await inNode(run, n));
    }
    // The least of each: what else the machine does only adds.
    const [us, them] = [Math.min(...ours), Math.min(...node)];
    console.log(`| ${name} | ${time(us, n)} | ${time(them, n)} | ${(us / them).toFixed(2)} |`);
  } catch (error) {
    console.log(`| ${name} | ${String(error.message).slice(0, 100)} | | |`);
  }
}

// Whole events, in turns: what a store costs of one.
if (wanted === "" || wanted === "als") {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const send = (path) => new Promise((resolve, reject) => {
    http.request(`${address}/${path}`, { agent, method: "POST" }, (answer) => answer.resume().on("end", resolve)).on("error", reject).end();
  });
  const events = async (path) => {
    const before = serverTime();
    let left = EVENTS;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (left-- > 0) await send(path);
    }));
    return serverTime() - before;
  };
  await events("als");
  const rounds = [];
  for (let i = 0; i < 3; i++) rounds.push([await events("als"), await events("plain")]);
  const least = (side) => Math.min(...rounds.map((round) => round[side]));
  console.log(`\nAn event with als.run: ${time(least(0), EVENTS)}, without: ${time(least(1), EVENTS)}, ratio ${(least(0) / least(1)).toFixed(2)}`);
}
process.exit(0);
