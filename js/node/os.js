// https://nodejs.org/docs/latest-v22.x/api/os.html of no machine in particular.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, StringPrototypeEndsWith, StringPrototypeSlice, SymbolToPrimitive } = primordials;
const { os: constants } = core.loadExtScript("ext:deno_node/internal_binding/constants.ts");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

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

const os = {
  arch: told("x64"),
  availableParallelism: told(1),
  constants,
  cpus: () => [],
  endianness: told("LE"),
  freemem: told(0),
  getPriority: () => 0,
  homedir: told("/"),
  hostname: told("localhost"),
  loadavg: () => [0, 0, 0],
  machine: told("x86_64"),
  networkInterfaces: () => ({}),
  platform: told("linux"),
  release: told(""),
  setPriority: unavailable("os.setPriority"),
  tmpdir,
  totalmem: told(0),
  type: told("Linux"),
  uptime: told(0),
  userInfo: () => ({ uid: 0, gid: 0, username: "worker", homedir: "/", shell: null }),
  version: told(""),
};

const fixed = (value) => ({ __proto__: null, value, writable: false, enumerable: true, configurable: true });
ObjectDefineProperty(os, "EOL", fixed("\n"));
ObjectDefineProperty(os, "devNull", fixed("/dev/null"));

return { default: os };
})();
