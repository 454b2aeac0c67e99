// https://nodejs.org/docs/latest-v22.x/api/os.html of no machine in particular.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, SymbolToPrimitive } = primordials;
const { os: constants } = core.loadExtScript("ext:deno_node/internal_binding/constants.ts");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

// Each of these is its text as well.
function told(value) {
  const tell = () => value;
  return ObjectDefineProperty(tell, SymbolToPrimitive, { __proto__: null, value: tell });
}

const os = {
  EOL: "\n",
  arch: told("x64"),
  availableParallelism: told(1),
  constants,
  cpus: () => [],
  devNull: "/dev/null",
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
  tmpdir: told("/tmp"),
  totalmem: told(0),
  type: told("Linux"),
  uptime: told(0),
  userInfo: () => ({ uid: 0, gid: 0, username: "worker", homedir: "/", shell: null }),
  version: told(""),
};

return { default: os };
})();
