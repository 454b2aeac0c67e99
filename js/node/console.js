// The worker's console, with Node's class for ones that write to streams.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty } = primordials;

const shared = globalThis.console;
const { Console } = core.loadExtScript("ext:deno_node/internal/console/constructor.mjs");
ObjectDefineProperty(shared, "Console", { __proto__: null, value: Console, writable: true, enumerable: true, configurable: true });

// V8's own, of which a debugger alone would see anything.
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
for (const name of ["context", "createTask"]) {
  ObjectDefineProperty(shared, name, { __proto__: null, value: unavailable(`console.${name}`), writable: true, enumerable: true, configurable: true });
}

return { default: shared };
})();
