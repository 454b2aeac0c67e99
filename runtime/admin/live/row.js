// One line of the list: a client's request, an agent's fetch, or an egress; with its error below, and its details on demand.
import { copyButton, element, setClass, setText, spoken } from "/dev/dom.js";
import { isOpen } from "/dev/model.js";
import { clock, full, took } from "/dev/format.js";
import { nameOf } from "/dev/filter.js";
import { draw, stagesOf } from "/dev/waterfall.js";
import { details } from "/dev/detail.js";
import { asTest, isOwn, isReproducible } from "/dev/as_test.js";

let ids = 0;

// What a line says, whatever it is a line of.
function said(part, group) {
  if (part.kind === "egress") {
    const { method, url, verdict, by, rule, binding, status } = part.egress;
    // Where the policy itself failed before anything left, that is the reason.
    const error = (isOwn(part) && group.calls.get(part.call)?.error) || part.egress.error;
    const judged = part.state !== "begun";
    return { method, url, error, verdict: judged ? verdict : "", by: judged ? [by, rule, binding].filter(Boolean).join(" · ") : "", code: status };
  }
  const { method, url, error, status, state } = part;
  if (part.kind === "request") return { method, url, error, verdict: "", by: part.agent === null ? "no agent" : part.limit ? `limit · ${part.limit}` : "", code: status };
  const left = state === "gone" ? "not waited for" : "";
  return { method, url, error, verdict: error ? "failed" : "", by: part.limit ? "limit" : left, code: status };
}

export class Row {
  #part = null;
  #group = null;
  #error = null;
  #detail = null;

  constructor(kind) {
    const id = `d${(ids += 1)}`;
    this.kind = kind;
    this.time = element("time");
    this.agent = element("span", { className: "agent" });
    this.method = element("span", { className: "method" });
    this.url = element("span", { className: "url" });
    this.open = element("button", { type: "button", className: "open", aria: { expanded: "false", controls: id } }, this.method, " ", this.url);
    this.verdict = element("b");
    this.by = element("span");
    this.code = element("span", { className: "code" });
    this.took = element("span", { className: "took" });
    this.track = element("span", { className: "track", aria: { hidden: "true" } });
    this.actions = element("span", { className: "actions" });
    const judged = element("span", { className: "judged" }, this.verdict, " ", this.by);
    const request = element("span", { className: "request" }, this.open);
    const flow = element("span", { className: "flow" }, this.took, this.track);
    this.line = element("div", {}, this.time, this.agent, request, judged, this.code, flow, this.actions);
    this.more = element("div", { id, className: "more", hidden: true });
    this.node = element("div", { className: "row" }, this.line, this.more);
    this.open.addEventListener("click", () => this.toggle());
  }

  toggle(open = this.more.hidden) {
    this.more.hidden = !open;
    this.open.setAttribute("aria-expanded", String(open));
    this.#fill();
  }

  get isBad() {
    const { error, code } = said(this.#part, this.#group);
    return Boolean(error) || (this.kind === "request" && code >= 500);
  }

  update(part, group) {
    this.#part = part;
    this.#group = group;
    const { method, url, error, verdict, by, code } = said(part, group);
    setText(this.time, clock(part.kind === "egress" ? part.began : part.at));
    this.time.dateTime = new Date(part.at).toISOString();
    this.time.title = full(part.at);
    setText(this.agent, this.kind === "request" ? nameOf(group) || "–" : "");
    setText(this.method, method);
    setText(this.url, url);
    setText(this.verdict, verdict);
    setClass(this.verdict, `verdict ${verdict}`);
    this.verdict.hidden = verdict === "";
    setText(this.by, by);
    const open = isOpen(part);
    const text = code ? String(code) : open ? "…" : this.kind === "call" && !error ? "" : "none";
    setText(this.code, text);
    setClass(this.code, `code c${code ? String(code)[0] : open ? "-open" : "-none"}`);
    this.code.title = open && !code ? "pending" : "";
    setClass(this.line, `line ${this.kind}${open ? " pending" : ""}${this.isBad ? " bad" : ""}`);
    this.#explain(error);
    this.#act(open);
    this.#fill();
  }

  // The error stands in sight, whether details are open or not.
  #explain(error) {
    if (!error) {
      this.#error?.remove();
      this.#error = null;
      return;
    }
    if (this.#error === null) {
      this.#error = element("pre", { className: "error" });
      this.line.after(this.#error);
    }
    setText(this.#error, error);
    setClass(this.#error, error.includes("\n") ? "error" : "error brief");
  }

  #act(open) {
    const wanted = !open && isReproducible(this.#part, this.#group);
    if (wanted === (this.actions.firstChild !== null)) return;
    const { method, url } = said(this.#part, this.#group);
    const copied = () => asTest(this.#part, this.#group);
    this.actions.replaceChildren(...(wanted ? [copyButton("Copy test", `Copy test: ${method} ${url}`, "copied as a test", copied)] : []));
  }

  #fill() {
    if (this.more.hidden || this.#part === null) return;
    if (this.more.contains(document.activeElement)) return;
    this.more.replaceChildren(...details(this.#part, this.#group));
  }

  // Draws its bars on its request's scale.
  draw(scale, now) {
    const stages = stagesOf(this.#part, now);
    draw(this.track, stages, scale);
    const last = stages.at(-1);
    setText(this.took, last === undefined ? "" : took(last.to - stages[0].from));
  }
}

// The policy's failure after something has left: it stands below that.
export function policyFailure({ error }) {
  return element("pre", { className: "error", text: `The policy failed: ${error}` });
}

// A console line of agent or policy.
export function consoleLine({ at, worker, level, text }) {
  const node = element("div", { className: `console ${level}` });
  const time = element("time", { text: clock(at), title: full(at), dateTime: new Date(at).toISOString() });
  node.append(time, element("span", { className: "worker", text: worker }), spoken(` ${level}: `), element("span", { className: "said", text }));
  return node;
}
