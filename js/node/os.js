// https://nodejs.org/docs/latest-v22.x/api/os.html of no machine in particular.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, StringPrototypeEndsWith, StringPrototypeSlice, SymbolToPrimitive } = primordials;
const { os: constants } = core.loadExtScript("ext:deno_node/internal_binding/constants.ts");
core.loadExtScript("ext:deno_node/internal/errors.ts");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { validateInt32, validateObject, validateOneOf } = core.loadExtScript("ext:deno_node/internal/validators.mjs");

// Each of these is its text as well.
function told(value) {
  const tell = () => value;
  return ObjectDefineProperty(tell, SymbolToPrimitive, { __proto__: null, value: tell });
}

// What the worker's own environment says, as on any Unix.
function tmpdir() {
  const { env } = core.loadExtScript("ext:workerd_lite/node/process.js").default;
  const path = env.TMPDIR || env.TMP || env.TEMP || "/tmp";
  return path.length > 1 && StringPrototypeEndsWith(path, "/") ? StringPrototypeSlice(path, 0, -1) : path;
}
ObjectDefineProperty(tmpdir, SymbolToPrimitive, { __proto__: null, value: tmpdir });

function getPriority(pid = 0) {
  validateInt32(pid, "pid");
  return 0;
}

function setPriority(pid, priority = undefined) {
  if (priority === undefined) return setPriority(0, pid);
  validateInt32(pid, "pid");
  validateInt32(priority, "priority", -20, 19);
  throw failure("os.setPriority");
}

const ENCODINGS = ["ascii", "base64", "base64url", "binary", "buffer", "hex", "latin1", "ucs-2", "ucs2", "utf-16le", "utf-8", "utf16le", "utf8"];

// Nobody in particular.
function userInfo(options = undefined) {
  const text = { username: "worker", homedir: "/", shell: null };
  if (options !== undefined && options !== null) {
    validateObject(options, "options");
    const { encoding } = options;
    if (encoding !== undefined) {
      validateOneOf(encoding, "options.encoding", ENCODINGS);
      if (encoding === "buffer") {
        const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
        text.username = Buffer.from(text.username);
        text.homedir = Buffer.from(text.homedir);
      }
    }
  }
  return { uid: 0, gid: 0, ...text };
}

const os = {
  arch: told("x64"),
  availableParallelism: told(1),
  constants,
  cpus: () => [],
  endianness: told("LE"),
  freemem: told(0),
  getPriority,
  homedir: told("/"),
  hostname: told("localhost"),
  loadavg: () => [0, 0, 0],
  machine: told("x86_64"),
  networkInterfaces: () => ({}),
  platform: told("linux"),
  release: told(""),
  setPriority,
  tmpdir,
  totalmem: told(0),
  type: told("Linux"),
  uptime: told(0),
  userInfo,
  version: told(""),
};

const fixed = (value) => ({ __proto__: null, value, writable: false, enumerable: true, configurable: true });
ObjectDefineProperty(os, "EOL", fixed("\n"));
ObjectDefineProperty(os, "devNull", fixed("/dev/null"));

return { default: os };
})();
