// A real Chromium, and what the tests do with it.
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import CDP from "chrome-remote-interface";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--hide-scrollbars"];

export async function start(browser) {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const child = spawn(browser, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], { env: { ...process.env, TZ: "UTC" }, stdio: ["ignore", "ignore", "pipe"] });
  process.on("exit", () => child.kill());
  const port = await new Promise((resolve) => {
    createInterface(child.stderr).on("line", (line) => {
      const found = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line);
      if (found) resolve(Number(found[1]));
    });
  });
  const client = await CDP({ port });
  return new Chromium(client, child);
}

class Chromium {
  // Errors of the page and of the browser about it.
  logged = [];

  constructor(client, child) {
    Object.assign(this, { client, child });
  }

  async open(url) {
    const { Browser, Page, Runtime, Log } = this.client;
    Log.entryAdded(({ entry }) => this.logged.push(entry.text));
    Runtime.exceptionThrown(({ exceptionDetails }) => this.logged.push(exceptionDetails.exception?.description ?? exceptionDetails.text));
    await Promise.all([Page.enable(), Runtime.enable(), Log.enable()]);
    await Page.bringToFront();
    await Browser.grantPermissions({ origin: new URL(url).origin, permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    await Page.navigate({ url });
  }

  async run(expression) {
    const { result, exceptionDetails } = await this.client.Runtime.evaluate({ expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression) {
    const end = Date.now() + 15_000;
    while (!(await this.run(expression))) {
      if (Date.now() > end) throw new Error(`never: ${expression}\n${await this.run("document.body.innerText")}\n${this.logged}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  async key(key) {
    const { Input } = this.client;
    const known = { Tab: 9, Enter: 13, ArrowDown: 40, ArrowUp: 38 }[key];
    const event = known === undefined ? { key, text: key } : { key, code: key, windowsVirtualKeyCode: known, ...(key === "Enter" ? { text: "\r" } : {}) };
    await Input.dispatchKeyEvent({ type: "keyDown", ...event });
    await Input.dispatchKeyEvent({ type: "keyUp", ...event });
  }

  // A window of this size, in light or dark.
  async look(width, height, scheme) {
    const { Emulation } = this.client;
    await Emulation.setDeviceMetricsOverride({ width, height, deviceScaleFactor: 1, mobile: false });
    await Emulation.setEmulatedMedia({ features: [{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }] });
    await this.run("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
  }

  async picture(file) {
    const { data } = await this.client.Page.captureScreenshot();
    writeFileSync(file, Buffer.from(data, "base64"));
  }

  // What is wider than the window, as selectors and texts.
  async cut() {
    return await this.run(`(() => {
      const width = document.documentElement.clientWidth;
      const out = [...document.querySelectorAll("body *")].filter((node) => {
        const { left, right, width: own } = node.getBoundingClientRect();
        const hidden = node.closest(".spoken, .track, #rows time, [hidden]") !== null;
        return !hidden && own > 0 && (right > width + 1 || left < -1 || (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== "visible" && node.clientWidth > 0 && !node.matches("input, select, textarea")));
      });
      return [...(document.documentElement.scrollWidth > width ? ["the page"] : []), ...out.map((node) => node.className + ": " + node.textContent.slice(0, 60))];
    })()`);
  }

  // Violations of accessibility rules, as axe-core finds them: of all, or of these.
  async axe(rules) {
    const options = { resultTypes: ["violations"], preload: false, ...(rules === undefined ? {} : { runOnly: { type: "rule", values: rules } }) };
    return await this.run(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 200) + " " + (any[0]?.message ?? "")).join(" | ")))`);
  }

  async close() {
    await this.client.close();
    this.child.kill();
  }
}
