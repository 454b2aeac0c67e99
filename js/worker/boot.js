// The last script before the author's own: finishes an isolate by its role and leaves nothing of ours reachable.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, ArrayPrototypeMap, JSONParse, ObjectDefineProperty, ReflectDeleteProperty, ReflectOwnKeys, StringPrototypeStartsWith } = primordials;
const load = core.loadExtScript;

// Before anything takes them.
load("ext:workerd_lite/worker/op_stubs.js").fixStubs();
load("ext:workerd_lite/worker/primordials.js").replacePrimordials();
load("ext:workerd_lite/worker/ticks.js").fillQueue();

// Here, so that the snapshot has it.
load("ext:workerd_lite/worker/residual.js");
const { readEnv } = load("ext:workerd_lite/loader/given.js");
const { defineGlobals } = load("ext:workerd_lite/worker/globals.js");
const { setFailureRole } = load("ext:workerd_lite/rpc/failure.js");
const { setFetchRole } = load("ext:deno_fetch/26_fetch.js");
const { newFetcher } = load("ext:workerd_lite/worker/bindings.js");
const { builtinModules, setBaseEnv, sourceOf } = load("ext:workerd_lite/worker/builtin_modules.js");
const { defineNodeGlobals } = load("ext:workerd_lite/worker/node_globals.js");
const { reportExceptions, reportRejections } = load("ext:workerd_lite/worker/global_events.js");
const { setMaxTimers } = load("ext:workerd_lite/worker/context.js");
const { differ } = load("ext:workerd_lite/worker/compatibility.js");
const { captureHexMethods } = load("ext:workerd_lite/worker/hex.js");
const { setTimeOrigin } = load("ext:deno_web/15_performance.js");
const { defineWebAssembly } = load("ext:workerd_lite/worker/webassembly.js");
const { fetchOf, newService } = load("ext:workerd_lite/rpc/stub.js");
const { defineBindings } = load("ext:workerd_lite/worker/service_worker.js");
const worker = load("ext:workerd_lite/worker/dispatch.js");

const MODULE = "__workerdLiteModule";

let isTest = false;
let isAgent = false;

// Once the module has been evaluated: until then Rust wants to hear of a rejection itself.
function setHandlers(namespace) {
  reportRejections();
  return isTest ? worker.setTestHandlers(namespace) : worker.setHandlers(namespace, isAgent);
}

// As V8's `--expose-gc` has it.
function defineCollection() {
  const { op_test_collect } = core.ops;
  const gc = () => {
    op_test_collect();
  };
  ObjectDefineProperty(globalThis, "gc", { __proto__: null, value: gc, writable: true, enumerable: false, configurable: true });
}

// `vars` is an object of plain data as JSON; `bindings` are the outbound worker's, `{ name, credential }` each; `callers` is who may call:
// `{ agent, props, parameters, entrypoint, doors }` each; `services` and `loaders` are names; `wanted` names the built-in modules that
// the script imports; `environment` is what Node's `process.env` is made of, as JSON, or undefined where there is nothing of Node;
// `given` says that it is a loaded worker, whose `env` is what its loader has given it; `flags` are those of `compatibility.js`; `listens` says that the script has listeners in the place of exports. Gives the functions that Rust
// calls, after the fourth of them the built-in modules as `[name, source, exports]` each, which read their exports from the global
// MODULE.
function boot(role, vars, bindings, callers, wanted, environment, services, loaders, given, flags, listens) {
  const env = given ? readEnv() : JSONParse(vars);
  isTest = role === "test";
  isAgent = role === "agent";
  if (isTest) defineCollection();
  reportExceptions();
  setTimeOrigin();
  if (role === "outbound") setMaxTimers(100_000);
  setFailureRole(role);
  setFetchRole(role, ArrayPrototypeMap(bindings, ({ credential }) => credential));
  ArrayPrototypeForEach(bindings, ({ name }, index) => {
    env[name] = newFetcher(index);
  });
  ArrayPrototypeForEach(services, (name, index) => {
    env[name] = newService(index, fetchOf(index));
  });
  if (loaders.length > 0) {
    const { newLoader } = load("ext:workerd_lite/loader/worker_loader.js");
    ArrayPrototypeForEach(loaders, (name, index) => {
      env[name] = newLoader(index);
    });
  }
  setBaseEnv(env);
  if (listens) defineBindings(env);
  const callerOf = ({ agent, props, parameters, entrypoint, doors }) => ({
    agent,
    props,
    entrypoint,
    doors: ArrayPrototypeMap(doors, (door) => ({ __proto__: null, entrypoint: door.entrypoint, props: door.props, make: null })),
    env: parameters === null ? env : { ...env, ...JSONParse(parameters) },
    handler: null,
  });
  worker.setCallers(ArrayPrototypeMap(callers, callerOf));
  const addCallers = (more) => worker.addCallers(ArrayPrototypeMap(more, callerOf));
  ArrayPrototypeForEach(ReflectOwnKeys(globalThis), (key) => {
    if (typeof key === "string" && (key === "Deno" || StringPrototypeStartsWith(key, "__"))) {
      ReflectDeleteProperty(globalThis, key);
    }
  });
  // No snapshot holds it.
  defineWebAssembly();
  // Workers share no memory.
  ReflectDeleteProperty(globalThis, "SharedArrayBuffer");
  if (environment !== undefined) {
    captureHexMethods();
    defineNodeGlobals(environment);
  }
  if (flags.length > 0) differ(flags);
  const modules = builtinModules(role, wanted, environment !== undefined);
  const sources = ArrayPrototypeMap(ReflectOwnKeys(modules), (name) => [name, sourceOf(modules[name], MODULE), modules[name]]);
  return [worker.dispatch, worker.cancel, worker.end, setHandlers, sources, addCallers, worker.rpc];
}

defineGlobals();
load("ext:workerd_lite/worker/warm_up.js").warmUp();
load("ext:workerd_lite/worker/op_stubs.js").forgetOps();
globalThis.__workerdLite = boot;
return {};
})();
