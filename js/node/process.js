// https://nodejs.org/docs/latest-v22.x/api/process.html, as a worker has it: no process of the machine's is behind it.
(function () {
const { core, primordials } = __bootstrap;
const {
  BigInt,
  Error,
  MathFloor,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectFreeze,
  ObjectSetPrototypeOf,
  Proxy,
  ReflectApply,
  ReflectDefineProperty,
  ReflectSet,
  SafeSet,
  String,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  SymbolToStringTag,
} = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { codes } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { environment } = core.loadExtScript("ext:workerd_lite/node/environment.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const performance = core.loadExtScript("ext:deno_web/15_performance.js");

// Whatever is put there is text, as in an environment.
const env = new Proxy(environment(), {
  __proto__: null,
  set: (target, key, value) => ReflectSet(target, key, typeof key === "symbol" ? value : String(value)),
  defineProperty: (target, key, descriptor) =>
    ReflectDefineProperty(target, key, "value" in descriptor ? { ...descriptor, value: String(descriptor.value) } : descriptor),
});

const now = () => performance.performance.now();

function hrtime(before = undefined) {
  const time = now();
  let seconds = MathFloor(time / 1000);
  let nanoseconds = MathFloor((time % 1000) * 1e6);
  if (before !== undefined) {
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

function emitWarning(warning, type = undefined, code = undefined) {
  let detail;
  if (type !== null && typeof type === "object") {
    ({ type, code, detail } = type);
  } else if (typeof type === "function") {
    type = undefined;
  }
  if (typeof code === "function") code = undefined;
  if (typeof warning === "string") {
    warning = new Error(warning);
    warning.name = type || "Warning";
    if (code !== undefined) warning.code = code;
    if (detail !== undefined) warning.detail = detail;
  } else if (!core.isNativeError(warning)) {
    throw new codes.ERR_INVALID_ARG_TYPE("warning", ["Error", "string"], warning);
  }
  if (warning.name === "DeprecationWarning" && own.noDeprecation) return;
  nextTick(() => {
    own.emit("warning", warning);
    globalThis.console.warn(`${warning.name}: ${warning.message}`);
  });
}

function exit(code = undefined) {
  throw new Error(`process.exit(${code ?? ""}) was called: a worker's event ends with its response, and its process is not its own`);
}

const memory = () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 });

class Process {}
const prototype = ObjectSetPrototypeOf({}, EventEmitter.prototype);
ObjectDefineProperty(prototype, "constructor", { __proto__: null, value: Process, writable: true, configurable: true });
ObjectDefineProperty(prototype, SymbolToStringTag, { __proto__: null, value: "process", configurable: true });

const version = "v22.19.0";
const members = {
  abort: exit,
  allowedNodeEnvironmentFlags: new SafeSet(),
  arch: "x64",
  argv: ["workerd"],
  argv0: "workerd",
  chdir: unavailable("process.chdir"),
  config: ObjectFreeze({ target_defaults: ObjectFreeze({}), variables: ObjectFreeze({}) }),
  constrainedMemory: () => 0,
  cpuUsage: () => ({ user: 0, system: 0 }),
  cwd: () => "/bundle",
  emitWarning,
  env,
  execArgv: [],
  execPath: "",
  exit,
  exitCode: undefined,
  features: ObjectFreeze({
    inspector: false,
    debug: false,
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
  getegid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getgroups: () => [],
  getuid: () => 0,
  hasUncaughtExceptionCaptureCallback: () => false,
  hrtime,
  kill: unavailable("process.kill"),
  loadEnvFile: unavailable("process.loadEnvFile"),
  memoryUsage: ObjectDefineProperty(memory, "rss", { __proto__: null, value: () => 0 }),
  availableMemory: () => 0,
  nextTick,
  noDeprecation: false,
  pid: 1,
  platform: "linux",
  ppid: 0,
  release: ObjectFreeze({ name: "node", lts: true }),
  resourceUsage: () => ({}),
  setUncaughtExceptionCaptureCallback: unavailable("process.setUncaughtExceptionCaptureCallback"),
  setSourceMapsEnabled: () => {},
  setegid: unavailable("process.setegid"),
  seteuid: unavailable("process.seteuid"),
  setgid: unavailable("process.setgid"),
  setuid: unavailable("process.setuid"),
  throwDeprecation: false,
  title: "workerd",
  traceDeprecation: false,
  umask: () => 18,
  uptime: () => now() / 1000,
  version,
  versions: ObjectFreeze({ node: "22.19.0" }),
  binding: unavailable("process.binding"),
};
const own = ObjectSetPrototypeOf(members, prototype);
ReflectApply(EventEmitter, own, []);

// Text goes to the worker's log, a line at a time.
function output(level) {
  let stream;
  return () => {
    if (stream !== undefined) return stream;
    const { Writable } = core.loadExtScript("ext:deno_node/stream.ts");
    let rest = "";
    stream = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        rest += String(chunk);
        for (let end; (end = StringPrototypeIndexOf(rest, "\n")) >= 0;) {
          globalThis.console[level]("%s", StringPrototypeSlice(rest, 0, end));
          rest = StringPrototypeSlice(rest, end + 1);
        }
        done();
      },
      final(done) {
        if (rest !== "") globalThis.console[level]("%s", rest);
        done();
      },
    });
    stream.fd = level === "log" ? 1 : 2;
    return stream;
  };
}

function input() {
  let stream;
  return () => {
    if (stream !== undefined) return stream;
    const { Readable } = core.loadExtScript("ext:deno_node/stream.ts");
    stream = new Readable({ read() {} });
    stream.push(null);
    stream.fd = 0;
    return stream;
  };
}

const lazy = (get) => ({ __proto__: null, get, enumerable: true, configurable: true });
ObjectDefineProperties(own, { stdin: lazy(input()), stdout: lazy(output("log")), stderr: lazy(output("error")) });
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
