// What our parts of crypto.subtle ask of keys, whatever an author has put in the place of their accessors.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectGetOwnPropertyDescriptor, ObjectPrototypeIsPrototypeOf, ReflectApply } = primordials;
const { CryptoKey } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

const getter = (name) => {
  const { get } = ObjectGetOwnPropertyDescriptor(CryptoKey.prototype, name);
  return (key) => ReflectApply(get, key, []);
};
const isObject = (value) => typeof value === "object" && value !== null;

return {
  algorithmOf: getter("algorithm"),
  fail: (name, message) => new DOMException(message, name),
  isExtractable: getter("extractable"),
  isKey: (value) => isObject(value) && ObjectPrototypeIsPrototypeOf(CryptoKey.prototype, value),
  isObject,
  typeOf: getter("type"),
  usagesOf: getter("usages"),
};
})();
