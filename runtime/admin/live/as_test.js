// A line as a test of the project, which passes where agents and policy do again what they did. What the page does not know, because it
// is masked, stands as "***".
import { nameOf } from "/dev/filter.js";

const quote = (value) => JSON.stringify(value);
// Headers that belong to a connection, to the host, or to a body that is not the same.
const LEFT_OUT = new Set(["accept-encoding", "connection", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "content-encoding", "content-length", "host", "traceparent", "transfer-encoding", "x-request-id"]);
// Limits that one request alone does not reach.
const OF_MANY = new Set(["events", "ejected", "startup"]);

let project = { policy: true };

// What is served: whether there is a policy that can be asked.
export function knows(served) {
  project = served;
}

const plain = (url) => url.replace(/…$/, "");

// A URL whose query says nothing but its names. The test reads what it sees the same way.
function masked(text) {
  const url = new URL(plain(text));
  if (url.search === "") return url.href;
  url.search = new URLSearchParams([...url.searchParams.keys()].map((name) => [name, "***"])).toString();
  return url.href;
}

const MASKED = [
  "const masked = (text) => {",
  "  const url = new URL(text);",
  '  if (url.search !== "") url.search = new URLSearchParams([...url.searchParams.keys()].map((name) => [name, "***"])).toString();',
  "  return url.href;",
  "};",
];

function bodyOf(sketch, otherwise = null) {
  if (!sketch) return otherwise;
  const { text, type, bytes } = sketch;
  const boundary = /^multipart\/.*boundary="?([^";]+)/.exec(type ?? "")?.[1];
  if (boundary !== undefined) return `--${boundary}--\r\n`;
  return text ?? (/json/.test(type ?? "") ? "{}" : "*".repeat(Math.min(bytes, 1000)));
}

function headersOf(fields) {
  const kept = (fields ?? []).filter(([name, value]) => !LEFT_OUT.has(name) && !(name === "accept" && value === "*/*"));
  return Object.fromEntries(kept.map(([name, value]) => [name, value === "•••" ? "***" : value.replace(/[^\x20-\x7e]/g, "")]));
}

// The second argument of fetch().
function init({ method, headers, body }, more = []) {
  const parts = [`method: ${quote(method)}`];
  const fields = headersOf(headers);
  if (Object.keys(fields).length > 0) parts.push(`headers: ${quote(fields)}`);
  const length = Number((headers ?? []).find(([name]) => name === "content-length")?.[1] ?? 0);
  const text = bodyOf(body);
  if (!["GET", "HEAD"].includes(method)) {
    if (text !== null) parts.push(`body: ${quote(text)}`);
    else if (length > 0) parts.push(`body: "*".repeat(${length})`);
  }
  return `{ ${[...parts, ...more].join(", ")} }`;
}

const isAddress = (url) => /^\[|^\d+(\.\d+){3}$/.test(new URL(plain(url)).hostname);

// An egress as a test's network sees it. Names are not resolved there: what an address rule denies by its name's address leaves.
function judged({ egress }) {
  const byName = egress.by === "address" && !isAddress(egress.url);
  return byName ? ["allow", "policy"] : [egress.verdict, egress.by];
}

// Whether it is the policy's own answer, which never came to the network.
export const isOwn = ({ egress }) => egress.verdict === "answer" || (egress.verdict === "deny" && (egress.by === "policy" || egress.by === "limit"));

// Nothing stands where the upstream was. A fault is for what is asked there each time.
const REFUSED = `() => { throw new Error("Connection refused"); }`;
const refuses = (pattern) => `  t.fault(${pattern}, "refuse");`;

// What stands where the upstream was: code that gives a response, or fails.
function answerOf(part, next) {
  const { egress, response } = part;
  if (egress.status === undefined) return /idle|in time|no response/.test(egress.error ?? "") || !egress.error ? "() => new Promise(() => {})" : REFUSED;
  const bare = [101, 204, 205, 304].includes(egress.status) || egress.method === "HEAD";
  const body = bare ? null : bodyOf(response);
  const headers = { ...(body !== null && response?.type ? { "content-type": response.type } : {}) };
  if (egress.status >= 300 && egress.status < 400 && next !== undefined) headers.location = plain(next);
  const fields = Object.keys(headers).length > 0 ? `, headers: ${quote(headers)}` : "";
  return `() => new Response(${quote(body)}, { status: ${egress.status}${fields} })`;
}

// Lines that pretend the upstreams of these egresses.
const TOKEN = 'Response.json({ access_token: "test", token_type: "Bearer", expires_in: 3600, token: "test", expires_at: "2099-01-01T00:00:00Z" })';

function upstreams(parts, urls) {
  const left = parts.filter((part) => ["allow", "audit"].includes(judged(part)[0]));
  const lines = [];
  const tokens = parts.filter(({ tokens }) => tokens);
  if (tokens.length > 0) {
    const refused = tokens.some(({ egress }) => egress.by === "credential");
    lines.push("  // Whoever gives tokens.", refused ? '  t.fault(new URLPattern(), "refuse");' : `  t.upstream(new URLPattern(), () => ${TOKEN});`);
  }
  const byOrigin = Map.groupBy(left, ({ egress }) => new URL(plain(egress.url)).origin);
  let number = 0;
  for (const [origin, all] of byOrigin) {
    const answers = all.map((part) => [`${part.egress.method} ${new URL(plain(part.egress.url)).pathname}`, answerOf(part, urls[urls.indexOf(part.egress.url) + 1])]);
    const pattern = quote(`${origin}/*`);
    // Tokens may come from the same place.
    if (tokens.length === 0 && new Set(answers.map(([, answer]) => answer)).size === 1) {
      lines.push(answers[0][1] === REFUSED ? refuses(pattern) : `  t.upstream(${pattern}, ${answers[0][1]});`);
      continue;
    }
    const byKey = Map.groupBy(answers, ([key]) => key);
    for (const [key, same] of byKey) {
      const path = key.slice(key.indexOf(" ") + 1);
      const asked = answers.filter(([other]) => other.endsWith(` ${path}`));
      if (asked.some(([, answer]) => answer !== REFUSED)) continue;
      if (same === byKey.get(asked[0][0])) lines.push(refuses(quote(`${origin}${path}`)));
      byKey.delete(key);
    }
    const name = number === 0 ? "answers" : `answers${number}`;
    number += 1;
    lines.push(`  const ${name} = {`);
    for (const [key, same] of byKey) lines.push(`    ${quote(key)}: [${same.map(([, answer]) => answer).join(", ")}],`);
    lines.push("  };", `  t.upstream(${pattern}, ({ method, url }) => ${name}[\`\${method} \${new URL(url).pathname}\`]${tokens.length > 0 ? `?.shift()() ?? ${TOKEN}` : ".shift()()"});`);
  }
  return lines;
}

// Lines that say what must have left.
function expected(parts) {
  const rows = parts.map((part) => [part.egress.method, masked(part.egress.url), ...judged(part)]);
  const hides = parts.some(({ egress }) => new URL(plain(egress.url)).search !== "" || egress.cut?.url);
  const cut = parts.some(({ egress }) => egress.cut?.url);
  const url = cut ? "masked(url).slice(0, 1000)" : hides ? "masked(url)" : "url";
  if (cut) for (const row of rows) row[1] = row[1].slice(0, 1000);
  const many = rows.length > 1;
  if (many) rows.sort((a, b) => (quote(a) < quote(b) ? -1 : 1));
  const seen = `t.egress.map(({ method, url, verdict, by }) => [method, ${url}, verdict, by])`;
  const sorted = many ? ".sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))" : "";
  const list = rows.length === 0 ? "[]" : `[\n${rows.map((row) => `    [${row.map(quote).join(", ")}],`).join("\n")}\n  ]`;
  return { helper: hides ? MASKED : [], lines: [`  t.assert.deepStrictEqual(${seen}${sorted}, ${list});`] };
}

function whole(title, parts, urls, acts) {
  const { helper, lines } = expected(parts);
  const hidden = [...helper, ...upstreams(parts, urls), ...acts].some((line) => line.includes("***"));
  return [
    'import { test } from "workerd-lite:test";',
    "",
    ...(hidden ? ["// What stands as *** was not shown: put values of your own in its place."] : []),
    ...(helper.length > 0 ? [...helper, ""] : []),
    `test(${quote(title)}, async (t) => {`,
    ...upstreams(parts, urls),
    ...acts,
    ...lines,
    "});",
    "",
  ].join("\n");
}

const isLate = ({ limit }) => limit === "wall" || /gave no response within/.test(limit ?? "");
const byStart = (a, b) => a.began - b.began;

// The policy alone, in the agent's name.
function ofCall(call, group) {
  const parts = group.of(call.key).filter((part) => !isOwn(part));
  const asked = `t.outbound(${quote(nameOf(call))}).fetch(${quote(plain(call.url))}, ${init(call)})`;
  const stopped = call.limit || /shut down/.test(call.error ?? "");
  const status = call.error ? 500 : call.status;
  const acts = stopped
    ? [`  await t.assert.rejects(${asked});`]
    : [`  const response = await ${asked};`, `  t.assert.equal(response.status, ${status});`];
  const verdict = group.of(call.key)[0]?.egress;
  const title = `${call.method} ${plain(call.url)}: ${verdict ? `${verdict.verdict} by ${verdict.by}` : "the policy fails"}`;
  return whole(title, parts, parts.map(({ egress }) => egress.url), acts);
}

// The whole way of a client's request.
function ofRequest(group) {
  const { request } = group;
  const parts = [...group.egresses.values()].sort(byStart);
  const urls = [...group.calls.values()].filter(({ url }) => !parts.some(({ egress }) => egress.url === url)).map(({ url }) => url);
  const left = [...parts.map(({ egress }) => egress.url), ...urls];
  const tooMuch = request.status === 431 ? ['headers: { "x-long": "*".repeat(120_000) }'] : [];
  const { headers, ...rest } = request;
  const asked = `t.client.fetch(${quote(plain(request.url))}, ${init(tooMuch.length > 0 ? rest : { ...rest, headers }, tooMuch)})`;
  const late = isLate(request) || [...group.calls.values()].some(isLate);
  const acts = late
    ? [`  const pending = ${asked};`, `  await t.clock.advance(${Math.ceil(request.ms) + 1000});`, "  const response = await pending;"]
    : [`  const response = await ${asked};`];
  if (request.status !== undefined) acts.push(`  t.assert.equal(response.status, ${request.status});`);
  // What a response does not wait for has its record later.
  const isBehind = ({ began, egress }) => began + (egress.ms?.total ?? 0) > request.at + request.ms;
  if (parts.some(isBehind)) acts.push(`  await t.waitFor(() => t.assert.equal(t.egress.length, ${parts.length}));`);
  return whole(`${request.method} ${plain(request.url)} is answered ${request.status ?? "not at all"}`, parts, left, acts);
}

const callOf = (part, group) => (part.kind === "call" ? part : group.calls.get(part.call));

// Whether the policy alone would do the same.
const isPolicyAlone = (call) => call !== undefined && project.policy && call.state === "done" && !call.by_rule && !isLate(call);

// Whether a test can show it again: an overloaded server, or a client that goes away, is no test's.
export function isReproducible(part, group) {
  const { request } = group;
  const whole = request !== null && request.state === "done" && request.status !== undefined && !OF_MANY.has(request.limit) && !request.stopped && !(request.status === 503 && !request.limit && request.error);
  if (part.kind === "request") return whole;
  return isPolicyAlone(callOf(part, group)) || whole;
}

export function asTest(part, group) {
  const call = part.kind === "request" ? undefined : callOf(part, group);
  return isPolicyAlone(call) ? ofCall(call, group) : ofRequest(group);
}
