// https://nodejs.org/docs/latest-v22.x/api/vm.html: workers make no code from strings in a context of its own.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectFreeze, Symbol } = primordials;
const { validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const vm = {
  Script: unavailable("vm.Script"),
  compileFunction: unavailable("vm.compileFunction"),
  constants: ObjectFreeze({
    __proto__: null,
    DONT_CONTEXTIFY: Symbol("vm_context_no_contextify"),
    USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol("vm_dynamic_import_main_context_default"),
  }),
  createContext: unavailable("vm.createContext"),
  createScript: unavailable("vm.createScript"),
  isContext(object) {
    validateObject(object, "object");
    return false;
  },
  measureMemory: unavailable("vm.measureMemory"),
  runInContext: unavailable("vm.runInContext"),
  runInNewContext: unavailable("vm.runInNewContext"),
  runInThisContext: unavailable("vm.runInThisContext"),
};

return { default: vm };
})();
