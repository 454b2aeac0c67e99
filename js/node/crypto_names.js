// Names of `node:crypto` that are newer than Node 22, which fail where they are used: modules that import them load. And `fips`, of old.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, ObjectHasOwn, SafeArrayIterator } = primordials;
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

function absent(name) {
  const call = function (...args) {
    const error = failure(`crypto.${name}`, undefined, "there is no such algorithm");
    const done = args[args.length - 1];
    if (typeof done !== "function") throw error;
    nextTick(done, error);
  };
  ObjectDefineProperty(call, "name", { __proto__: null, configurable: true, value: name });
  return call;
}

function complete(crypto) {
  for (const name of new SafeArrayIterator(["argon2", "argon2Sync", "decapsulate", "encapsulate"])) {
    if (!ObjectHasOwn(crypto, name)) crypto[name] = absent(name);
  }
  if (!ObjectHasOwn(crypto, "fips")) {
    ObjectDefineProperty(crypto, "fips", { __proto__: null, configurable: true, enumerable: false, get: () => crypto.getFips(), set: (value) => crypto.setFips(value) });
  }
  return crypto;
}

return { complete };
})();
