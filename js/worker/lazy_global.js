// Globals that few use: what they are is made when it is first asked for.
(function () {
const { primordials } = __bootstrap;
const { ObjectDefineProperty } = primordials;

function lazyGlobal(name, make, enumerable = false) {
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

return { lazyGlobal };
})();
