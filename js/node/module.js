// https://nodejs.org/docs/latest-v22.x/api/module.html: names of Node's modules, and `require()` of those.
(function () {
const { core, primordials } = __bootstrap;
const { Error, ObjectAssign, ObjectFreeze } = primordials;
const { builtin, names } = core.loadExtScript("ext:workerd_lite/node/modules.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const builtinModules = ObjectFreeze(names());

function isBuiltin(name) {
  return builtin(name) !== undefined;
}

function missing(name) {
  const error = new Error(`Cannot find module '${name}': only what modules require by a literal name is part of a worker`);
  return ObjectAssign(error, { code: "MODULE_NOT_FOUND", requireStack: [] });
}

function createRequire(_from) {
  const require = (name) => {
    const found = builtin(name);
    if (found === undefined) throw missing(name);
    return found;
  };
  require.resolve = (name) => {
    if (!isBuiltin(name)) throw missing(name);
    return name;
  };
  require.resolve.paths = () => null;
  require.cache = { __proto__: null };
  require.extensions = { __proto__: null };
  require.main = undefined;
  return require;
}

class Module {
  constructor(id = "") {
    this.id = id;
    this.path = "";
    this.exports = {};
    this.filename = null;
    this.loaded = false;
    this.children = [];
    this.paths = [];
  }

  require(name) {
    return createRequire()(name);
  }

  static _load(name) {
    return createRequire()(name);
  }
}

ObjectAssign(Module, {
  Module,
  SourceMap: unavailable("module.SourceMap"),
  _cache: { __proto__: null },
  _extensions: { __proto__: null },
  _nodeModulePaths: () => [],
  _pathCache: { __proto__: null },
  _resolveFilename: (name) => createRequire().resolve(name),
  builtinModules,
  constants: {},
  createRequire,
  enableCompileCache: () => ({}),
  findPackageJSON: () => undefined,
  findSourceMap: () => undefined,
  flushCompileCache: () => {},
  getCompileCacheDir: () => undefined,
  globalPaths: [],
  isBuiltin,
  register: unavailable("module.register"),
  registerHooks: unavailable("module.registerHooks"),
  runMain: unavailable("module.runMain"),
  stripTypeScriptTypes: unavailable("module.stripTypeScriptTypes"),
  syncBuiltinESMExports: () => {},
  wrap: (script) => `(function (exports, require, module, __filename, __dirname) { ${script}\n});`,
});

return { default: Module };
})();
