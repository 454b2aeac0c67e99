// When each stage began and ended, and the bars that show it. Times are milliseconds since 1970.
import { isOpen } from "/dev/model.js";
import { element } from "/dev/dom.js";

export const NAMES = {
  waiting: "waiting for the policy", policy: "policy", credential: "credential", ready: "rules, connection pool", connect: "connect",
  first: "until the first byte", body: "body", agent: "agent, until its response's head",
};

// Stages in their order: { name, from, to }. The last of what is under way grows until now.
function chain(start, steps, open, now) {
  const stages = [];
  let from = start;
  for (const [name, to] of steps) {
    if (to === null || to === undefined) continue;
    const last = stages.at(-1);
    if (last?.name === name) last.to = Math.max(from, to);
    else stages.push({ name, from, to: Math.max(from, to) });
    from = Math.max(from, to);
  }
  if (open !== null) stages.push({ name: open, from, to: Math.max(from, now) });
  return stages;
}

export function ofRequest({ at, head, ms, state }, now) {
  const open = state === "begun" ? "agent" : state === "body" ? "body" : null;
  const steps = open === null ? [["agent", at + (head ?? ms ?? 0)], ["body", ms === undefined ? null : at + ms]] : [["agent", head === undefined ? null : at + head]];
  return chain(at, steps, open, now);
}

export function ofCall({ at, ms, state }, now) {
  return state === "begun" ? chain(at, [], "policy", now) : chain(at, [["policy", at + (ms ?? 0)]], null, now);
}

export function ofEgress({ at, began, sent, state, egress: { ms, status, binding } }, now) {
  const steps = [["waiting", ms.waiting === undefined ? null : at + ms.waiting], ["policy", began]];
  const open = isOpen({ state });
  if (sent !== null) {
    steps.push([binding ? "credential" : "ready", sent > 0.2 ? began + sent : null]);
    const stands = ms.connect === undefined ? null : began + sent + ms.connect;
    steps.push(["connect", ms.connect > 0 ? stands : null]);
    if (!open && status === undefined && !(ms.connect > 0)) steps.push(["connect", began + ms.total]);
  }
  // What never left has no first byte, but for the policy's own answer.
  if (ms.first_byte !== undefined && sent !== null) steps.push(["first", began + ms.first_byte]);
  else if (!open && sent !== null && ms.connect > 0) steps.push(["first", began + ms.total]);
  if (!open) steps.push([ms.first_byte === undefined || sent === null ? "policy" : "body", began + ms.total]);
  const stage = state === "body" ? "body" : sent === null ? "policy" : ms.connect === undefined ? "connect" : "first";
  return chain(at, steps, open ? stage : null, now);
}

export function stagesOf(part, now) {
  return { request: ofRequest, call: ofCall, egress: ofEgress }[part.kind](part, now);
}

// Draws stages on the scale of their request: from `start`, `whole` milliseconds long.
export function draw(track, stages, { start, whole }) {
  while (track.children.length > stages.length) track.lastChild.remove();
  stages.forEach(({ name, from, to }, index) => {
    const bar = track.children[index] ?? track.appendChild(element("i"));
    bar.className = `s-${name}`;
    bar.style.left = `${clamp(((from - start) / whole) * 100)}%`;
    bar.style.width = `${clamp(((to - from) / whole) * 100)}%`;
  });
}

const clamp = (percent) => Math.min(100, Math.max(0, percent)).toFixed(3);
