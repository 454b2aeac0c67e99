// https://nodejs.org/docs/latest-v22.x/api/module.html: `Module`, whose parts load files, and the names of Node's modules.
(function () {
const { core, primordials } = __bootstrap;
const { JSONParse, ObjectAssign, ObjectFreeze, ObjectKeys, SafeArrayIterator, StringPrototypeEndsWith, StringPrototypeStartsWith } = primordials;
const { builtin, names } = core.loadExtScript("ext:workerd_lite/node/modules.js");
const { Module } = core.loadExtScript("ext:workerd_lite/node/require.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const fs = () => core.loadExtScript("ext:workerd_lite/node/fs/module.js");

// 0 for a file, 1 for a directory.
function statOf(path) {
  const found = fs().statSync(path, { __proto__: null, throwIfNoEntry: false });
  return found === undefined ? -2 : found.isDirectory() ? 1 : 0;
}

// A file by one of the extensions, or none.
function withExtension(path) {
  const extensions = ObjectKeys(Module._extensions);
  for (let i = 0; i < extensions.length; i++) {
    if (statOf(path + extensions[i]) === 0) return path + extensions[i];
  }
  return false;
}

// The file that a request names in one of the folders, by its own name, an extension or as a folder: what `exports` of packages say is `_resolveFilename()`'s.
function findPath(request, paths) {
  const absolute = StringPrototypeStartsWith(request, "/");
  const folders = absolute ? [""] : paths ?? [];
  const path = core.loadExtScript("ext:deno_node/path/mod.ts").posix;
  for (let i = 0; i < folders.length; i++) {
    const base = absolute ? request : path.resolve(folders[i], request);
    const kind = StringPrototypeEndsWith(request, "/") ? 1 : statOf(base);
    if (kind === 0) return base;
    const found = kind === 1 ? withExtension(base) || inFolder(base) : withExtension(base);
    if (found) return found;
  }
  return false;
}

function inFolder(folder) {
  const path = core.loadExtScript("ext:deno_node/path/mod.ts").posix;
  let main;
  try {
    ({ main } = JSONParse(fs().readFileSync(`${folder}/package.json`, "utf8")));
  } catch {
    // It has none that can be read.
  }
  if (typeof main === "string" && main !== "") {
    const named = path.resolve(folder, main);
    const kind = statOf(named);
    const found = kind === 0 ? named : withExtension(named) || (kind === 1 && withExtension(`${named}/index`));
    if (found) return found;
  }
  return withExtension(`${folder}/index`);
}

function setSourceMapsSupport(enabled, options = { __proto__: null }) {
  const { validateBoolean, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
  validateBoolean(enabled, "enabled");
  validateObject(options, "options");
  for (const name of new SafeArrayIterator(["nodeModules", "generatedCode"])) {
    if (options[name] !== undefined) validateBoolean(options[name], `options.${name}`);
  }
}

ObjectAssign(Module, {
  _debug: (...args) => core.loadExtScript("ext:deno_node/util.ts").debuglog("module")(...new SafeArrayIterator(args)),
  _findPath: findPath,
  // Where Node looks for modules of the machine's.
  _initPaths: () => {},
  _preloadModules: () => {},
  _stat: statOf,
  SourceMap: unavailable("module.SourceMap"),
  builtinModules: ObjectFreeze(names()),
  constants: { compileCacheStatus: { FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 } },
  // Compiled code is kept by the host, for all.
  enableCompileCache: () => ({ status: Module.constants.compileCacheStatus.DISABLED }),
  findPackageJSON: () => undefined,
  findSourceMap: () => undefined,
  flushCompileCache: () => {},
  getCompileCacheDir: () => undefined,
  // Stacks are the author's own files' where the host has their maps.
  getSourceMapsSupport: () => ObjectFreeze({ __proto__: null, enabled: false, nodeModules: false, generatedCode: false }),
  // Node's runner is there for tests only, and its name is known everywhere.
  isBuiltin: (name) => builtin(name) !== undefined,
  register: unavailable("module.register"),
  registerHooks: unavailable("module.registerHooks"),
  runMain: unavailable("module.runMain"),
  setSourceMapsSupport,
  stripTypeScriptTypes: unavailable("module.stripTypeScriptTypes"),
  syncBuiltinESMExports: () => {},
  wrap: (script) => `(function (exports, require, module, __filename, __dirname) { ${script}\n});`,
  wrapper: ["(function (exports, require, module, __filename, __dirname) { ", "\n});"],
});

return { default: Module };
})();
