// A debugger: stops at a line of the author's TypeScript, reads a variable, and lets the script go on.
// Arguments: the inspector's port, the target's title, the file, the line, and where a request goes.
import { SourceMap } from "node:module";
import CDP from "chrome-remote-interface";

const [port, title, file, line, url, brk] = process.argv.slice(2);
const targets = await CDP.List({ port });
const target = targets.find((target) => target.title === title);
if (target === undefined) throw new Error(`no ${title} in ${JSON.stringify(targets)}`);
const client = await CDP({ target, local: true });
const { Debugger, Runtime } = client;
const scripts = [];
Debugger.scriptParsed((script) => scripts.push(script));
await Runtime.enable();
await Debugger.enable();
const told = { targets: targets.map(({ title }) => title).sort() };
const pausing = () => new Promise((resolve) => Debugger.paused(resolve));
if (brk) {
  const first = pausing();
  await Runtime.runIfWaitingForDebugger();
  const { callFrames, reason } = await first;
  told.first = { reason, line: callFrames[0].location.lineNumber };
}
const script = scripts.find((script) => script.url.endsWith(file));
const prefix = "data:application/json;base64,";
if (!script?.sourceMapURL.startsWith(prefix)) throw new Error(`no source map in ${JSON.stringify(scripts)}`);
const map = new SourceMap(JSON.parse(Buffer.from(script.sourceMapURL.slice(prefix.length), "base64").toString()));
told.sources = map.payload.sources;
const { scriptSource } = await Debugger.getScriptSource({ scriptId: script.scriptId });
const lines = scriptSource.split("\n");
const generated = lines.findIndex((text, index) => map.findEntry(index, text.search(/\S|$/)).originalLine === line - 1);
const { locations } = await Debugger.setBreakpointByUrl({ url: script.url, lineNumber: generated });
told.bound = locations.length;
const stopped = pausing();
if (brk) await Debugger.resume();
const response = brk ? null : fetch(url);
if (!brk) {
  const { callFrames } = await stopped;
  const { lineNumber, columnNumber } = callFrames[0].location;
  told.line = map.findEntry(lineNumber, columnNumber).originalLine + 1;
  const { result } = await Debugger.evaluateOnCallFrame({ callFrameId: callFrames[0].callFrameId, expression: "secret" });
  told.secret = result.value;
  await Debugger.resume();
  told.body = await (await response).text();
}
await client.close();
console.log(JSON.stringify(told));
process.exit(0);
