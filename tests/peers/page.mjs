// Looks at the page of `serve --dev` in Chromium: nothing yet, each kind of line, what is copied, filters, the keyboard, a thousand requests.
// Arguments: the browser, the page, the server's port, the project's folder, where screenshots go.
import { readFileSync, writeFileSync } from "node:fs";
import { request as ask } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { start } from "./chromium.mjs";

const [browser, page, port, project, pictures] = process.argv.slice(2);
const WIDTHS = [390, 800, 1280, 1920];
const KINDS = [
  "allow", "json", "policy", "answer", "outside", "covered", "token", "post", "form", "policy-throws", "after", "agent-throws", "refused", "reset", "address", "name",
  "several", "combined", "hop", "policy-hop", "mtls", "mtls-outside", "slow-policy", "never", "stalled", "late", "broken", "empty", "long", "alone", "behind", "console", "policy-loop",
  "loop",
];

// A client's request. Gives the status.
function client(host, path, { method = "GET", headers = {}, body, ends = true } = {}) {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: "127.0.0.1", port, path, method, headers: { host, ...headers } }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", () => resolve(response.statusCode));
    });
    sent.on("error", reject);
    if (ends) sent.end(body);
    else sent.flushHeaders();
  });
}

const chromium = await start(browser);
await chromium.open(page);
const run = (expression) => chromium.run(expression);
const until = (expression) => chromium.until(expression);
const told = { copies: [], axe: {}, cut: {} };

// Looks at the page at each width in both modes.
async function looked(name, tall, judged = true) {
  for (const width of WIDTHS) {
    for (const scheme of ["light", "dark"]) {
      await chromium.look(width, tall, scheme);
      const view = `${name}-${width}-${scheme}`;
      await chromium.picture(join(pictures, `page-${view}.png`));
      const cut = await chromium.cut();
      if (cut.length > 0) told.cut[view] = cut;
      if (!judged) continue;
      // In the other mode only colours differ.
      const violations = await chromium.axe(scheme === "light" ? undefined : ["color-contrast", "link-in-text-block"]);
      if (violations.length > 0) told.axe[view] = violations;
    }
  }
  await chromium.look(1280, 800, "light");
}
const steps = [];
let before = Date.now();
const step = (name) => {
  steps.push(`${name} ${Date.now() - before} ms`);
  before = Date.now();
};

// Nothing yet.
await until("document.querySelector('#empty code') !== null && document.getElementById('status').textContent === 'live'");
await run(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
told.empty = await run("[...document.querySelectorAll('#empty li')].map((node) => node.innerText)");
await run("document.querySelector('#empty button').click()");
told.curl = await run("new Promise((resolve) => setTimeout(resolve, 100)).then(() => navigator.clipboard.readText())");
await looked("empty", 700);
step("empty");

// It appears when it begins.
const late = client("scout.localhost", "/late?once");
await until("document.querySelector('#rows .line.egress.pending .code')?.textContent === '…'");
told.pending = await run("[...document.querySelectorAll('#rows .line')].map((line) => [line.querySelector('.url').textContent.replace(/.*:\\d+/, ''), line.querySelector('.code').textContent])");
await late;
await until("document.querySelectorAll('#rows .pending').length === 0 && document.querySelectorAll('#rows .line').length === 2");
told.filled = await run("[...document.querySelectorAll('#rows .line .code')].map((node) => node.textContent)");
told.stages = await run("[...document.querySelectorAll('#rows .line.egress .track i')].map((bar) => [bar.className, bar.getBoundingClientRect().width])");
await run("document.querySelector('#rows .line.egress .open').click()");
told.timing = await run("Object.fromEntries([...document.querySelectorAll('#rows .timing dt')].map((node) => [node.textContent, node.nextSibling.textContent]))");
step("pending");

// Each kind.
await run("document.getElementById('clear').click()");
told.statuses = {};
for (const kind of KINDS) told.statuses[kind] = await client("scout.localhost", `/${kind}?kind=${kind}`);
told.statuses.rule = await client("ruled.localhost", "/rule");
told.statuses.audited = await client("loose.localhost", "/json");
told.statuses.passed = await client("scout.localhost", "/passed", { method: "POST", headers: { "content-type": "application/json" }, body: '{"action":"create","by":"A client"}' });
told.statuses.unmatched = await client("nobody.example", "/x");
told.statuses.large = await client("scout.localhost", "/alone", { method: "POST", headers: { "content-length": 2 << 20 }, ends: false });
told.statuses.heads = await client("scout.localhost", "/alone", { headers: { "x-long": "x".repeat(20 << 10) } });
step("kinds");

// A file that can not be loaded.
const policy = readFileSync(join(project, "policy.js"), "utf8");
writeFileSync(join(project, "policy.js"), `${policy}\nexport const broken = ;\n`);
await until("document.querySelector('#rows .notice.reload.bad pre') !== null && !document.getElementById('broken').hidden");
told.reload = await run("document.querySelector('#rows .notice.reload.bad').innerText");
told.brokenSays = await run("document.getElementById('broken').textContent");
await until("document.querySelectorAll('#rows .pending').length === 0");
step("reload");

told.groups = await run(`[...document.querySelectorAll('#rows li.group:not(.notice)')].map((group) => ({
  lines: [...group.querySelectorAll('.line')].map((line) => ({
    kind: line.className.split(' ')[1], agent: line.querySelector('.agent').textContent, url: line.querySelector('.url').textContent,
    method: line.querySelector('.method').textContent, verdict: line.querySelector('.verdict').textContent, by: line.querySelector('.judged span').textContent,
    status: line.querySelector('.code').textContent, copies: line.querySelector('.copy') !== null,
  })),
  errors: [...group.querySelectorAll('pre.error')].map((node) => node.textContent),
  console: [...group.querySelectorAll('.console')].map((node) => [node.className, node.querySelector('.worker').textContent, node.querySelector('.said').textContent]),
}))`);

// What is copied.
const buttons = await run("document.querySelectorAll('#rows .actions .copy').length");
for (let number = 0; number < buttons; number += 1) {
  told.copies.push(
    await run(`(async () => {
      const button = document.querySelectorAll('#rows .actions .copy')[${number}];
      await navigator.clipboard.writeText("");
      button.click();
      for (;;) {
        const text = await navigator.clipboard.readText();
        if (text !== "") return { label: button.getAttribute("aria-label"), text };
      }
    })()`),
  );
}
step("copies");

// Those that look like others need not be looked at again.
const ALIKE = ["json?", "form", "reset", "name", "hop?", "covered?", "long", "broken", "empty", "stalled", "address", "refused", "mtls?", "combined"];
await run(`[...document.querySelectorAll("#rows li")].filter((node) => ${JSON.stringify(ALIKE)}.some((kind) => node.querySelector(".url")?.textContent.includes("scout.localhost/" + kind))).forEach((node) => node.remove())`);
await run("scrollTo(0, 0)");
await looked("collapsed", 900, false);
step("collapsed");
await run("document.querySelectorAll('#rows .open').forEach((button) => button.click())");
told.diffs = await run("[...document.querySelectorAll('#rows pre.diff')].map((node) => node.textContent)");
told.times = await run("[document.getElementById('zone').textContent, document.querySelector('#rows .more dd').textContent]");
told.sticky = await run("(scrollTo(0, 2000), document.getElementById('top').getBoundingClientRect().top)");
await looked("expanded", 2000);
told.secret = await run("document.documentElement.outerHTML.match(/.{0,60}s3cret.{0,60}/)?.[0] ?? null");
step("expanded");

// Filters.
const filtered = async (fields) => {
  for (const [id, value] of Object.entries(fields)) {
    await run(`(() => { const field = document.getElementById(${JSON.stringify(id)}); field.value = ${JSON.stringify(value)}; field.dispatchEvent(new Event("input", { bubbles: true })); })()`);
  }
  const seen = await run("[document.querySelectorAll('#rows li:not([hidden])').length, document.getElementById('nothing').innerText, document.getElementById('count').textContent]");
  await run("document.getElementById('reset').click()");
  return seen;
};
told.filters = {
  text: await filtered({ filter: "BECAUSE=" }),
  words: await filtered({ filter: "acme elsewhere" }),
  verdict: await filtered({ "by-verdict": "audit" }),
  status: await filtered({ "by-status": "4", "by-agent": "acme/ruled" }),
  nothing: await filtered({ filter: "no such thing" }),
  all: await filtered({}),
};

// The keyboard.
await run("document.activeElement.blur()");
await chromium.key("e");
told.problem = await run("document.activeElement.closest('li')?.classList.contains('bad') ?? false");
await run("document.querySelector('#rows .open').focus()");
await chromium.key("ArrowDown");
told.arrow = await run("document.activeElement === document.querySelectorAll('#rows .open')[1]");
await chromium.key("Enter");
told.entered = await run("document.activeElement.getAttribute('aria-expanded')");
writeFileSync(join(project, "policy.js"), policy);
await until("document.getElementById('broken').hidden");
step("filters");

// A thousand requests, and more: the oldest go.
await run("globalThis.frames = []; globalThis.last = performance.now(); (function frame(now) { frames.push(now - last); last = now; requestAnimationFrame(frame); })(last)");
for (let round = 0; round < 42; round += 1) await Promise.all(Array.from({ length: 25 }, (_, number) => client("scout.localhost", `/alone?${round}-${number}`)));
await until("document.getElementById('count').textContent === '1000 requests' && document.querySelectorAll('#rows li').length === 1000 && document.querySelector('#rows .url').textContent.includes('/alone')");
told.many = await run(`(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  frames.length = 0;
  for (let step = 0; step < 40; step += 1) { scrollBy(0, 600); await frame(); }
  const scrolled = [...frames].sort((a, b) => a - b);
  const field = document.getElementById("filter");
  const began = performance.now();
  field.value = "41-7";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  const js = performance.now() - began;
  document.body.offsetHeight;
  const layout = performance.now() - began;
  await frame();
  return { js, layout, scroll: scrolled[Math.floor(scrolled.length * 0.9)], frame: performance.now() - began, shown: document.querySelectorAll("#rows li:not([hidden])").length, heap: performance.memory.usedJSHeapSize };
})()`);
step("many");
told.injected = await run("globalThis.injected === undefined && document.querySelectorAll('#rows img').length === 0");
told.logged = chromium.logged;
told.steps = steps;
await chromium.close();
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
