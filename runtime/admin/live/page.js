// Shows what the server tells by server-sent events. Everything is set as text: agents choose URLs and errors.
const rows = document.getElementById("rows");
const status = document.getElementById("status");
const filter = document.getElementById("filter");
const groups = new Map();
const KEPT = 500;

function element(name, { text, className, ...more } = {}, ...children) {
  const made = Object.assign(document.createElement(name), more);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  made.append(...children);
  return made;
}

function diff({ method, url, headers }, egress) {
  const lines = [];
  if (method !== egress.method || url !== egress.url) {
    lines.push(element("del", { text: `- ${method} ${url}\n` }), element("ins", { text: `+ ${egress.method} ${egress.url}\n` }));
  }
  for (const { name, before, after } of headers) {
    if (before !== undefined) lines.push(element("del", { text: `- ${name}: ${before}\n` }));
    if (after !== undefined) lines.push(element("ins", { text: `+ ${name}: ${after}\n` }));
  }
  if (lines.length === 0) return [];
  return [element("details", {}, element("summary", { text: "changed by the policy" }), element("pre", {}, ...lines))];
}

function asTest(egress, asked) {
  const quote = (value) => JSON.stringify(value);
  const { method, url } = asked ?? egress;
  const origin = new URL(egress.url).origin;
  const answers = egress.verdict === "allow" || egress.verdict === "audit";
  return [
    `test(${quote(`${method} ${url}`)}, async (t) => {`,
    ...(answers ? [`  t.upstream(${quote(`${origin}/*`)}, () => new Response(null, { status: ${egress.status ?? 200} }));`] : []),
    `  const response = await t.outbound(${quote(egress.agent)}).fetch(${quote(url)}, { method: ${quote(method)} });`,
    ...(egress.status ? [`  assert.equal(response.status, ${egress.status});`] : []),
    `  assert.deepEqual(t.egress.map((e) => [e.url, e.verdict, e.by]), [${quote([egress.url, egress.verdict, egress.by])}]);`,
    "});",
    "",
  ].join("\n");
}

function copyButton(egress, asked) {
  const button = element("button", { type: "button", text: "Copy" });
  button.setAttribute("aria-label", `Copy ${egress.method} ${egress.url} as a test`);
  button.addEventListener("click", async () => {
    const text = asTest(egress, asked);
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = "copied as a test";
    } catch {
      button.replaceWith(element("pre", { text }));
    }
  });
  return button;
}

function row({ time, agent, request, verdict, verdictClass, status: code, extra, action, className }) {
  const verdictCell = element("td", { text: verdict, className: verdictClass });
  const requestCell = element("td", { className: "request", text: request }, ...extra);
  const taken = element("td", { className: "taken" });
  const made = element(
    "tr",
    { className },
    element("td", { text: time.slice(11, 23) }),
    element("td", { text: agent }),
    requestCell,
    verdictCell,
    element("td", { text: code ?? "" }),
    taken,
    element("td", {}, ...action),
  );
  made.taken = taken;
  return made;
}

const describe = {
  request: ({ request }) =>
    row({
      ...request,
      request: `${request.method} ${request.url}`,
      verdict: request.error ? "failed" : "",
      verdictClass: "failed",
      extra: request.error ? [element("pre", { text: request.error, className: "failed" })] : [],
      action: [],
      className: "client",
    }),
  egress: ({ egress, asked }) =>
    row({
      ...egress,
      request: `${egress.method} ${egress.url}`,
      verdict: [egress.verdict, egress.by, egress.rule, egress.binding].filter(Boolean).join(" \u00b7 "),
      verdictClass: egress.verdict,
      extra: [
        ...(asked ? diff(asked, egress) : []),
        ...(egress.error ? [element("pre", { text: egress.error, className: "failed" })] : []),
      ],
      action: [copyButton(egress, asked)],
      className: "egress",
    }),
};

// When it began and how long it took, in milliseconds.
function span(happening) {
  const { time, ms } = happening[happening.kind];
  return { start: Date.parse(time), took: typeof ms === "number" ? ms : ms.total };
}

// The bars of one request share a scale.
function draw(group) {
  const spans = group.items.map(({ happening }) => span(happening));
  const start = Math.min(...spans.map((span) => span.start));
  const whole = Math.max(1, ...spans.map((span) => span.start + span.took - start));
  group.items.forEach(({ made }, index) => {
    const { start: began, took } = spans[index];
    const bar = element("div", { className: "bar" });
    bar.style.left = `${((began - start) / whole) * 100}%`;
    bar.style.width = `${(took / whole) * 100}%`;
    made.taken.replaceChildren(`${took.toFixed(1)} ms`, element("div", { className: "track" }, bar));
  });
}

function matches(made) {
  return made.textContent.toLowerCase().includes(filter.value.trim().toLowerCase());
}

function applyFilter() {
  for (const { items } of groups.values()) {
    // A request stays in sight with any of what it caused.
    const any = items.some(({ made }) => matches(made));
    for (const { made } of items) made.hidden = !any;
  }
}

function show(happening) {
  const id = happening[happening.kind].request_id;
  const made = describe[happening.kind](happening);
  let group = groups.get(id);
  if (group === undefined) {
    if (groups.size === KEPT) {
      const [oldest, { items }] = groups.entries().next().value;
      for (const { made } of items) made.remove();
      groups.delete(oldest);
    }
    group = { items: [] };
    groups.set(id, group);
    rows.prepend(made);
  } else if (happening.kind === "request") {
    group.items[0].made.before(made);
  } else {
    group.items.at(-1).made.after(made);
  }
  if (happening.kind === "request") group.items.unshift({ happening, made });
  else group.items.push({ happening, made });
  draw(group);
  applyFilter();
  document.getElementById("empty").hidden = true;
}

function clear() {
  groups.clear();
  rows.replaceChildren();
  document.getElementById("empty").hidden = false;
}

filter.addEventListener("input", applyFilter);
document.getElementById("clear").addEventListener("click", clear);
const source = new EventSource("/dev/events");
// The server tells the latest again on each connection.
source.addEventListener("open", () => {
  clear();
  status.textContent = "live";
});
source.addEventListener("error", () => (status.textContent = "the server is away; trying again"));
source.addEventListener("message", ({ data }) => show(JSON.parse(data)));
