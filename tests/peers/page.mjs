// Looks at the page of `serve --dev` in Chromium: what it shows, what a filter leaves, what is copied; and a screenshot.
// Arguments: the browser, the page, the agent's URL, where the screenshot goes.
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import CDP from "chrome-remote-interface";

const [browser, page, agent, picture] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1200,700"];
const child = spawn(browser, [...flags, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
const port = await new Promise((resolve) => {
  createInterface(child.stderr).on("line", (line) => {
    const found = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line);
    if (found) resolve(Number(found[1]));
  });
});
const client = await CDP({ port });
const { Browser, Page, Runtime, Log } = client;
const logged = [];
Log.entryAdded(({ entry }) => logged.push(entry.text));
Runtime.exceptionThrown(({ exceptionDetails }) => logged.push(exceptionDetails.text));
await Promise.all([Page.enable(), Runtime.enable(), Log.enable()]);
await Page.bringToFront();
await Browser.grantPermissions({ origin: new URL(page).origin, permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"] });
await Page.navigate({ url: page });
const run = async (expression) => {
  const { result, exceptionDetails } = await Runtime.evaluate({ expression, awaitPromise: true, returnByValue: true, userGesture: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
};
const until = async (expression) => {
  const end = Date.now() + 15_000;
  while (!(await run(expression))) {
    if (Date.now() > end) throw new Error(`never: ${expression}\n${await run("document.body.innerText")}\n${logged}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
await until("document.getElementById('status')?.textContent === 'live'");
for (const path of ["/ok", "/denied", "/throws"]) await (await fetch(agent + path)).text();
await until("document.querySelectorAll('#rows tr').length === 5");
const told = {
  rows: await run("[...document.querySelectorAll('#rows tr')].map((row) => [row.className, ...[...row.cells].slice(1, 5).map((cell) => cell.innerText.trim().split('\\n')[0])])"),
  details: await run("[...document.querySelectorAll('#rows details pre')].map((pre) => pre.textContent)"),
  errors: await run("[...document.querySelectorAll('#rows pre.failed')].map((pre) => pre.textContent)"),
  bars: await run("document.querySelectorAll('#rows .bar').length"),
};
await run("document.querySelector('#rows tr.egress button').click()");
await until("document.getElementById('status').textContent === 'copied as a test'");
told.copied = await run("navigator.clipboard.readText()");
await run("document.querySelectorAll('#rows details').forEach((details) => (details.open = true))");
const { data } = await Page.captureScreenshot();
writeFileSync(picture, Buffer.from(data, "base64"));
await run("(() => { const filter = document.getElementById('filter'); filter.value = 'DENIED'; filter.dispatchEvent(new Event('input')); })()");
told.filtered = await run("[...document.querySelectorAll('#rows tr')].filter((row) => !row.hidden).length");
told.injected = await run("globalThis.injected === undefined && document.querySelectorAll('#rows img').length === 0");
told.logged = logged;
console.log(JSON.stringify(told));
await client.close();
child.kill();
process.exit(0);
