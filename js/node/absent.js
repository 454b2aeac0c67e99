// Modules that want a machine beneath them. They load, for packages that import them and may not use them, and throw when they are used.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, StringPrototypeSplit, SymbolFor } = primordials;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const TESTS = "it is there in files of tests, which workerd-lite test runs";

function members(module, names, more = undefined) {
  const made = { ...more };
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => made[name] = unavailable(`${module}.${name}`));
  return made;
}

return {
  child_process: () => members("child_process", "ChildProcess exec execFile execFileSync execSync fork spawn spawnSync"),
  cluster: () =>
    members("cluster", "fork disconnect setupMaster setupPrimary Worker", { isMaster: true, isPrimary: true, isWorker: false, workers: {}, settings: {}, SCHED_NONE: 1, SCHED_RR: 2, schedulingPolicy: 2 }),
  dgram: () => members("dgram", "createSocket Socket"),
  domain: () => members("domain", "create createDomain Domain"),
  inspector: () => members("inspector", "open close waitForDebugger Session", { url: () => undefined, console: globalThis.console, Network: {} }),
  repl: () => members("repl", "start REPLServer Recoverable", { builtinModules: [] }),
  sqlite: () => members("sqlite", "DatabaseSync StatementSync Session backup", { constants: {} }),
  test: () => {
    const test = unavailable("test.test", TESTS);
    ArrayPrototypeForEach(StringPrototypeSplit("after afterEach before beforeEach describe it only run skip suite todo", " "), (name) => test[name] = unavailable(`test.${name}`, TESTS));
    test.test = test;
    test.mock = {};
    ArrayPrototypeForEach(StringPrototypeSplit("fn getter method module reset restoreAll setter", " "), (name) => test.mock[name] = unavailable(`test.mock.${name}`, TESTS));
    return test;
  },
  trace_events: () => members("trace_events", "createTracing", { getEnabledCategories: () => undefined }),
  tty: () => members("tty", "ReadStream WriteStream", { isatty: () => false }),
  wasi: () => members("wasi", "WASI"),
  worker_threads: () =>
    members("worker_threads", "Worker moveMessagePortToContext postMessageToThread", {
      BroadcastChannel: unavailable("worker_threads.BroadcastChannel"),
      MessageChannel: globalThis.MessageChannel,
      MessagePort: globalThis.MessagePort,
      SHARE_ENV: SymbolFor("nodejs.worker_threads.SHARE_ENV"),
      getEnvironmentData: () => undefined,
      isInternalThread: false,
      isMainThread: true,
      isMarkedAsUntransferable: () => false,
      markAsUncloneable: () => {},
      markAsUntransferable: () => {},
      parentPort: null,
      receiveMessageOnPort: () => undefined,
      resourceLimits: {},
      setEnvironmentData: () => {},
      threadId: 0,
      workerData: null,
    }),
};
})();
