// Runs one test after the other, each as an event of its own: `/list` names them, `/run/<number>` runs one.
(function () {
const { core, primordials } = __bootstrap;
// A file's own top level may have changed every method of an array: what fails must not be lost by that.
const { ArrayPrototypeMap, ArrayPrototypePush } = primordials;
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { describe } = core.loadExtScript("ext:workerd_lite/worker/describe.js");
const { clearTimeout, setTimeout } = core.loadExtScript("ext:deno_web/02_timers.js");
const { takeUncaught } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");
const { register } = core.loadExtScript("ext:workerd_lite/testing/assertions.js");
const { differences, inspect } = core.loadExtScript("ext:workerd_lite/testing/assert.js");
const { MockTracker } = core.loadExtScript("ext:workerd_lite/testing/mock.js");
const { TestContext } = core.loadExtScript("ext:workerd_lite/testing/context.js");
const { setPretended } = core.loadExtScript("ext:workerd_lite/rpc/entrypoint.js");
const registry = core.loadExtScript("ext:workerd_lite/testing/registry.js");
const { giveServices } = core.loadExtScript("ext:workerd_lite/testing/services.js");
const { snapshot } = core.loadExtScript("ext:workerd_lite/testing/snapshot.js");

let running = null;
setPretended((name) => running?.pretended(name));
// Whose body runs: a test's, or its subtest's.
let innermost = null;
// Waits so many milliseconds, whatever a test has made of its timers: this one is no event's.
const pause = (milliseconds) => new Promise((resolve) => Reflect.apply(setTimeout, globalThis, [resolve, milliseconds]));
// Gives the event loop a turn.
const turn = () => pause(0);
const started = new Set();

// chai's, and those of packages that are like it, say what they compared, and whether it is worth showing.
function isForeignAssertion(thrown) {
  if (!(thrown instanceof Error) || !("actual" in thrown && "expected" in thrown) || thrown.showDiff === false) return false;
  // A message of several lines shows it itself.
  return !thrown.message.includes("\n");
}

function told(thrown) {
  if (thrown instanceof SubtestsFailed) return { summary: thrown.message, stack: "" };
  const { summary, stack } = describe(thrown);
  const error = { summary, stack };
  if (typeof thrown === "object" && thrown !== null && thrown.code === "ERR_ASSERTION") {
    error.summary = thrown.message;
    error.assertion = true;
  } else if (isForeignAssertion(thrown)) {
    error.summary = `${summary}\n+ actual - expected\n\n${differences(thrown.actual, thrown.expected)}\n`;
  }
  if (thrown?.cause !== undefined) error.cause = describe(thrown.cause).summary;
  if (!stack && typeof thrown === "object") error.summary = inspect(thrown);
  return error;
}

function call(fn, self, t) {
  // node:test's older form: the second parameter is called at the end.
  if (fn.length < 2) return Reflect.apply(fn, self, [t]);
  return new Promise((resolve, reject) => {
    let calls = 0;
    let returned = false;
    let settle = null;
    const done = (error) => {
      if (++calls > 1) return uncaught(new Error("callback invoked multiple times", error instanceof Error ? { cause: error } : {}));
      settle = () => (error ? reject(error) : resolve());
      if (returned) settle();
    };
    const given = Reflect.apply(fn, self, [t, done]);
    returned = true;
    if (typeof given?.then === "function") {
      // Whatever becomes of it, nobody can say what would be its end.
      Promise.resolve(given).catch(() => {});
      reject(new Error("passed a callback but also returned a Promise"));
    } else settle?.();
  });
}

// A hook with what bounds it.
const callHook = ({ fn, options }, t) => within(options, () => call(fn, t, t));

// Suites begin with the first of their tests and end with the last. One whose beginning failed has no test that can pass.
const unbegun = new Map();

async function beginSuites(test, t) {
  for (const suite of test.suite.path()) {
    if (unbegun.has(suite)) throw unbegun.get(suite);
    if (started.has(suite)) continue;
    started.add(suite);
    try {
      for (const hook of suite.hooks.before) await callHook(hook, t);
    } catch (error) {
      unbegun.set(suite, error);
      throw error;
    }
  }
}

async function endSuites(test, t, runs) {
  const place = registry.tests.indexOf(test);
  const left = registry.tests.filter((_, index) => index > place && runs.has(index));
  for (const suite of test.suite.path().toReversed()) {
    if (left.some((other) => other.suite.path().includes(suite))) continue;
    for (const hook of suite.hooks.after) await callHook(hook, t);
  }
}

async function body(test, t, env, ctx) {
  if (test.exported) return await test.exported({}, env, ctx);
  await call(test.fn, t, t);
}

// Collects what fails, and goes on.
function collector(failures) {
  return async (what) => {
    try {
      await what();
      return true;
    } catch (error) {
      ArrayPrototypePush(failures, error);
      return false;
    }
  };
}

// A test's or subtest's own part: its body, its subtests, its hooks at the end, and its plan.
async function runBody(t, failures, options, fn) {
  const attempt = collector(failures);
  const ready = await attempt(async () => {
    for (const hook of t.hooks.before) await callHook(hook, t);
  });
  if (Number.isInteger(options.plan)) await attempt(() => t.plan(options.plan));
  if (ready) await attempt(fn);
  await attempt(() => within(options, () => t.planned()));
  await attempt(() => t.settled());
  [t.passed, t.error] = [failures.length === 0, failures[0] ?? null];
  for (const hook of t.hooks.after.toReversed()) await attempt(() => callHook(hook, t));
  await attempt(() => {
    const unplanned = t.unplanned();
    if (unplanned !== null) throw unplanned;
  });
  // A promise that was rejected meanwhile is told of now, at the latest.
  await turn();
  await turn();
  const failed = t.subtests.filter((subtest) => subtest.failures.length > 0 && subtest.todo === null).length;
  if (failed > 0) await attempt(() => Promise.reject(new SubtestsFailed(failed)));
}

class SubtestsFailed extends Error {
  constructor(count) {
    super(`${count} subtest${count > 1 ? "s" : ""} failed`);
  }
}

async function runSubtest(t, parent, fn, options) {
  const failures = [];
  const result = () => ({ failures: ArrayPrototypeMap(failures, told), skipped: t.skipped, todo: t.todoReason, notes: t.notes, subtests: t.subtests });
  if (options.todo || fn === undefined) t.todo(options.todo ?? true);
  if (options.skip) t.skip(options.skip);
  if (options.skip || fn === undefined) return result();
  const attempt = collector(failures);
  const outer = innermost;
  innermost = { t, failures };
  const hooked = async () => {
    for (const hook of parent.hooks.beforeEach) await callHook(hook, t);
    await within(options, () => call(fn, t, t));
  };
  await runBody(t, failures, options, hooked);
  for (const hook of parent.hooks.afterEach) await attempt(() => callHook(hook, t));
  innermost = outer;
  t.end();
  return result();
}

// Does `work()` until its time is over, or until its signal says so.
async function within({ timeout = Infinity, signal = undefined }, work) {
  signal?.throwIfAborted();
  let timer;
  let onAbort;
  const ends = new Promise((_, reject) => {
    if (Number.isFinite(timeout)) timer = Reflect.apply(setTimeout, globalThis, [() => reject(new Error(`test timed out after ${timeout}ms`)), timeout]);
    onAbort = () => reject(signal.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), ends]);
  } finally {
    Reflect.apply(clearTimeout, globalThis, [timer]);
    signal?.removeEventListener("abort", onAbort);
  }
}

// `hooked` takes what fails of the file's hooks: a test that is to be done forgives its own failures only.
async function runTest(test, t, failures, hooked, env, ctx, runs) {
  const path = test.suite.path();
  const attempt = collector(hooked);
  const ready = await attempt(async () => {
    await beginSuites(test, t);
    for (const suite of path) for (const hook of suite.hooks.beforeEach) await callHook(hook, t);
  });
  // Its time is kept by whoever runs it, which ends loops, too.
  const options = { ...test.options, timeout: Infinity };
  const whole = async () => {
    await within(options, () => body(test, t, env, ctx));
    t.returns();
  };
  if (ready) await runBody(t, failures, options, whole);
  for (const suite of path.toReversed()) for (const hook of suite.hooks.afterEach) await attempt(() => callHook(hook, t));
  await attempt(() => endSuites(test, t, runs));
}

// What came when its test had ended: by node:test's rules it fails the file.
const strays = [];
// The events of tests that have ended, by their contexts: their tests' names.
const ended = new Map();
// What they do yet.
const lingering = new Set();

function stray(thrown, name = null) {
  ArrayPrototypePush(strays, { ...told(thrown), test: name });
}

// An exception that nobody caught, or a promise that nobody handled, fails the test that runs.
function uncaught(thrown) {
  const name = ended.get(currentContext());
  if (name !== undefined || innermost === null) stray(thrown, name);
  else ArrayPrototypePush(innermost.failures, thrown);
  return true;
}

// What a file's top level alone may do, and what is done there once more when it has run: a test in a test is its subtest, as it is node:test's.
const late = {
  test(parsed, more) {
    if (innermost !== null) return innermost.t.begin(parsed, more);
    return this.refuse(`test(${JSON.stringify(parsed.name)})`);
  },
  refuse(what) {
    uncaught(new Error(`${what} was called after the file's tests were listed, and does nothing: call it at the file's top level, or in a test t.test()`));
    return Promise.resolve();
  },
};

// How long timers that a test left are waited for, as node:test waits for all: milliseconds.
const LINGERS = 1000;

// Waits for the timers of a test that has ended, whose failures are the file's.
async function linger(context) {
  const until = performance.now() + LINGERS;
  while (context.timers !== null && context.timers.size > 0 && performance.now() < until) await pause(5);
  await turn();
}

async function run(index, options, env, ctx) {
  const test = registry.tests[index];
  const path = test.suite.path().slice(1).map((suite) => suite.name);
  const t = new TestContext(test.name, null, { live: options.live, file: options.file, path, runSubtest, stray, failed: uncaught });
  const thrown = [];
  const hooked = [];
  running = t;
  innermost = { t, failures: thrown };
  if (test.exported) giveServices(env, options.services, t);
  await runTest(test, t, thrown, hooked, env, ctx, new Set(options.runs));
  // Nobody else waits for it, and what fails of it is this test's.
  const left = await t.lingering(LINGERS);
  await turn();
  await turn();
  innermost = null;
  const failures = ArrayPrototypeMap(thrown, told);
  t.end();
  if (t.unexpected.length > 0) {
    ArrayPrototypePush(failures, {
      summary: `requests that no t.upstream() answers went out:\n${t.unexpected.map((line) => `  ${line}`).join("\n")}`,
      stack: "",
    });
  }
  const context = currentContext();
  const timers = context.timers === null ? 0 : context.timers.size;
  ended.set(context, test.name);
  if (timers > 0) {
    const lingers = linger(context);
    lingering.add(lingers);
    ctx.waitUntil(lingers);
  }
  if (timers > 0) left.push(`${timers} timer${timers > 1 ? "s" : ""}`);
  if (context.waiting > 0) left.push(`${context.waiting} waitUntil() promise${context.waiting > 1 ? "s" : ""}`);
  running = null;
  return { failures, hooks: ArrayPrototypeMap(hooked, told), left, notes: t.notes, skipped: t.skipped, todo: t.todoReason, subtests: t.subtests };
}

// What came after the last test, or between two.
async function end() {
  await Promise.all(lingering);
  await turn();
  await turn();
  return { strays };
}

async function tester(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/list") {
    const listed = registry.list();
    registry.takeLate(late);
    return Response.json(listed);
  }
  if (pathname === "/end") return Response.json(await end());
  return Response.json(await run(Number(pathname.slice("/run/".length)), await request.json(), env, ctx));
}

// Does what stands in for the network. What fails there fails the test, whatever policy and agent make of it: a failure that is meant is t.fault()'s.
async function pretend(work, isOver) {
  const owner = innermost;
  try {
    return await work();
  } catch (thrown) {
    if (!isOver()) {
      if (owner === null) stray(thrown);
      else ArrayPrototypePush(owner.failures, thrown);
    }
    throw thrown;
  }
}

async function upstream(request) {
  if (running === null) {
    stray(new Error(`${request.method} ${request.url} went out when no test was running`));
    return new Response("the test has ended", { status: 599 });
  }
  const t = running;
  return await pretend(() => t.answer(request), () => request.signal.aborted);
}

async function accept(socket, _env, _ctx, headers) {
  const t = running;
  let over = false;
  socket.closed.then(() => { over = true; }, () => { over = true; });
  if (t !== null) return await pretend(() => t.accept(socket, headers), () => over);
}

// Callers: whoever runs the tests, and the network's stand-in.
function setTests(namespace, callers) {
  registry.addExports(namespace);
  callers[0].handler = tester;
  callers[1].handler = upstream;
  callers[1].connect = accept;
  takeUncaught(uncaught);
  return null;
}

const { after, afterEach, before, beforeEach, describe: suite, test } = registry;
const assert = { register };
const names = { assert, after, afterEach, before, beforeEach, describe: suite, it: test, mock: new MockTracker(), snapshot, suite, test };
return { moduleExports: { ...names, default: Object.assign(test, names) }, setTests };
})();
