// The list: the newest first. What changes is drawn once a frame, and what is not in sight is not laid out (content-visibility).
import { GroupView } from "/dev/group.js";

// How often the bars of what is under way grow, in milliseconds.
const GROWS = 100;

export class List {
  #views = new Map();
  #dirty = new Set();
  #asked = false;
  #changed;

  // `changed(list)` is called after what is shown has changed.
  constructor(node, changed) {
    this.node = node;
    this.#changed = changed;
    setInterval(() => this.#grow(), GROWS);
    node.addEventListener("keydown", (event) => this.#walk(event));
  }

  get size() {
    return this.#views.size;
  }

  get shown() {
    return [...this.#views.values()].filter(({ node }) => !node.hidden).length;
  }

  get bad() {
    return [...this.#views.values()].filter((view) => view.isBad && !view.node.hidden);
  }

  // A group is new, or has changed.
  put(group) {
    this.#dirty.add(group);
    if (this.#asked) return;
    this.#asked = true;
    const flush = () => {
      if (!this.#asked) return;
      this.#asked = false;
      this.#flush();
    };
    // A page that nobody sees has no frames.
    if (document.hidden) setTimeout(flush, 50);
    else requestAnimationFrame(flush);
  }

  drop(group) {
    this.#dirty.delete(group);
    this.#views.get(group)?.node.remove();
    this.#views.delete(group);
  }

  clear() {
    this.#views.clear();
    this.#dirty.clear();
    this.node.replaceChildren();
    this.#changed(this);
  }

  filter(filter) {
    this.current = filter;
    for (const view of this.#views.values()) view.node.hidden = !filter.matches(view.group);
    this.#changed(this);
  }

  #flush() {
    const now = Date.now();
    for (const group of this.#dirty) {
      let view = this.#views.get(group);
      if (view === undefined) {
        view = new GroupView(group);
        this.#views.set(group, view);
        this.#place(view);
      }
      view.update(now);
      view.node.hidden = this.current !== undefined && !this.current.matches(group);
    }
    this.#dirty.clear();
    this.#changed(this);
  }

  // Almost always the newest.
  #place(view) {
    view.node.at = view.group.at;
    let before = this.node.firstChild;
    while (before !== null && before.at > view.group.at) before = before.nextSibling;
    this.node.insertBefore(view.node, before);
  }

  #grow() {
    if (document.hidden) return;
    const now = Date.now();
    for (const view of this.#views.values()) {
      if (view.group.isPending) view.draw(now);
    }
  }

  // Arrows go from line to line.
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !event.target.matches("button.open")) return;
    const all = [...this.node.querySelectorAll("li:not([hidden]) button.open")];
    const next = all[all.indexOf(event.target) + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }

  // Gives the focus to the next problem after the one that has it, from above again after the last.
  nextProblem() {
    const all = [...this.node.children].flatMap((node) => this.bad.filter((view) => view.node === node));
    const at = all.findIndex((view) => view.node.contains(document.activeElement));
    const next = all[(at + 1) % all.length];
    next?.problem?.focus();
    next?.node.scrollIntoView({ block: "nearest" });
  }
}
