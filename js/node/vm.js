// https://nodejs.org/docs/latest-v22.x/api/vm.html: workers make no code from strings in a context of its own.
(function () {
const { core } = __bootstrap;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const vm = {
  Script: unavailable("vm.Script"),
  compileFunction: unavailable("vm.compileFunction"),
  constants: {},
  createContext: unavailable("vm.createContext"),
  createScript: unavailable("vm.createScript"),
  isContext: () => false,
  measureMemory: unavailable("vm.measureMemory"),
  runInContext: unavailable("vm.runInContext"),
  runInNewContext: unavailable("vm.runInNewContext"),
  runInThisContext: unavailable("vm.runInThisContext"),
};

return { default: vm };
})();
