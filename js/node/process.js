// https://nodejs.org/docs/latest-v22.x/api/process.html, as a worker has it: no process of the machine's is behind it.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  BigInt,
  Error,
  ErrorCaptureStackTrace,
  ErrorPrototype,
  MathFloor,
  NumberIsInteger,
  NumberMAX_SAFE_INTEGER,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectFreeze,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  Proxy,
  ReflectApply,
  ReflectDefineProperty,
  ReflectHas,
  ReflectSet,
  SafeArrayIterator,
  SafeSet,
  String,
  StringPrototypeSplit,
  SymbolFor,
  SymbolToStringTag,
} = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { currentContext, exitContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { takeForProcess } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { activeTimers } = core.loadExtScript("ext:workerd_lite/node/timers.js");
const { codes, ERR_ASSERTION, ERR_INVALID_ARG_VALUE_RANGE, ERR_INVALID_OBJECT_DEFINE_PROPERTY, ERR_OUT_OF_RANGE, ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET } = core.loadExtScript(
  "ext:deno_node/internal/errors.ts",
);
const { validateArray, validateBoolean, validateInteger, validateObject, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { environment } = core.loadExtScript("ext:workerd_lite/node/environment.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const performance = core.loadExtScript("ext:deno_web/15_performance.js");

// Whatever is put there is text, as in an environment, and no name is a symbol.
const env = new Proxy(environment(), {
  __proto__: null,
  get: (target, key) => typeof key === "symbol" ? undefined : target[key],
  has: (target, key) => typeof key !== "symbol" && ReflectHas(target, key),
  set: (target, key, value) => ReflectSet(target, text(key), text(value)),
  defineProperty(target, key, descriptor) {
    const { configurable, enumerable, value, writable } = descriptor;
    if ("get" in descriptor || "set" in descriptor) {
      throw new ERR_INVALID_OBJECT_DEFINE_PROPERTY("'process.env' does not accept an accessor(getter/setter) descriptor");
    }
    if (!("value" in descriptor)) throw new ERR_INVALID_OBJECT_DEFINE_PROPERTY("'process.env' only accepts a configurable, writable, and enumerable data descriptor");
    if (!configurable || !writable || !enumerable) {
      throw new ERR_INVALID_OBJECT_DEFINE_PROPERTY("'process.env' only accepts a configurable, writable, and enumerable data descriptor");
    }
    return ReflectDefineProperty(target, text(key), { __proto__: null, configurable, enumerable, value: text(value), writable });
  },
});

// A symbol has none, and throws.
function text(value) {
  return `${value}`;
}

const now = () => performance.performance.now();

function hrtime(before = undefined) {
  const time = now();
  let seconds = MathFloor(time / 1000);
  let nanoseconds = MathFloor((time % 1000) * 1e6);
  if (before !== undefined) {
    validateArray(before, "time");
    if (before.length !== 2) throw new ERR_OUT_OF_RANGE("time", 2, before.length);
    seconds -= before[0];
    nanoseconds -= before[1];
    if (nanoseconds < 0) {
      seconds--;
      nanoseconds += 1e9;
    }
  }
  return [seconds, nanoseconds];
}
hrtime.bigint = () => BigInt(MathFloor(now() * 1e6));

function emitWarning(warning, type = undefined, code = undefined, from = undefined) {
  let detail;
  if (type !== null && typeof type === "object" && !ArrayIsArray(type)) {
    from = type.ctor;
    code = type.code;
    if (typeof type.detail === "string") detail = type.detail;
    type = type.type || "Warning";
  } else if (typeof type === "function") {
    from = type;
    code = undefined;
    type = "Warning";
  }
  if (type !== undefined) validateString(type, "type");
  if (typeof code === "function") {
    from = code;
    code = undefined;
  } else if (code !== undefined) {
    validateString(code, "code");
  }
  if (typeof warning === "string") {
    const message = warning;
    warning = new Error(message);
    warning.name = type || "Warning";
    if (code !== undefined) warning.code = code;
    if (detail !== undefined) warning.detail = detail;
    ErrorCaptureStackTrace(warning, from || emitWarning);
  } else if (!ObjectPrototypeIsPrototypeOf(ErrorPrototype, warning)) {
    throw new codes.ERR_INVALID_ARG_TYPE("warning", ["Error", "string"], warning);
  }
  if (warning.name === "DeprecationWarning") {
    if (own.noDeprecation) return;
    if (own.throwDeprecation) {
      return nextTick(() => {
        throw warning;
      });
    }
  }
  nextTick(() => {
    const of = warning.code ? `[${warning.code}] ` : "";
    globalThis.console.warn(`${of}${warning.name}: ${warning.message}${typeof warning.detail === "string" ? `\n${warning.detail}` : ""}`);
    own.emit("warning", warning);
  });
}

// What nobody caught: `process.on("uncaughtException")` and its like hear of it behind the global scope's own events.
let capture = null;

function exception(error, origin = "uncaughtException") {
  own.emit("uncaughtExceptionMonitor", error, origin);
  if (capture !== null) {
    capture(error);
    return true;
  }
  return own.emit("uncaughtException", error, origin);
}

// A rejection that nobody handles is an exception, whatever was rejected with.
function rejection(reason, promise) {
  if (own.emit("unhandledRejection", reason, promise)) return true;
  if (core.isNativeError(reason) || (capture === null && own.listenerCount("uncaughtException") === 0)) return exception(reason, "unhandledRejection");
  const { inspect } = core.loadExtScript("ext:deno_node/internal/util/inspect.mjs");
  const error = new Error(
    "This error originated either by throwing inside of an async function without a catch block, or by rejecting a promise which was not handled with .catch(). " +
      `The promise rejected with the reason "${typeof reason === "object" ? inspect(reason) : String(reason)}".`,
  );
  error.name = "UnhandledPromiseRejection";
  error.code = "ERR_UNHANDLED_REJECTION";
  return exception(error, "unhandledRejection");
}

takeForProcess({
  __proto__: null,
  exception: (error) => exception(error),
  handled: (promise) => own.emit("rejectionHandled", promise),
  rejection,
});

function setUncaughtExceptionCaptureCallback(callback) {
  if (callback !== null && typeof callback !== "function") {
    throw new codes.ERR_INVALID_ARG_TYPE("fn", ["Function", "null"], callback);
  }
  if (callback !== null && capture !== null) throw new ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET();
  capture = callback;
}

// An integer, or text that is one.
function exitCode(value) {
  if (value === undefined || value === null) return value;
  const number = typeof value === "string" && value !== "" ? +value : value;
  if (typeof value === "string" && !NumberIsInteger(number)) throw new codes.ERR_INVALID_ARG_TYPE("code", "integer", value);
  validateInteger(number, "code");
  return value;
}

let exiting = false;
let code_;

// The event ends here, and no more: other events and the isolate go on.
function exit(code = undefined) {
  const context = currentContext();
  if (code !== undefined) own.exitCode = code;
  if (!exiting) {
    exiting = true;
    try {
      own.emit("exit", +(own.exitCode || 0));
    } finally {
      exiting = false;
    }
  }
  return leave(context, `process.exit(${code ?? ""})`);
}

function leave(context, how) {
  if (context !== undefined) exitContext(context, `${how} was called`);
  throw new Error(`${how} was called: it ends the event, and nothing else of the worker`);
}

const memory = () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 });

function cpuUsage(before = undefined) {
  if (before) {
    validateObject(before, "prevValue");
    for (const name of new SafeArrayIterator(["user", "system"])) {
      if (typeof before[name] !== "number") throw new codes.ERR_INVALID_ARG_TYPE(`prevValue.${name}`, "number", before[name]);
      if (!(before[name] >= 0 && before[name] <= NumberMAX_SAFE_INTEGER)) throw new ERR_INVALID_ARG_VALUE_RANGE(`prevValue.${name}`, before[name]);
    }
  }
  return { user: 0, system: 0 };
}

const RESOURCES =
  "userCPUTime systemCPUTime maxRSS sharedMemorySize unsharedDataSize unsharedStackSize minorPageFault majorPageFault swappedOut fsRead fsWrite ipcSent ipcReceived " +
  "signalsCount voluntaryContextSwitches involuntaryContextSwitches";

function resourceUsage() {
  const usage = {};
  for (const name of new SafeArrayIterator(StringPrototypeSplit(RESOURCES, " "))) usage[name] = 0;
  return usage;
}

let assertWarned = false;

function assert(value, message = undefined) {
  if (!assertWarned) emitWarning("process.assert() is deprecated. Please use the `assert` module instead.", "DeprecationWarning", "DEP0100", assert);
  assertWarned = true;
  if (!value) throw new ERR_ASSERTION(message || "assertion error");
}

// `ref` or `unref` of what has it.
function reference(name) {
  const symbol = SymbolFor(`nodejs.${name}`);
  return (of) => {
    const call = of?.[symbol] ?? of?.[name];
    if (typeof call === "function") ReflectApply(call, of, []);
  };
}

// A function of a script that is loaded when it is first called.
function later(script, name) {
  const call = (...args) => ReflectApply(core.loadExtScript(`ext:workerd_lite/node/${script}.js`)[name], undefined, args);
  return ObjectDefineProperty(call, "name", { __proto__: null, value: name, configurable: true });
}

// Whether any event has changed its current directory.
let moved = false;
const chdir = later("process_files", "chdir");
const loadEnvFile = later("process_files", "loadEnvFile");
const umask = later("process_files", "umask");

class Process {}
ObjectSetPrototypeOf(Process.prototype, EventEmitter.prototype);
const prototype = ObjectSetPrototypeOf({}, Process.prototype);
ObjectDefineProperty(prototype, "constructor", { __proto__: null, value: Process, writable: true, configurable: true });
ObjectDefineProperty(prototype, SymbolToStringTag, { __proto__: null, value: "process", configurable: true });

const { report, version, versions } = core.loadExtScript("ext:workerd_lite/node/report.js");
const members = {
  ...core.loadExtScript("ext:workerd_lite/node/process_inner.js"),
  _getActiveHandles: () => [],
  _getActiveRequests: () => [],
  abort: () => leave(currentContext(), "process.abort()"),
  allowedNodeEnvironmentFlags: new SafeSet(),
  arch: "x64",
  argv: ["workerd"],
  argv0: "workerd",
  assert,
  availableMemory: () => 0,
  binding: unavailable("process.binding"),
  chdir(directory) {
    moved = true;
    chdir(directory);
  },
  // Nothing was built: what looks here finds the lists that it goes through.
  config: ObjectFreeze({
    target_defaults: ObjectFreeze({
      cflags: ObjectFreeze([]),
      configurations: ObjectFreeze({}),
      default_configuration: "Release",
      defines: ObjectFreeze([]),
      include_dirs: ObjectFreeze([]),
      libraries: ObjectFreeze([]),
    }),
    variables: ObjectFreeze({
      napi_build_version: "9",
      node_builtin_shareable_builtins: ObjectFreeze([]),
      node_cctest_sources: ObjectFreeze([]),
      node_library_files: ObjectFreeze([]),
      node_module_version: +versions.modules,
    }),
  }),
  constrainedMemory: () => 0,
  cpuUsage,
  cwd: () => moved ? core.loadExtScript("ext:workerd_lite/node/process_files.js").cwd() : "/bundle",
  debugPort: 0,
  dlopen: unavailable("process.dlopen"),
  emitWarning,
  env,
  execArgv: [],
  execve: unavailable("process.execve"),
  execPath: "",
  exit,
  features: ObjectFreeze({
    inspector: false,
    debug: false,
    openssl_is_boringssl: false,
    uv: false,
    ipv6: true,
    tls_alpn: true,
    tls_sni: true,
    tls_ocsp: true,
    tls: true,
    cached_builtins: true,
    require_module: true,
    typescript: false,
  }),
  // Nothing tells of an isolate's end.
  finalization: ObjectFreeze({ register: () => {}, registerBeforeExit: () => {}, unregister: () => {} }),
  getActiveResourcesInfo: activeTimers,
  getegid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getgroups: () => [],
  getuid: () => 0,
  hasUncaughtExceptionCaptureCallback: () => capture !== null,
  hrtime,
  initgroups: later("process_ids", "initgroups"),
  kill: unavailable("process.kill"),
  loadEnvFile: (path = undefined) => loadEnvFile(env, path),
  memoryUsage: ObjectDefineProperty(memory, "rss", { __proto__: null, value: () => 0 }),
  moduleLoadList: [],
  nextTick,
  noDeprecation: false,
  permission: undefined,
  // Nobody has forked it.
  channel: undefined,
  connected: undefined,
  send: undefined,
  _rawDebug: (...args) => globalThis.console.error(...new SafeArrayIterator(args)),
  pid: 1,
  platform: "linux",
  ppid: 0,
  reallyExit: exit,
  ref: reference("ref"),
  release: ObjectFreeze({ name: "node", lts: "Jod" }),
  report,
  resourceUsage,
  setUncaughtExceptionCaptureCallback,
  setSourceMapsEnabled: (enabled) => validateBoolean(enabled, "enabled"),
  setegid: later("process_ids", "setegid"),
  seteuid: later("process_ids", "seteuid"),
  setgid: later("process_ids", "setgid"),
  setgroups: later("process_ids", "setgroups"),
  setuid: later("process_ids", "setuid"),
  sourceMapsEnabled: false,
  threadCpuUsage: cpuUsage,
  throwDeprecation: false,
  title: "workerd",
  traceDeprecation: false,
  umask,
  unref: reference("unref"),
  uptime: () => now() / 1000,
  version,
  versions,
};
const own = ObjectSetPrototypeOf(members, prototype);
ReflectApply(EventEmitter, own, []);
ObjectDefineProperty(own, "mainModule", { __proto__: null, value: undefined, writable: true, configurable: true });
ObjectDefineProperty(own, "exitCode", {
  __proto__: null,
  get: () => code_,
  set: (code) => void (code_ = exitCode(code)),
  enumerable: true,
  configurable: true,
});

// A stream that is made when it is first asked for.
function lazy(name) {
  let stream;
  const get = () => stream ??= core.loadExtScript("ext:workerd_lite/node/process_streams.js")[name]();
  return { __proto__: null, get, enumerable: true, configurable: true };
}
ObjectDefineProperties(own, { stdin: { ...lazy("stdin"), get: later("process_streams", "stdin") }, stdout: lazy("stdout"), stderr: lazy("stderr") });
ObjectDefineProperty(own, "getBuiltinModule", {
  __proto__: null,
  value: (name) => core.loadExtScript("ext:workerd_lite/node/modules.js").builtin(name),
  writable: true,
  enumerable: true,
  configurable: true,
});

// What Node's scripts ask of it, without the streams.
const inner = { __proto__: null, argv: own.argv, default: own, emitWarning, execArgv: own.execArgv, nextTick, noDeprecation: false, platform: "linux" };
return inner;
})();
