// What the server has told: requests, each with the agent's fetches ("calls"), their egresses, and console lines. Each entry
// comes whole, again and again; `key` says which it is, and grows with time.

// The most requests and notices that are kept, and the most of what belongs to one.
const GROUPS = 1000;
const PARTS = 300;
const ALL_PARTS = 6000;

// A client's request and all that came of it; or a notice (a reload, an agent that was stopped, a line of nobody's request).
export class Group {
  request = null;
  notice = null;
  calls = new Map();
  egresses = new Map();
  lines = new Map();
  dropped = 0;

  constructor(id, at) {
    this.id = id;
    this.at = at;
  }

  get size() {
    return this.calls.size + this.egresses.size + this.lines.size;
  }

  // The egresses of a call, by their beginning.
  of(call) {
    return [...this.egresses.values()].filter((egress) => egress.call === call).sort((a, b) => a.began - b.began);
  }

  get agent() {
    return this.request?.agent ?? this.notice?.agent ?? [...this.calls.values()][0]?.agent ?? null;
  }

  get tenant() {
    return this.request?.tenant ?? this.notice?.tenant ?? [...this.calls.values()][0]?.tenant ?? null;
  }

  get isPending() {
    const parts = [...this.calls.values(), ...this.egresses.values()];
    return (this.request !== null && isOpen(this.request)) || parts.some(isOpen);
  }
}

export const isOpen = ({ state }) => state !== "done" && state !== "gone";

export class Model {
  groups = new Map();
  project = null;
  // The last reload, where that failed.
  broken = null;
  // Clearing hides what is older.
  #cleared = 0;
  #newest = 0;
  #parts = 0;

  // Takes an entry, and gives the group that has changed and those that had to go.
  take(entry) {
    if (entry.kind === "project") {
      this.project = entry;
      return { gone: [] };
    }
    this.#newest = Math.max(this.#newest, entry.key);
    if (entry.kind === "reload") this.broken = entry.error ? entry : null;
    if (entry.key <= this.#cleared) return { gone: [] };
    const own = entry.kind === "reload" || entry.kind === "stopped" || !entry.request;
    const id = own ? `n${entry.key}` : entry.request;
    let group = this.groups.get(id);
    if (group === undefined) {
      // What is left of a request that was cleared is not shown.
      if (entry.kind !== "request" && !own && this.#cleared > 0 && this.#wasCleared(entry)) return { gone: [] };
      group = new Group(id, entry.at);
      this.groups.set(id, group);
    }
    this.#put(group, entry, own);
    const also = entry.kind === "stopped" ? this.#stop(entry) : [];
    return { group, also, gone: this.#evict() };
  }

  #wasCleared({ call }) {
    return call !== undefined && call !== null && call <= this.#cleared;
  }

  #put(group, entry, own) {
    if (entry.kind === "request") {
      group.request = { ...entry, ...(group.request?.stopped && entry.status === undefined ? { error: group.request.error } : {}) };
      group.at = Math.min(group.at, entry.at);
      return;
    }
    if (own) {
      group.notice = entry;
      return;
    }
    const parts = { call: group.calls, egress: group.egresses, console: group.lines }[entry.kind];
    if (parts === undefined) return;
    if (!parts.has(entry.key)) {
      if (group.size >= PARTS) {
        group.dropped += 1;
        return;
      }
      this.#parts += 1;
    }
    parts.set(entry.key, entry);
  }

  // An agent was stopped together with its thread: what it had under way has no end of its own.
  #stop({ at, agent, tenant, limit, text }) {
    const also = [];
    for (const group of this.groups.values()) {
      const { request } = group;
      if (request === null || !isOpen(request) || request.agent !== agent || request.tenant !== tenant || request.at > at) continue;
      group.request = { ...request, state: "gone", stopped: true, limit, error: `the agent was stopped: ${text}`, ms: at - request.at };
      also.push(group);
    }
    return also;
  }

  #evict() {
    const gone = [];
    for (const [id, group] of this.groups) {
      if (this.groups.size <= GROUPS && this.#parts <= ALL_PARTS) break;
      this.groups.delete(id);
      this.#parts -= group.size;
      gone.push(group);
    }
    return gone;
  }

  clear() {
    this.#cleared = this.#newest;
    this.forget();
  }

  // The server tells all it has again.
  forget() {
    this.groups.clear();
    this.#parts = 0;
  }

  // Another server counts anew.
  restart() {
    this.#cleared = 0;
    this.#newest = 0;
    this.broken = null;
    this.forget();
  }
}
