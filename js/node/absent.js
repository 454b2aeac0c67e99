// Modules that want a machine beneath them. They load, for packages that import them and may not use them, and throw when they are used.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, StringPrototypeSplit, SymbolFor } = primordials;
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");

function members(module, names, more = undefined) {
  const made = { ...more };
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => made[name] = unavailable(`${module}.${name}`));
  return made;
}

const FILES =
  "access appendFile chmod chown copyFile cp exists fchmod fchown fdatasync fstat fsync ftruncate futimes glob lchmod lchown link lstat lutimes mkdir mkdtemp " +
  "open openAsBlob opendir read readFile readdir readlink readv realpath rename rm rmdir stat statfs symlink truncate unlink unwatchFile utimes watch watchFile " +
  "write writeFile writev close";
const SYNC =
  "accessSync appendFileSync chmodSync chownSync closeSync copyFileSync cpSync fchmodSync fchownSync fdatasyncSync fstatSync fsyncSync ftruncateSync futimesSync " +
  "globSync lchmodSync lchownSync linkSync lstatSync lutimesSync mkdirSync mkdtempSync openSync opendirSync readFileSync readSync readdirSync readlinkSync readvSync " +
  "realpathSync renameSync rmSync rmdirSync statSync statfsSync symlinkSync truncateSync unlinkSync utimesSync writeFileSync writeSync writevSync";
const STREAMS = "createReadStream createWriteStream Dir Dirent FileReadStream FileWriteStream ReadStream Stats WriteStream";
const PROMISES =
  "access appendFile chmod chown copyFile cp glob lchmod lchown link lstat lutimes mkdir mkdtemp open opendir readFile readdir readlink realpath rename rm rmdir " +
  "stat statfs symlink truncate unlink utimes watch writeFile";

function rejecting(module, names) {
  const made = {};
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => {
    made[name] = async () => {
      throw failure(`${module}.${name}`);
    };
  });
  return made;
}

return {
  child_process: () => members("child_process", "ChildProcess exec execFile execFileSync execSync fork spawn spawnSync"),
  cluster: () =>
    members("cluster", "fork disconnect setupMaster setupPrimary Worker", { isMaster: true, isPrimary: true, isWorker: false, workers: {}, settings: {}, SCHED_NONE: 1, SCHED_RR: 2, schedulingPolicy: 2 }),
  dgram: () => members("dgram", "createSocket Socket"),
  domain: () => members("domain", "create createDomain Domain"),
  fs: () => ({
    ...members("fs", `${FILES} ${SYNC} ${STREAMS}`),
    constants: { __proto__: null, ...fsConstants },
    existsSync: () => false,
    F_OK: 0,
    R_OK: 4,
    W_OK: 2,
    X_OK: 1,
    promises: { ...rejecting("fs.promises", PROMISES), constants: { __proto__: null, ...fsConstants } },
  }),
  inspector: () => members("inspector", "open close waitForDebugger Session", { url: () => undefined, console: globalThis.console, Network: {} }),
  repl: () => members("repl", "start REPLServer Recoverable", { builtinModules: [] }),
  sqlite: () => members("sqlite", "DatabaseSync StatementSync Session backup", { constants: {} }),
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
