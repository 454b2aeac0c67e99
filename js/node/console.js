// The worker's console, with Node's class for ones that write to streams.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty } = primordials;

const shared = globalThis.console;
const { Console } = core.loadExtScript("ext:deno_node/internal/console/constructor.mjs");
ObjectDefineProperty(shared, "Console", { __proto__: null, value: Console, writable: true, enumerable: true, configurable: true });

return { default: shared };
})();
