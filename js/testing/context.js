// `t`: what a test does with the project, and the pretended internet behind it.
(function () {
const { core } = __bootstrap;
const { op_test_advance } = core.ops;
const { Headers } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { Request } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { URLPattern } = core.loadExtScript("ext:deno_web/01_urlpattern.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { setTimeout } = core.loadExtScript("ext:workerd_lite/worker/timers.js");
const { assertions } = core.loadExtScript("ext:workerd_lite/testing/assertions.js");
const { control } = core.loadExtScript("ext:workerd_lite/testing/control.js");
const { MockTracker } = core.loadExtScript("ext:workerd_lite/testing/mock.js");
const { tickAll } = core.loadExtScript("ext:workerd_lite/testing/mock_timers.js");
const { parseTest, withVariants } = core.loadExtScript("ext:workerd_lite/testing/registry.js");
const { needFunction, needInteger } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

const VIA = "x-workerd-lite-test-via";
const FAULT = "x-workerd-lite-test-fault";
const FAULTS = ["refuse", "reset", "stall", "tls"];

// Waits so many milliseconds, whatever a test has made of its timers.
const pause = (milliseconds) => new Promise((resolve) => Reflect.apply(setTimeout, globalThis, [resolve, milliseconds]));

const nameOf = (name) => (name === undefined ? null : String(name));

function patternOf(pattern) {
  if (pattern instanceof URLPattern) return pattern;
  if (typeof pattern !== "string") throw new TypeError("t.upstream() takes a URL pattern such as \"https://api.example/*\"");
  return new URLPattern(pattern);
}

// What has begun and is not over: names, by the promises of it.
class Pending {
  #all = new Map();

  // `owner` is the context whose body began it.
  async of(name, promise, owner) {
    this.#all.set(promise, { name, owner });
    try {
      return await promise;
    } finally {
      this.#all.delete(promise);
    }
  }

  // Those of one context, or of all.
  names(owner = null) {
    return [...this.#all.values()].filter((each) => owner === null || each.owner === owner).map(({ name }) => name);
  }
}

// A peer of the project: `fetch(request)` goes to it directly.
function peer(binding, pending, owner) {
  return {
    fetch(input, init = undefined) {
      const ask = async () => {
        const request = new Request(input, init);
        const answer = fetchThrough(binding, new Request(request, { redirect: init?.redirect ?? "manual" }));
        return await pending.of(`the answer to ${request.method} ${request.url}`, answer, owner);
      };
      return ask();
    },
  };
}

// The same object. An assertion that fails in a method of it fails the test, whatever the agent makes of it; other errors may be meant for the agent.
function asserting(methods, failed) {
  const told = (thrown) => {
    if (thrown?.code === "ERR_ASSERTION") failed(thrown);
    throw thrown;
  };
  return new Proxy(methods, {
    get(_, name) {
      const value = methods[name];
      const own = Reflect.getOwnPropertyDescriptor(methods, name);
      if (typeof value !== "function" || name === "constructor" || own?.configurable === false) return value;
      return (...args) => {
        try {
          const given = Reflect.apply(value, methods, args);
          return given instanceof Promise ? given.catch(told) : given;
        } catch (thrown) {
          return told(thrown);
        }
      };
    },
  });
}

// Options that nobody reads are mistakes.
function needOptions(of, options, known) {
  if (options === null || typeof options !== "object") throw new TypeError(`${of} takes an object of options`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${of} has no option ${JSON.stringify(name)}: it has ${known.join(", ")}`);
  }
}

// Moves `Date`, timers, time-outs and the expiry of tokens, of the agents, the policy and the test alike. What falls due
// happens at its time and in its order.
async function advance(time) {
  const milliseconds = typeof time === "number" ? time : control({ order: "time", text: String(time) });
  await op_test_advance(milliseconds);
  tickAll(milliseconds);
}

class Skipped extends Error {}

// What all contexts of one test share: its stand-ins for the network, the newest first.
class Internet {
  upstreams = [];
  unexpected = [];
  services = new Map();
  // The last time that the clock was advanced.
  advanced = null;
  pending = new Pending();

  constructor(live) {
    this.live = live;
  }
}

class TestContext {
  #ended = new AbortController();
  #internet;
  #upstreams = [];
  #notes = [];
  #queue = Promise.resolve();
  #queued = 0;
  #planned = null;
  #waits = false;
  #counted = 0;
  #runsOnly = false;
  #failed;
  #unawaited = [];
  hooks = { before: [], after: [], beforeEach: [], afterEach: [] };
  subtests = [];
  skipped = null;
  todoReason = null;
  // What has come of it so far, for its hooks at the end.
  passed = false;
  error = null;
  mock = new MockTracker();
  clock = {
    advance: (time) => {
      const advanced = advance(time);
      this.#internet.advanced = advanced;
      return this.#internet.pending.of(`t.clock.advance(${JSON.stringify(time)})`, advanced, this);
    },
  };

  // `parent` is a context, or none. `runSubtest(t, fn, options)` gives what came of a subtest.
  constructor(name, parent, { live, file, path = [], runSubtest, stray, failed }) {
    this.name = name;
    this.filePath = file;
    this.fullName = parent === null ? [...path, name].join(" > ") : `${parent.fullName} > ${name}`;
    this.#internet = parent === null ? new Internet(live) : parent.#internet;
    this.signal = this.#ended.signal;
    const settings = { live, file, runSubtest, stray, failed };
    this.#failed = failed;
    this.begin = (parsed, more) => this.#subtest(parsed, more, settings);
    this.test = withVariants((args, more) => this.begin(parseTest(args), more));
    this.it = this.test;
    // Deno has it by this name.
    this.step = this.test;
    this.assert = this.#counting();
  }

  // Subtests run one after the other, as node:test's do, whether they are awaited or not.
  #subtest({ name, options, fn }, more, settings) {
    options = { ...options, ...more };
    if (this.#ended.signal.aborted) {
      settings.stray(new Error(`the subtest "${name}" was begun after "${this.fullName}" had ended`));
      return Promise.resolve();
    }
    this.#counted++;
    this.#queued++;
    const run = async () => {
      const t = new TestContext(name, this, settings);
      if (this.#runsOnly && !options.only) options.skip ??= "the 'only' option is not set";
      const began = performance.now();
      const told = await settings.runSubtest(t, this, fn, options);
      this.subtests.push({ name, ms: performance.now() - began, ...told });
    };
    this.#queue = this.#queue.then(run);
    return this.#queue;
  }

  // Waits for all subtests, and for those that they begin.
  async settled() {
    for (let seen = -1; seen !== this.#queued; ) {
      seen = this.#queued;
      await this.#queue;
    }
  }

  // The functions of node:assert and those of the file's own, each of whose calls counts.
  #counting() {
    const counting = { __proto__: null };
    for (const [name, check] of assertions()) {
      counting[name] = (...args) => {
        this.#counted++;
        return Reflect.apply(check, this, args);
      };
    }
    return counting;
  }

  // How many assertions of t.assert and subtests there must be, and whether they are waited for: milliseconds, or as long as it takes.
  plan(count, { wait = false } = {}) {
    needInteger(count, "count", 0);
    if (typeof wait !== "boolean" && !(wait >= 0)) throw new TypeError("t.plan() takes { wait: true } or { wait: milliseconds }");
    if (this.#planned !== null) throw new Error("cannot set plan more than once");
    this.#planned = count;
    this.#waits = wait;
  }

  async planned() {
    if (this.#planned === null || this.#waits === false) return;
    const until = this.#waits === true ? Infinity : performance.now() + this.#waits;
    while (this.#counted < this.#planned && performance.now() < until) await pause(2);
  }

  // From now on, only subtests that are marked with `only` run.
  runOnly(value) {
    this.#runsOnly = Boolean(value);
  }

  // What is wrong with the plan.
  unplanned() {
    if (this.#planned === null || this.#planned === this.#counted) return null;
    return new Error(`plan expected ${this.#planned} assertions but received ${this.#counted}`);
  }

  // Asks again and again until the condition does not throw.
  async waitFor(condition, { interval = 50, timeout = 1000 } = {}) {
    needFunction(condition, "condition");
    const until = performance.now() + timeout;
    for (;;) {
      try {
        return await condition();
      } catch (cause) {
        if (performance.now() >= until) throw new Error("waitFor() timed out", { cause });
      }
      await pause(interval);
    }
  }

  before(fn, options = {}) {
    this.hooks.before.push({ fn, options });
  }

  beforeEach(fn, options = {}) {
    this.hooks.beforeEach.push({ fn, options });
  }

  afterEach(fn, options = {}) {
    this.hooks.afterEach.push({ fn, options });
  }

  // The real agent, through the real policy.
  agent(name) {
    return peer(control({ order: "agent", agent: nameOf(name) }), this.#internet.pending, this);
  }

  // The server, as its clients have it: hosts choose the agent, limits hold, and failures are responses.
  get client() {
    return peer(control({ order: "client" }), this.#internet.pending, this);
  }

  // The policy alone, as this agent's requests reach it; the first agent's without a name.
  outbound(name) {
    return peer(control({ order: "outbound", agent: nameOf(name) }), this.#internet.pending, this);
  }

  // Values over the project's own, for the policy or for the agents named: `{ env }`, before the first request.
  env(values, options = {}) {
    needOptions("t.env()", options, ["agent"]);
    const { agent } = options;
    control({ order: "env", values, agent: nameOf(agent) });
  }

  // Answers where the network would. The newest that matches wins.
  upstream(pattern, handler) {
    if (typeof handler !== "function") throw new TypeError("t.upstream() takes a handler (request, via) => Response, or (socket, via) for tcp:");
    this.#answers({ pattern: patternOf(pattern), handler });
  }

  // A subtest's own end with it.
  #answers(upstream) {
    this.#upstreams.push(upstream);
    this.#internet.upstreams.unshift(upstream);
  }

  fault(pattern, kind) {
    if (!FAULTS.includes(kind)) throw new TypeError(`t.fault() takes one of ${FAULTS.join(", ")}`);
    this.#answers({ pattern: patternOf(pattern), handler: () => new Response(null, { headers: { [FAULT]: kind } }) });
  }

  // Stands in for a service of the agents, or of one: its methods, and `fetch()`. It stays until the test ends.
  service(name, methods, options = {}) {
    needOptions("t.service()", options, ["agent"]);
    const { agent } = options;
    if (methods === null || (typeof methods !== "object" && typeof methods !== "function")) {
      throw new TypeError("t.service() takes the name of a service, and an object of its methods");
    }
    const service = String(name);
    control({ order: "service", service, agent: nameOf(agent) });
    this.#internet.services.set(service, asserting(methods, this.#failed));
  }

  pretended(name) {
    return this.#internet.services.get(name);
  }

  // What left the policy, or was kept from leaving: the audit records, in their order.
  get egress() {
    return control({ order: "egress" });
  }

  // Its body has ended: what it began and did not wait for is told.
  returns() {
    this.#unawaited = this.#internet.pending.names(this);
  }

  // Waits for what the test has begun and did not wait for, and for what agents and policy do yet: so many milliseconds at most. Gives what of it was
  // not waited for.
  async lingering(most) {
    const { advanced, pending } = this.#internet;
    // Nobody can wait for a while in a time that jumps.
    await advanced?.catch(() => {});
    // By turns, as it may have jumped.
    let turns = 0;
    while (turns < most && pending.names().length > 0) {
      await pause(1);
      turns++;
    }
    const left = this.#unawaited.map((what) => `${what}, which it did not await,`);
    const binding = control({ order: "lingers", most: Math.max(1, most - turns) });
    if (binding === null) return left;
    const answer = await fetchThrough(binding, new Request("http://test.invalid/"));
    return [...left, ...(await answer.json())];
  }

  end() {
    this.#ended.abort();
    this.mock.reset();
    const internet = this.#internet;
    internet.upstreams = internet.upstreams.filter((upstream) => !this.#upstreams.includes(upstream));
  }

  get unexpected() {
    return this.#internet.unexpected;
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

  after(fn, options = {}) {
    this.hooks.after.push({ fn, options });
  }

  // A connection that arrives there. One that nobody takes is refused.
  async accept(socket, headers) {
    const via = JSON.parse(headers.find(({ 0: name }) => name.toLowerCase() === VIA)?.[1] ?? "{}");
    const { localAddress } = await socket.opened;
    const url = `tcp://${localAddress}`;
    const found = this.#internet.upstreams.find(({ pattern }) => pattern.test(url));
    if (found !== undefined) return await found.handler(socket, via);
    this.unexpected.push(`CONNECT ${url}${via.certificate ? ` with the certificate ${via.certificate}` : ""}`);
  }

  // A request that arrives where the network would be.
  async answer(request) {
    const via = JSON.parse(request.headers.get(VIA) ?? "{}");
    const headers = new Headers(request.headers);
    headers.delete(VIA);
    const clean = new Request(request, { headers, redirect: "manual" });
    const found = this.#internet.upstreams.find(({ pattern }) => pattern.test(clean.url));
    if (found !== undefined) {
      const response = await found.handler(clean, via);
      if (!(response instanceof Response) || response.type === "error") {
        const what = response instanceof Response ? "Response.error()" : response === null ? "null" : typeof response;
        throw new TypeError(`the handler of t.upstream() for ${clean.url} gave ${what}: expected a Response, and for failures t.fault()`);
      }
      return response;
    }
    if (this.#internet.live) return await fetchThrough(-1, clean);
    this.unexpected.push(`${clean.method} ${clean.url}${via.credential ? ` with the credential ${via.credential}` : ""}${via.certificate ? ` with the certificate ${via.certificate}` : ""}`);
    return new Response(null, { headers: { [FAULT]: "unexpected" } });
  }
}

return { Skipped, TestContext };
})();
