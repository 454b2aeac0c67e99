// A request with all that came of it, as one item of the list; or a notice.
import { arrange, element, setClass, setText } from "/dev/dom.js";
import { clock, full } from "/dev/format.js";
import { nameOf } from "/dev/filter.js";
import { isOwn } from "/dev/as_test.js";
import { Row, consoleLine, policyFailure } from "/dev/row.js";
import { stagesOf } from "/dev/waterfall.js";

// How many console lines of one request are in sight at first.
const LINES = 8;

export class GroupView {
  #rows = new Map();
  #lines = new Map();
  #all = false;
  #more = null;
  #notice = null;
  node = element("li", { className: "group" });

  constructor(group) {
    this.group = group;
  }

  get rows() {
    return this.#rows.values();
  }

  get isBad() {
    if (this.group.notice !== null) return this.node.classList.contains("bad");
    return [...this.#rows.values()].some((row) => row.isBad);
  }

  // The first thing that is wrong in here, as something that can have the focus.
  get problem() {
    if (this.#notice !== null) return this.#notice;
    return [...this.#rows.values()].find((row) => row.isBad)?.open ?? null;
  }

  update(now) {
    const { group } = this;
    if (group.notice !== null) return this.#tell(group.notice);
    const parts = this.#parts();
    const kept = new Set(parts.map(({ key }) => key));
    for (const key of this.#rows.keys()) if (!kept.has(key)) this.#rows.delete(key);
    const nodes = [];
    let lines = 0;
    for (const part of parts) {
      if (part.kind === "console") {
        lines += 1;
        if (lines > LINES && !this.#all) continue;
        if (!this.#lines.has(part.key)) this.#lines.set(part.key, consoleLine(part));
        nodes.push(this.#lines.get(part.key));
        continue;
      }
      if (part.kind === "failure") {
        if (!this.#lines.has(part.key)) this.#lines.set(part.key, policyFailure(part));
        nodes.push(this.#lines.get(part.key));
        continue;
      }
      if (!this.#rows.has(part.key)) this.#rows.set(part.key, new Row(part.kind));
      const row = this.#rows.get(part.key);
      row.update(part, group);
      nodes.push(row.node);
    }
    if (lines > LINES && !this.#all) nodes.push(this.#moreLines(lines - LINES));
    arrange(this.node, nodes);
    setClass(this.node, this.isBad ? "group bad" : "group");
    this.draw(now);
  }

  // The request, then what came of it by its beginning. A fetch stands for itself until something has become of it.
  #parts() {
    const { group } = this;
    const parts = [];
    for (const call of group.calls.values()) {
      const egresses = group.of(call.key);
      if (egresses.length === 0) parts.push({ at: call.at, part: call });
      for (const egress of egresses) parts.push({ at: egress.began, part: egress });
      if (call.error && egresses.length > 0 && !egresses.some(isOwn)) parts.push({ at: call.at + (call.ms ?? 0), part: { ...call, kind: "failure" } });
    }
    for (const egress of group.egresses.values()) {
      if (!group.calls.has(egress.call)) parts.push({ at: egress.began, part: egress });
    }
    for (const line of group.lines.values()) parts.push({ at: line.at, part: line });
    parts.sort((a, b) => a.at - b.at || a.part.key - b.part.key);
    return [...(group.request === null ? [] : [group.request]), ...parts.map(({ part }) => part)];
  }

  #moreLines(count) {
    this.#more ??= element("button", { type: "button", className: "lines" });
    setText(this.#more, `${count} more console line${count === 1 ? "" : "s"}`);
    this.#more.onclick = () => {
      this.#all = true;
      this.update(Date.now());
    };
    return this.#more;
  }

  draw(now) {
    const { group } = this;
    const parts = [group.request, ...group.calls.values(), ...group.egresses.values()].filter((part) => part !== null);
    const stages = parts.flatMap((part) => stagesOf(part, now));
    if (stages.length === 0) return;
    const start = Math.min(...stages.map(({ from }) => from));
    const whole = Math.max(0.001, ...stages.map(({ to }) => to - start));
    for (const row of this.#rows.values()) row.draw({ start, whole }, now);
  }

  #tell(notice) {
    const { kind, at, error, text } = notice;
    const bad = Boolean(error) || kind === "stopped" || (kind === "console" && notice.level === "error");
    const what = {
      reload: error ? "The project could not be loaded anew. The old one goes on." : "The project was loaded anew.",
      stopped: `${nameOf(notice)} was stopped: ${text}`,
      console: text,
    }[kind];
    this.node.className = `group notice ${kind}${bad ? " bad" : ""}`;
    const head = element("p", { tabIndex: bad ? 0 : -1 });
    head.append(
      element("time", { text: clock(at), title: full(at), dateTime: new Date(at).toISOString() }),
      ...(kind === "console" ? [element("span", { className: "worker", text: notice.worker })] : []),
      element("span", { className: "said", text: what }),
    );
    this.#notice = head;
    this.node.replaceChildren(head, ...(error ? [element("pre", { className: "error", text: error })] : []));
  }
}
