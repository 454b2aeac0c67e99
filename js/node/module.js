// https://nodejs.org/docs/latest-v22.x/api/module.html: `Module`, whose parts load files, and the names of Node's modules.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectAssign, ObjectFreeze } = primordials;
const { builtin, names } = core.loadExtScript("ext:workerd_lite/node/modules.js");
const { Module } = core.loadExtScript("ext:workerd_lite/node/require.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

ObjectAssign(Module, {
  SourceMap: unavailable("module.SourceMap"),
  builtinModules: ObjectFreeze(names()),
  constants: { compileCacheStatus: { FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 } },
  // Compiled code is kept by the host, for all.
  enableCompileCache: () => ({ status: Module.constants.compileCacheStatus.DISABLED }),
  findPackageJSON: () => undefined,
  findSourceMap: () => undefined,
  flushCompileCache: () => {},
  getCompileCacheDir: () => undefined,
  // Node's runner is there for tests only, and its name is known everywhere.
  isBuiltin: (name) => name === "node:test" || builtin(name) !== undefined,
  register: unavailable("module.register"),
  registerHooks: unavailable("module.registerHooks"),
  runMain: unavailable("module.runMain"),
  stripTypeScriptTypes: unavailable("module.stripTypeScriptTypes"),
  syncBuiltinESMExports: () => {},
  wrap: (script) => `(function (exports, require, module, __filename, __dirname) { ${script}\n});`,
  wrapper: ["(function (exports, require, module, __filename, __dirname) { ", "\n});"],
});

return { default: Module };
})();
