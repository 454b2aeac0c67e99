// Node's globals and modules. Nothing of them is made before it is asked for.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, SafeArrayIterator } = primordials;

const { lazyGlobal } = core.loadExtScript("ext:workerd_lite/worker/lazy_global.js");
const { Performance } = core.loadExtScript("ext:deno_web/15_performance.js");

let vars = null;
let modules = null;

// Node's modules by their names: `builtin` and `namespace` of `node/modules.js`.
function nodeModules() {
  if (modules === null) {
    core.loadExtScript("ext:workerd_lite/node/environment.js").setVars(vars);
    modules = core.loadExtScript("ext:workerd_lite/node/modules.js");
  }
  return modules;
}

// `environment` is what `process.env` is made of, as JSON.
function defineNodeGlobals(environment) {
  vars = environment;
  const timers = () => nodeModules().builtin("timers");
  lazyGlobal("Buffer", () => nodeModules().builtin("buffer").Buffer);
  lazyGlobal("process", () => nodeModules().builtin("process"));
  lazyGlobal("setImmediate", () => timers().setImmediate);
  lazyGlobal("clearImmediate", () => timers().clearImmediate);
  // As on Workers (`enable_nodejs_global_timers`): timers are objects.
  for (const name of new SafeArrayIterator(["setTimeout", "clearTimeout", "setInterval", "clearInterval"])) lazyGlobal(name, () => timers()[name], true);
  // Of libraries that time their own requests. Nothing of a worker's has a list of what was loaded.
  ObjectDefineProperty(Performance.prototype, "markResourceTiming", { __proto__: null, value: function markResourceTiming() {}, writable: true, enumerable: true, configurable: true });
  ObjectDefineProperty(globalThis, "global", { __proto__: null, value: globalThis, writable: true, enumerable: false, configurable: true });
}

return { defineNodeGlobals, nodeModules };
})();
