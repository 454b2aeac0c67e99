// `t`: what a test does with the project, and the pretended internet behind it.
(function () {
const { core } = __bootstrap;
const { op_test_advance, op_test_control } = core.ops;
const { Headers } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { Request } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { URLPattern } = core.loadExtScript("ext:deno_web/01_urlpattern.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { MockTracker } = core.loadExtScript("ext:workerd_lite/testing/mock.js");

const VIA = "x-workerd-lite-test-via";
const FAULT = "x-workerd-lite-test-fault";
const FAULTS = ["refuse", "reset", "stall", "tls"];

function control(order) {
  return JSON.parse(op_test_control(requireContext().id, JSON.stringify(order)));
}

const nameOf = (name) => (name === undefined ? null : String(name));

function patternOf(pattern) {
  if (pattern instanceof URLPattern) return pattern;
  if (typeof pattern !== "string") throw new TypeError("t.upstream() takes a URL pattern such as \"https://api.example/*\"");
  return new URLPattern(pattern);
}

// A peer of the project: `fetch(request)` goes to it directly.
function peer(binding) {
  return {
    async fetch(input, init = undefined) {
      const request = new Request(input, init);
      return await fetchThrough(binding, new Request(request, { redirect: init?.redirect ?? "manual" }));
    },
  };
}

// Moves `Date`, timers, time-outs and the expiry of tokens, of the agents, the policy and the test alike. What falls due
// happens at its time and in its order.
async function advance(time) {
  await op_test_advance(typeof time === "number" ? time : control({ order: "time", text: String(time) }));
}

class Skipped extends Error {}

class TestContext {
  #ended = new AbortController();
  #upstreams = [];
  #live;
  #notes = [];
  cleanups = [];
  unexpected = [];
  skipped = null;
  todoReason = null;
  mock = new MockTracker();
  clock = { advance };

  constructor(name, live) {
    this.name = name;
    this.fullName = name;
    this.#live = live;
    this.signal = this.#ended.signal;
    this.test = (...args) => this.step(...args);
    // https://github.com/denoland/deno and node:test call these the same.
    this.it = this.test;
  }

  // The real agent, through the real policy.
  agent(name) {
    return peer(control({ order: "agent", agent: nameOf(name) }));
  }

  // The policy alone, as this agent's requests reach it; the first agent's without a name.
  outbound(name) {
    return peer(control({ order: "outbound", agent: nameOf(name) }));
  }

  // Values over the project's own, for the policy or for the agents named: `{ env }`, before the first request.
  env(values, { agent } = {}) {
    control({ order: "env", values, agent: nameOf(agent) });
  }

  // Answers where the network would. The newest that matches wins.
  upstream(pattern, handler) {
    if (typeof handler !== "function") throw new TypeError("t.upstream() takes a handler (request, via) => Response");
    this.#upstreams.unshift({ pattern: patternOf(pattern), handler });
  }

  fault(pattern, kind) {
    if (!FAULTS.includes(kind)) throw new TypeError(`t.fault() takes one of ${FAULTS.join(", ")}`);
    this.#upstreams.unshift({ pattern: patternOf(pattern), handler: () => new Response(null, { headers: { [FAULT]: kind } }) });
  }

  // What left the policy, or was kept from leaving: the audit records, in their order.
  get egress() {
    return control({ order: "egress" });
  }

  end() {
    this.#ended.abort();
    this.mock.restoreAll();
  }

  diagnostic(text) {
    this.#notes.push(String(text));
  }

  get notes() {
    return this.#notes;
  }

  skip(reason = true) {
    this.skipped = String(reason);
  }

  todo(reason = true) {
    this.todoReason = String(reason);
  }

  after(fn) {
    this.cleanups.push(fn);
  }

  async step(name, options, fn) {
    if (typeof name === "function") [name, fn] = [name.name, name];
    else if (typeof options === "function") fn = options;
    if (fn === undefined || options?.skip) return;
    try {
      await fn(this);
    } catch (error) {
      if (error instanceof Error && !error.step) {
        error.step = name;
        error.message = `${name}: ${error.message}`;
      }
      throw error;
    }
  }

  // A request that arrives where the network would be.
  async answer(request) {
    const via = JSON.parse(request.headers.get(VIA) ?? "{}");
    const headers = new Headers(request.headers);
    headers.delete(VIA);
    const clean = new Request(request, { headers, redirect: "manual" });
    const found = this.#upstreams.find(({ pattern }) => pattern.test(clean.url));
    if (found !== undefined) return await found.handler(clean, via);
    if (this.#live) return await fetchThrough(-1, clean);
    this.unexpected.push(`${clean.method} ${clean.url}${via.credential ? ` with the credential ${via.credential}` : ""}${via.certificate ? ` with the certificate ${via.certificate}` : ""}`);
    return new Response(null, { headers: { [FAULT]: "unexpected" } });
  }
}

return { Skipped, TestContext };
})();
