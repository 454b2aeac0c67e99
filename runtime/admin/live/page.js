// The page: what the server tells by server-sent events goes into the model, and from there into the list.
import { setText } from "/dev/dom.js";
import { showEmpty } from "/dev/empty.js";
import { Filter, nameOf } from "/dev/filter.js";
import { clock, zone } from "/dev/format.js";
import { List } from "/dev/list.js";
import { Model } from "/dev/model.js";
import { knows } from "/dev/as_test.js";

const by = (id) => document.getElementById(id);
const model = new Model();
const list = new List(by("rows"), refresh);
const fields = { text: by("filter"), verdict: by("by-verdict"), status: by("by-status"), agent: by("by-agent") };

function filterNow() {
  list.filter(new Filter(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]))));
}

function plural(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function refresh() {
  const filter = list.current ?? new Filter();
  const [size, shown, bad] = [list.size, list.shown, list.bad.length];
  by("rows").hidden = shown === 0;
  by("empty").hidden = size > 0;
  by("nothing").hidden = size === 0 || shown > 0;
  setText(by("nothing-text"), size > 0 && shown === 0 ? `Nothing matches ${filter.described}: ${plural(size, "entry").replace("entrys", "entries")} hidden.` : "");
  setText(by("count"), size === 0 ? "" : filter.isEmpty ? plural(size, "request") : `${shown} of ${plural(size, "request")}`);
  by("count").toggleAttribute("data-filtered", !filter.isEmpty);
  by("problems").hidden = bad === 0;
  setText(by("problems"), plural(bad, "problem"));
  const { broken } = model;
  by("broken").hidden = broken === null;
  setText(by("broken"), broken === null ? "" : `Since ${clock(broken.at)} the project's files can not be loaded: the old project goes on. ${broken.error.split("\n").find((line) => /\w/.test(line))?.replace(/^[\s×╰─▶│]+/, "") ?? ""}`);
}

function offerAgent(name) {
  if (name === "" || [...fields.agent.options].some(({ value }) => value === name)) return;
  fields.agent.add(new Option(name, name));
}

function take(entry) {
  const { group, also = [], gone } = model.take(entry);
  for (const old of gone) list.drop(old);
  for (const changed of [group, ...also]) if (changed !== undefined) list.put(changed);
  if (group !== undefined) offerAgent(nameOf(group));
  if (entry.kind === "project") {
    knows(entry);
    showEmpty(by("empty"), entry);
    entry.agents.forEach((agent) => offerAgent(nameOf({ agent: agent.name, tenant: agent.tenant })));
    refresh();
  }
}

function resetFilters() {
  for (const field of Object.values(fields)) field.value = "";
  filterNow();
  fields.text.focus();
}

for (const field of Object.values(fields)) field.addEventListener("input", filterNow);
by("filters").addEventListener("submit", (event) => event.preventDefault());
by("reset").addEventListener("click", resetFilters);
by("problems").addEventListener("click", () => list.nextProblem());
by("clear").addEventListener("click", () => {
  model.clear();
  list.clear();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const keys = { "/": () => fields.text.focus(), e: () => list.nextProblem() };
  if (keys[event.key] === undefined) return;
  event.preventDefault();
  keys[event.key]();
});
setText(by("zone"), `Time (${zone(Date.now())})`);

function tell(state, text) {
  const status = by("status");
  status.dataset.state = state;
  delete status.dataset.said;
  status.textContent = text;
}

let boot = null;
const source = new EventSource("/dev/events");
// The server tells the latest again on each connection.
source.addEventListener("open", () => {
  model.forget();
  list.clear();
  tell("live", "live");
});
source.addEventListener("error", () => tell("away", "the server is away; trying again"));
source.addEventListener("message", ({ data }) => {
  const entry = JSON.parse(data);
  if (entry.kind === "project" && entry.boot !== boot) {
    // Another process has taken its place, and counts from one.
    if (boot !== null) model.restart();
    boot = entry.boot;
  }
  take(entry);
});
