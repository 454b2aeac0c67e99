// Names of `node:crypto` that are newer than Node 22: modules that import them load, and fail where they use them.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectHasOwn, SafeArrayIterator } = primordials;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

function complete(crypto) {
  for (const name of new SafeArrayIterator(["argon2", "argon2Sync", "decapsulate", "encapsulate"])) {
    if (!ObjectHasOwn(crypto, name)) crypto[name] = unavailable(`crypto.${name}`, "there is no such algorithm");
  }
  return crypto;
}

return { complete };
})();
