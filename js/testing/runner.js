// Runs one test after the other, each as an event of its own: `/list` names them, `/run/<number>` runs one.
(function () {
const { core } = __bootstrap;
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { describe } = core.loadExtScript("ext:workerd_lite/worker/describe.js");
const { inspect } = core.loadExtScript("ext:workerd_lite/testing/assert.js");
const { MockTracker } = core.loadExtScript("ext:workerd_lite/testing/mock.js");
const { TestContext } = core.loadExtScript("ext:workerd_lite/testing/context.js");
const registry = core.loadExtScript("ext:workerd_lite/testing/registry.js");

let running = null;
const started = new Set();

function told(thrown) {
  const { summary, stack } = describe(thrown);
  const error = { summary, stack };
  if (typeof thrown === "object" && thrown !== null && thrown.code === "ERR_ASSERTION") {
    error.summary = thrown.message;
    error.assertion = true;
  }
  if (thrown?.cause !== undefined) error.cause = describe(thrown.cause).summary;
  if (!stack && typeof thrown === "object") error.summary = inspect(thrown);
  return error;
}

function call(fn, self, t) {
  // node:test's older form: the second parameter is called at the end.
  if (fn.length < 2) return Reflect.apply(fn, self, [t]);
  return new Promise((resolve, reject) => Reflect.apply(fn, self, [t, (error) => (error ? reject(error) : resolve())]));
}

// Suites begin with the first of their tests and end with the last.
async function beginSuites(test, t) {
  for (const suite of test.suite.path()) {
    if (started.has(suite)) continue;
    started.add(suite);
    for (const hook of suite.hooks.before) await call(hook, t, t);
  }
}

async function endSuites(test, t, runs) {
  const place = registry.tests.indexOf(test);
  const left = registry.tests.filter((_, index) => index > place && runs.has(index));
  for (const suite of test.suite.path().toReversed()) {
    if (left.some((other) => other.suite.path().includes(suite))) continue;
    for (const hook of suite.hooks.after) await call(hook, t, t);
  }
}

async function body(test, t, env, ctx) {
  if (test.exported) return await test.exported({}, env, ctx);
  await call(test.fn, t, t);
}

async function runTest(test, t, env, ctx, runs) {
  const path = test.suite.path();
  const failures = [];
  const attempt = async (what) => {
    try {
      await what();
      return true;
    } catch (error) {
      failures.push(error);
      return false;
    }
  };
  const ready = await attempt(async () => {
    await beginSuites(test, t);
    for (const suite of path) for (const hook of suite.hooks.beforeEach) await call(hook, t, t);
  });
  if (ready) await attempt(() => body(test, t, env, ctx));
  for (const cleanup of t.cleanups.toReversed()) await attempt(() => call(cleanup, t, t));
  for (const suite of path.toReversed()) for (const hook of suite.hooks.afterEach) await attempt(() => call(hook, t, t));
  await attempt(() => endSuites(test, t, runs));
  return failures;
}

async function run(index, options, env, ctx) {
  const test = registry.tests[index];
  const t = new TestContext(test.name, options.live);
  running = t;
  const failures = (await runTest(test, t, env, ctx, new Set(options.runs))).map(told);
  t.end();
  if (t.unexpected.length > 0) {
    failures.push({
      summary: `requests that no t.upstream() answers went out:\n${t.unexpected.map((line) => `  ${line}`).join("\n")}`,
      stack: "",
    });
  }
  const context = currentContext();
  const timers = context.timers === null ? 0 : context.timers.size;
  const left = [];
  if (timers > 0) left.push(`${timers} timer${timers > 1 ? "s" : ""}`);
  if (context.waiting > 0) left.push(`${context.waiting} waitUntil() promise${context.waiting > 1 ? "s" : ""}`);
  running = null;
  return { failures, left, notes: t.notes, skipped: t.skipped, todo: t.todoReason };
}

async function tester(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/list") return Response.json(registry.list());
  return Response.json(await run(Number(pathname.slice("/run/".length)), await request.json(), env, ctx));
}

async function upstream(request) {
  if (running === null) return new Response("the test has ended", { status: 599 });
  return await running.answer(request);
}

// Callers: whoever runs the tests, and the network's stand-in.
function setTests(namespace, callers) {
  registry.addExports(namespace);
  callers[0].handler = tester;
  callers[1].handler = upstream;
  return null;
}

const { after, afterEach, before, beforeEach, describe: suite, test } = registry;
const names = { after, afterEach, before, beforeEach, describe: suite, it: test, mock: new MockTracker(), suite, test };
return { moduleExports: { ...names, default: Object.assign(test, names) }, setTests };
})();
