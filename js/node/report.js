// What `process` tells of its version and in `process.report`.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectFreeze } = primordials;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const version = "v22.23.4";
// `modules` is what machine code for this version of Node's is named by.
const versions = ObjectFreeze({ node: "22.23.4", openssl: "3.0.17", modules: "127" });

// Packages look here for which machine code they would load.
const report = {
  compact: false,
  directory: "",
  excludeNetwork: true,
  filename: "",
  getReport: () => ({
    header: {
      reportVersion: 3,
      event: "JavaScript API",
      trigger: "GetReport",
      filename: null,
      processId: 1,
      threadId: 0,
      cwd: "/bundle",
      commandLine: ["workerd"],
      nodejsVersion: version,
      glibcVersionRuntime: "2.36",
      wordSize: 64,
      arch: "x64",
      platform: "linux",
      componentVersions: { ...versions },
      release: { name: "node" },
      osName: "Linux",
      osMachine: "x86_64",
      cpus: [],
      networkInterfaces: [],
      host: "localhost",
    },
    libuv: [],
    workers: [],
    environmentVariables: {},
    userLimits: {},
    sharedObjects: [],
  }),
  reportOnFatalError: false,
  reportOnSignal: false,
  reportOnUncaughtException: false,
  signal: "SIGUSR2",
  writeReport: unavailable("process.report.writeReport"),
};

return { report, version, versions };
})();
