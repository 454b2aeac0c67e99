// Modules that workers import by a name with a scheme: `cloudflare:workers` and `workerd-lite:policy`.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeForEach,
  Error,
  JSONStringify,
  ObjectFreeze,
  ObjectKeys,
  ReflectApply,
  ReflectDefineProperty,
  ReflectDeleteProperty,
  ReflectGet,
  ReflectGetOwnPropertyDescriptor,
  ReflectHas,
  ReflectOwnKeys,
  ReflectSet,
  StringPrototypeStartsWith,
  Symbol,
  TypeError,
} = primordials;
const { LoopbackServiceStub: _loopback, RpcError, setMakeStub: _, ...classes } = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");
const { currentContext, requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { exportsNow } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");
const { tracing } = core.loadExtScript("ext:workerd_lite/worker/tracing.js");
const { deny } = core.loadExtScript("ext:workerd_lite/worker/deny.js");
const { nodeModules } = core.loadExtScript("ext:workerd_lite/worker/node_globals.js");
const { Proxy } = globalThis;

// Keys of what `withEnv()` and its like have put in the place of an event's own, with V8's continuation data, as stores of `node:async_hooks` are.
const ENV = Symbol("env");
const EXPORTS = Symbol("exports");

let baseEnv = {};

function setBaseEnv(env) {
  baseEnv = env;
}

// `env` and `exports` are what they are in the event that reads them; at the top level, what all events share.
function following(current) {
  return new Proxy({}, {
    __proto__: null,
    get: (_target, key) => ReflectGet(current(), key),
    set: (_target, key, value) => ReflectSet(current(), key, value),
    has: (_target, key) => ReflectHas(current(), key),
    ownKeys: () => ReflectOwnKeys(current()),
    deleteProperty: (_target, key) => ReflectDeleteProperty(current(), key),
    defineProperty: (_target, key, descriptor) => ReflectDefineProperty(current(), key, descriptor),
    getOwnPropertyDescriptor(_target, key) {
      const descriptor = ReflectGetOwnPropertyDescriptor(current(), key);
      // A proxy may not report what its target lacks as fixed.
      return descriptor && { ...descriptor, configurable: true };
    },
  });
}

function given(key) {
  return core.getAsyncContext()?.stores?.[key];
}

function running(name, replaced, callback) {
  if (typeof callback !== "function") throw new TypeError(`${name}() takes a function to run`);
  const before = core.getAsyncContext();
  const stores = { __proto__: null, ...before?.stores };
  for (let i = 0; i < replaced.length; i += 2) {
    const value = replaced[i + 1];
    // As workerd has it: nothing is in the place of null, and the event's own of what is no object.
    if (value === null || value === undefined) stores[replaced[i]] = ObjectFreeze({ __proto__: null });
    else stores[replaced[i]] = typeof value === "object" || typeof value === "function" ? value : undefined;
  }
  core.setAsyncContext({ __proto__: null, event: before?.event, stores });
  try {
    return ReflectApply(callback, undefined, []);
  } finally {
    core.setAsyncContext(before);
  }
}

function unsupported(name) {
  return function () {
    throw new Error(`${name}() is not supported by workerd-lite`);
  };
}

const workers = {
  ...classes,
  abortIsolate: unsupported("abortIsolate"),
  cache: ObjectFreeze({ __proto__: null, purge: unsupported("cache.purge") }),
  env: following(() => given(ENV) ?? currentContext()?.caller.env ?? baseEnv),
  exports: following(() => given(EXPORTS) ?? exportsNow()),
  // The name of a method that Durable Objects' stored stubs have: none are stored here.
  restore: Symbol("cloudflare:workers:restore"),
  tracing,
  withEnv: (env, callback) => running("withEnv", [ENV, env], callback),
  withEnvAndExports: (env, exports, callback) => running("withEnvAndExports", [ENV, env, EXPORTS, exports], callback),
  withExports: (exports, callback) => running("withExports", [EXPORTS, exports], callback),
  waitUntil: (promise) => requireContext().waitUntil(promise),
};

const assertions = () => core.loadExtScript("ext:workerd_lite/testing/assert.js");
const testing = () => core.loadExtScript("ext:workerd_lite/testing/runner.js").moduleExports;

// Makes what each of these modules exports, as far as the role may have it. Most workers import none of them.
const makers = {
  __proto__: null,
  "cloudflare:email": () => core.loadExtScript("ext:workerd_lite/worker/product_modules.js").email,
  "cloudflare:node": () => core.loadExtScript("ext:workerd_lite/node/http/handler.js"),
  "cloudflare:sockets": () => core.loadExtScript("ext:workerd_lite/sockets/connect.js").moduleExports,
  "cloudflare:workers": () => workers,
  "cloudflare:workflows": () => core.loadExtScript("ext:workerd_lite/worker/product_modules.js").workflows,
  "node:assert": () => assertions().assert,
  "node:assert/strict": () => assertions().strict,
  "node:test": testing,
  // Modules that stand for CommonJS ones import it: the loader gives it to no other.
  "workerd-lite:commonjs": () => ({ load: core.loadExtScript("ext:workerd_lite/node/require.js").load }),
  "workerd-lite:policy": () => ({ RpcError, deny }),
  "workerd-lite:test": testing,
};
// What rests on Node's modules.
const NEEDS_NODE = { __proto__: null, "cloudflare:node": true };
const roles = { __proto__: null, "node:test": "test", "workerd-lite:policy": "outbound", "workerd-lite:test": "test" };

// Tests have assertions of their own.
function isNode(role, name) {
  return StringPrototypeStartsWith(name, "node:") && (makers[name] === undefined || (role !== "test" && (roles[name] === undefined || name === "node:test")));
}

// `node`: whether Node's modules are there.
function builtinModules(role, wanted, node) {
  const modules = { __proto__: null };
  ArrayPrototypeForEach(wanted, (name) => {
    // `nodejs_als` asks for one alone.
    if ((node || name === "node:async_hooks") && isNode(role, name)) modules[name] = nodeModules().namespace(name);
    else if (NEEDS_NODE[name] && !node) return;
    else if (makers[name] !== undefined && (roles[name] === undefined || roles[name] === role)) modules[name] = makers[name]();
  });
  return modules;
}

// The source of a module that takes its exports from a global that is there only while it is evaluated.
function sourceOf(exports, global) {
  const names = ObjectKeys(exports);
  let source = `const exported = globalThis.${global};`;
  for (let i = 0; i < names.length; i++) {
    const name = JSONStringify(names[i]);
    source += `const name${i} = exported[${name}]; export { name${i} as ${name} };`;
  }
  return source;
}

return { builtinModules, setBaseEnv, sourceOf };
})();
