// Node's globals and modules. Nothing of them is made before it is asked for.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, SafeArrayIterator } = primordials;

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

function lazy(name, make, enumerable = false) {
  const define = (value) =>
    ObjectDefineProperty(globalThis, name, { __proto__: null, value, writable: true, enumerable, configurable: true });
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    get() {
      const value = make();
      define(value);
      return value;
    },
    set: define,
    enumerable,
    configurable: true,
  });
}

// `environment` is what `process.env` is made of, as JSON.
function defineNodeGlobals(environment) {
  vars = environment;
  const timers = () => nodeModules().builtin("timers");
  lazy("Buffer", () => nodeModules().builtin("buffer").Buffer);
  lazy("process", () => nodeModules().builtin("process"));
  lazy("setImmediate", () => timers().setImmediate);
  lazy("clearImmediate", () => timers().clearImmediate);
  // As on Workers (`enable_nodejs_global_timers`): timers are objects.
  for (const name of new SafeArrayIterator(["setTimeout", "clearTimeout", "setInterval", "clearInterval"])) lazy(name, () => timers()[name], true);
  // Of libraries that time their own requests. Nothing of a worker's has a list of what was loaded.
  ObjectDefineProperty(Performance.prototype, "markResourceTiming", { __proto__: null, value: function markResourceTiming() {}, writable: true, enumerable: true, configurable: true });
  ObjectDefineProperty(globalThis, "global", { __proto__: null, value: globalThis, writable: true, enumerable: false, configurable: true });
}

return { defineNodeGlobals, nodeModules };
})();
