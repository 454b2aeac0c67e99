// What is known of a line beyond what the line says.
import { element } from "/dev/dom.js";
import { full, size, took } from "/dev/format.js";
import { nameOf } from "/dev/filter.js";
import { NAMES, stagesOf } from "/dev/waterfall.js";

function section(title, ...children) {
  return element("section", {}, element("h2", { text: title }), ...children);
}

// Names and what they have; nothing where there is nothing.
function facts(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    if (value === undefined || value === null || value === "") continue;
    list.append(element("dt", { text: name }), element("dd", { text: String(value) }));
  }
  return list;
}

function timing(part) {
  const stages = stagesOf(part, Date.now());
  const list = element("dl", { className: "timing" });
  for (const { name, from, to } of stages) {
    list.append(element("dt", {}, element("i", { className: `s-${name}` }), NAMES[name]), element("dd", { text: took(to - from) }));
  }
  const whole = stages.length === 0 ? 0 : stages.at(-1).to - stages[0].from;
  list.append(element("dt", { className: "whole", text: "in all" }), element("dd", { className: "whole", text: took(whole) }));
  return section("Timing", list);
}

function body({ bytes, type, text } = {}) {
  if (!bytes) return null;
  return [size(bytes), type, text && text !== "***" ? `like ${text}` : null].filter(Boolean).join(" · ");
}

function headers(fields) {
  // The host is in the URL.
  const shown = (fields ?? []).filter(([name]) => name !== "host");
  return shown.length === 0 ? null : section("Headers", facts(shown));
}

// What the policy made of the agent's request.
function diff(asked, egress) {
  if (!asked) return null;
  const lines = [];
  if (asked.method !== egress.method || asked.url !== egress.url) {
    lines.push(element("del", { text: `- ${asked.method} ${asked.url}\n` }), element("ins", { text: `+ ${egress.method} ${egress.url}\n` }));
  }
  for (const { name, before, after } of asked.headers) {
    if (before !== undefined) lines.push(element("del", { text: `- ${name}: ${before}\n` }));
    if (after !== undefined) lines.push(element("ins", { text: `+ ${name}: ${after}\n` }));
  }
  if (lines.length === 0) return null;
  return section("Changed by the policy", element("pre", { className: "diff" }, ...lines));
}

function ofEgress(part, group) {
  const { egress, asked, response } = part;
  const about = facts([
    ["Time", full(part.at)],
    ["Agent", nameOf(egress)],
    ["Verdict", `${egress.verdict}, by ${egress.by}`],
    ["Rule", egress.rule],
    ["Binding", egress.binding],
    ["Sent", size(egress.bytes_sent)],
    ["Received", size(egress.bytes_received)],
    ["Response", body(response ?? undefined)],
    ["Request id", egress.request_id],
    ["Cut", Object.entries(egress.cut ?? {}).map(([name, { length }]) => `${name} of ${size(length)}`).join(", ")],
  ]);
  return [section("Egress", about), timing(part), diff(asked, egress), headers(group.calls.get(part.call)?.headers)];
}

function ofCall(part) {
  const about = facts([
    ["Time", full(part.at)],
    ["Agent", nameOf(part)],
    ["Body", body(part.body ?? undefined)],
    ["Limit", part.limit],
  ]);
  return [section("Request of the agent", about), timing(part), headers(part.headers)];
}

function ofRequest(part) {
  const about = facts([
    ["Time", full(part.at)],
    ["Agent", part.agent ?? "none answers for this host"],
    ["Tenant", part.tenant],
    ["Stopped for", part.limit],
    ["Body", body(part.body ?? undefined)],
    ["Response", part.bytes === undefined ? "" : size(part.bytes)],
    ["Client", part.state === "gone" && !part.stopped ? "went away before the response's end" : ""],
    ["Request id", part.request_id],
  ]);
  return [section("Request of a client", about), timing(part), headers(part.headers)];
}

export function details(part, group) {
  const sections = { egress: ofEgress, call: ofCall, request: ofRequest }[part.kind](part, group);
  return sections.filter((section) => section !== null);
}
