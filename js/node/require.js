// CommonJS modules: https://nodejs.org/docs/latest-v22.x/api/modules.html. The host says which files there are, what a specifier names
// among them, and makes functions of their code. A script may replace whatever hangs on `Module`, as in Node.js: that is its own isolate's.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeIncludes,
  ArrayPrototypeIndexOf,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  ArrayPrototypeSplice,
  Function: FunctionConstructor,
  JSONParse,
  ObjectDefineProperty,
  ObjectPrototypeHasOwnProperty,
  ReflectApply,
  SafeWeakMap,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  SyntaxError,
  TypeError,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const { op_module_compile, op_module_file, op_module_json, op_module_main, op_module_origin, op_module_resolve } = core.ops;
const { coded, importNow, refuseCycle, requireModule } = core.loadExtScript("ext:workerd_lite/node/require_module.js");
const { nodeModules } = core.loadExtScript("ext:workerd_lite/worker/node_globals.js");

const ROOT = "/bundle/";
// What a test has put in a module's place: `js/testing/mock_module.js`.
const MOCKED = Symbol.for("workerd-lite.mocked");

const parents = new SafeWeakMap();

function define(object, name, value) {
  ObjectDefineProperty(object, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

function invalidArgument(code, message) {
  const error = new TypeError(message);
  define(error, "code", code);
  return error;
}

function needName(name, what) {
  if (typeof name !== "string") {
    throw invalidArgument("ERR_INVALID_ARG_TYPE", `The "${what}" argument must be of type string. Received ${name === null ? "null" : typeof name}`);
  }
  if (name === "") {
    throw invalidArgument("ERR_INVALID_ARG_VALUE", `The argument '${what}' must be a non-empty string. Received ''`);
  }
}

function folderOf(name) {
  const slash = StringPrototypeLastIndexOf(name, "/");
  return slash > 0 ? StringPrototypeSlice(name, 0, slash) : slash === 0 ? "/" : ".";
}

function adopt(parent, child, once) {
  const children = parent?.children;
  if (children && !(once && ArrayPrototypeIncludes(children, child))) ArrayPrototypePush(children, child);
}

function Module(id = "", parent) {
  this.id = id;
  this.path = folderOf(id);
  define(this, "exports", {});
  WeakMapPrototypeSet(parents, this, parent);
  adopt(parent, this, false);
  this.filename = null;
  this.loaded = false;
  this.children = [];
}

Module._cache = { __proto__: null };
Module._pathCache = { __proto__: null };
Module._extensions = { __proto__: null };
Module.globalPaths = [];
Module.Module = Module;

ObjectDefineProperty(Module.prototype, "parent", {
  __proto__: null,
  get() {
    return WeakMapPrototypeGet(parents, this);
  },
  set(value) {
    WeakMapPrototypeSet(parents, this, value);
  },
  configurable: true,
});
// The folders that packages are looked for in, from a folder on.
Module._nodeModulePaths = function (from) {
  const paths = [];
  let folder = `${from}`;
  while (true) {
    if (!StringPrototypeEndsWith(folder, "/node_modules")) {
      ArrayPrototypePush(paths, folder === "/" ? "/node_modules" : `${folder}/node_modules`);
    }
    if (folder === "/" || folder === "." || folder === "") return paths;
    folder = folderOf(folder);
  }
};

Module._resolveLookupPaths = function (request, parent) {
  if (nodeName(request) !== undefined) return null;
  if (StringPrototypeStartsWith(request, "./") || StringPrototypeStartsWith(request, "../") || request === "." || request === "..") {
    return [parent?.filename ? folderOf(parent.filename) : "."];
  }
  return parent?.paths?.length > 0 ? parent.paths : Module._nodeModulePaths("/bundle");
};

// One of Node's modules by its name, where Node's modules are there.
function nodeName(request) {
  const named = op_module_resolve(`${ROOT}noop.js`, `${request}`);
  return named.kind === "node" ? named.value : undefined;
}

// What Node.js throws where a library can not be loaded.
function noMachineCode(filename) {
  return coded("ERR_DLOPEN_FAILED", `${filename}: workerd-lite loads no machine code: use a package of JavaScript or WebAssembly for it`);
}

function stackOf(parent) {
  const stack = [];
  for (let cursor = parent; cursor && stack.length < 1000; cursor = WeakMapPrototypeGet(parents, cursor)) {
    ArrayPrototypePush(stack, cursor.filename || cursor.id);
  }
  return stack;
}

function missing(request, parent) {
  if (StringPrototypeStartsWith(request, "node:")) {
    return coded("ERR_UNKNOWN_BUILTIN_MODULE", `No such built-in module: ${request}`);
  }
  const stack = stackOf(parent);
  const where = stack.length > 0 ? `\nRequire stack:\n- ${ArrayPrototypeJoin(stack, "\n- ")}` : "";
  const error = coded("MODULE_NOT_FOUND", `Cannot find module '${request}'${where}`);
  define(error, "requireStack", stack);
  return error;
}

// What is required from a module, and from each of `paths` where there are some.
function resolved(request, parent, paths) {
  if (paths === undefined) return op_module_resolve(parent?.filename || `${ROOT}noop.js`, request);
  for (let i = 0; i < paths.length; i++) {
    if (typeof paths[i] !== "string") throw invalidArgument("ERR_INVALID_ARG_TYPE", `The "paths[${i}]" argument must be of type string. Received ${paths[i] === null ? "null" : typeof paths[i]}`);
    const from = op_module_origin(`${paths[i]}/noop.js`);
    const named = from === null ? undefined : op_module_resolve(from, request);
    if (named !== undefined && named.kind !== "missing") return named;
  }
  return { kind: "missing" };
}

Module._resolveFilename = function (request, parent, _isMain, options) {
  const named = resolved(request, parent, options?.paths);
  switch (named.kind) {
    case "file":
      return named.value;
    case "node":
    case "builtin":
      return request;
    case "mock":
      return `workerd-lite:mock?${named.value}`;
    case "notexported":
      throw coded("ERR_PACKAGE_PATH_NOT_EXPORTED", named.value);
    case "notdefined":
      throw invalidArgument("ERR_PACKAGE_IMPORT_NOT_DEFINED", named.value);
    default: {
      // esbuild leaves `a/` out of a bundle with `a`.
      const plain = StringPrototypeSlice(request, 0, -1);
      if (StringPrototypeEndsWith(request, "/") && op_module_resolve(`${ROOT}noop.js`, plain).kind === "node") return plain;
      throw missing(request, parent);
    }
  }
};

// What is no file: undefined where a name is none of these.
function special(filename) {
  if (StringPrototypeStartsWith(filename, "workerd-lite:mock?")) {
    const mocked = globalThis[MOCKED];
    return { exports: mocked?.get(+StringPrototypeSlice(filename, 18))?.whole };
  }
  const named = op_module_resolve(`${ROOT}noop.js`, filename);
  if (named.kind === "node") return { exports: nodeModules().builtin(named.value) };
  if (named.kind !== "builtin") return undefined;
  const namespace = importNow(named.value);
  return { exports: ObjectPrototypeHasOwnProperty(namespace, "default") ? namespace.default : namespace };
}

Module._load = function (request, parent, isMain) {
  const filename = Module._resolveFilename(request, parent, isMain);
  const cached = Module._cache[filename];
  if (cached !== undefined) {
    refuseCycle(filename);
    adopt(parent, cached, true);
    return cached.exports;
  }
  if (!StringPrototypeStartsWith(filename, "/")) {
    const found = special(filename);
    if (found !== undefined) return found.exports;
  }
  const module = new Module(filename, parent);
  if (isMain) {
    module.id = ".";
    main = module;
  }
  Module._cache[filename] = module;
  let threw = true;
  try {
    module.load(filename);
    threw = false;
  } finally {
    if (threw) {
      delete Module._cache[filename];
      const children = parent?.children;
      const index = children ? ArrayPrototypeIndexOf(children, module) : -1;
      if (index >= 0) ArrayPrototypeSplice(children, index, 1);
    }
  }
  return module.exports;
};

let main;

function extensionOf(filename) {
  const name = StringPrototypeSlice(filename, StringPrototypeLastIndexOf(filename, "/") + 1);
  let from = 0;
  for (let dot; (dot = StringPrototypeIndexOf(name, ".", from)) >= 0; from = dot + 1) {
    // A file whose name begins with a dot has no extension by that.
    if (dot > 0) {
      const extension = StringPrototypeSlice(name, dot);
      if (typeof Module._extensions[extension] === "function") return extension;
    }
  }
  return ".js";
}

Module.prototype.load = function (filename) {
  this.filename = filename;
  this.paths = Module._nodeModulePaths(folderOf(filename));
  Module._extensions[extensionOf(filename)](this, filename);
  this.loaded = true;
};

Module.prototype.require = function (id) {
  needName(id, "id");
  return Module._load(id, this, false);
};

function run(module, filename, compiled) {
  const { exports } = module;
  return ReflectApply(compiled, exports, [exports, makeRequire(module), module, filename, folderOf(filename)]);
}

// Compiles code from a string, where an agent may do that at all.
Module.prototype._compile = function (content, filename) {
  let code = `${content}`;
  if (StringPrototypeStartsWith(code, "#!")) code = `//${code}`;
  return run(this, filename, FunctionConstructor("exports", "require", "module", "__filename", "__dirname", code));
};

// Nothing is loaded before a worker's own main module. The members that are seen are those that Workers show, in their order.
ObjectDefineProperty(Module.prototype, "isPreloading", { __proto__: null, get: () => false, enumerable: true, configurable: true });

Module._extensions[".js"] = function (module, filename) {
  const file = op_module_file(filename);
  switch (file?.kind) {
    case "commonjs":
      run(module, filename, op_module_compile(filename));
      break;
    case "module":
      module.exports = requireModule(file.url, filename);
      break;
    case "json":
      module.exports = parsedJson(filename);
      break;
    case "data":
      module.exports = importNow(file.url).default;
      break;
    case "empty":
      break;
    case "addon":
      throw noMachineCode(filename);
    case "broken":
      throw new SyntaxError(file.failure);
    default:
      throw missing(filename, WeakMapPrototypeGet(parents, module));
  }
};

function parsedJson(filename) {
  try {
    return JSONParse(op_module_json(filename));
  } catch (error) {
    error.message = `${filename}: ${error.message}`;
    throw error;
  }
}

// The host knows what a file is.
Module._extensions[".json"] = Module._extensions[".js"];
Module._extensions[".node"] = Module._extensions[".js"];

function makeRequire(module) {
  const require = function require(id) {
    return module.require(id);
  };
  const resolve = function resolve(request, options) {
    needName(request, "request");
    return Module._resolveFilename(request, module, false, options);
  };
  resolve.paths = function paths(request) {
    needName(request, "request");
    return Module._resolveLookupPaths(request, module);
  };
  require.resolve = resolve;
  require.main = main;
  require.extensions = Module._extensions;
  require.cache = Module._cache;
  return require;
}

Module.createRequire = function createRequire(from) {
  const text = typeof from === "string" ? from : typeof from === "object" && from !== null && typeof from.href === "string" ? from.href : undefined;
  const origin = text === undefined ? null : op_module_origin(text);
  if (origin === null) {
    throw invalidArgument(
      "ERR_INVALID_ARG_VALUE",
      `The argument 'filename' must be a file URL object, file URL string, or absolute path string. Received ${typeof from === "string" ? `'${from}'` : typeof from}`,
    );
  }
  const filename = StringPrototypeEndsWith(origin, "/") ? `${origin}noop.js` : origin;
  const module = new Module(filename);
  module.filename = filename;
  module.paths = Module._nodeModulePaths(module.path);
  return makeRequire(module);
};

// What an ES module that imports a CommonJS one has of it. `interop` is the default export for who takes `__esModule` as bundlers do.
function load(filename) {
  const exports = Module._load(filename, undefined, filename === op_module_main());
  const isObject = (typeof exports === "object" && exports !== null) || typeof exports === "function";
  const named = isObject ? exports : {};
  const get = (name) => {
    try {
      return named[name];
    } catch {
      return undefined;
    }
  };
  return {
    __proto__: null,
    exports,
    get,
    interop: get("__esModule") && "default" in named ? named.default : exports,
  };
}

return { Module, load };
})();
