// Structured cloning of platform objects: https://html.spec.whatwg.org/#structuredserializeinternal
// What is not serializable by its standard is a DataCloneError, wherever in a value it is.
(function () {
const { core, primordials } = __bootstrap;
const {
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptors,
  ObjectSetPrototypeOf,
  Proxy,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  ReflectHas,
  ReflectOwnKeys,
  SafeArrayIterator,
  SafeMap,
} = primordials;
const { CryptoKey, cryptoKeyExportNodeKeyMaterial, cryptoKeyFromCloneData, importCryptoKeySync } = core.loadExtScript(
  "ext:deno_crypto/00_crypto.js",
);
const { DOMException, DOMExceptionPrototype } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

// The engine's own, which V8 serializes or refuses by itself.
const ENGINE = new SafeMap();

// Methods, which are no constructors.
const { refuse, refuseType, serializeKey } = {
  refuse() {
    throw new DOMException(`${this?.constructor?.name ?? "The object"} can not be cloned`, "DataCloneError");
  },
  refuseType() {
    throw new DOMException("The object can not be cloned", "DataCloneError");
  },
  serializeKey() {
    MapPrototypeSet(keys, ++lastKey, this);
    return { type: "CryptoKey", number: lastKey };
  },
};

// V8 asks for this property of each object that it serializes.
function brand(prototype, value) {
  ObjectDefineProperty(prototype, core.hostObjectBrand, { __proto__: null, value });
}

// Keys on their way, by number: a script that reads what is serialized learns no more of a key.
const keys = new SafeMap();
let lastKey = 0;

// What a key is by itself: a script may have put properties of its own before the prototype's.
const getters = ObjectGetOwnPropertyDescriptors(CryptoKey.prototype);
const read = (key, name) => ReflectApply(getters[name].get, key, []);

const FORMATS = { __proto__: null, private: "pkcs8", public: "spki" };

function deserializeKey({ number }) {
  const key = MapPrototypeGet(keys, number);
  if (key === undefined) throw new DOMException("The key is not there any more", "DataCloneError");
  MapPrototypeDelete(keys, number);
  const type = read(key, "type");
  const extractable = read(key, "extractable");
  const algorithm = read(key, "algorithm");
  const usages = read(key, "usages");
  const { data } = cryptoKeyExportNodeKeyMaterial(key);
  if (type !== "secret") return importCryptoKeySync(FORMATS[type], data, algorithm, extractable, usages);
  return cryptoKeyFromCloneData({ algorithm, extractable, keyData: { type, data }, keyType: type, usages });
}

function isInterface(value) {
  return typeof value === "function" && typeof value.prototype === "object" && value.prototype !== null;
}

// Remembers what the global scope has before ours is defined.
function noteEngine() {
  for (const name of new SafeArrayIterator(ReflectOwnKeys(globalThis))) MapPrototypeSet(ENGINE, name, true);
}

function defineCloning() {
  brand(CryptoKey.prototype, serializeKey);
  const deserializers = core.getCloneableDeserializers();
  deserializers.CryptoKey = deserializeKey;
  // The brand is a symbol that any script can name: a type that nobody has registered is an error, and nothing that the engine calls.
  ObjectSetPrototypeOf(deserializers, new Proxy({ __proto__: null }, { __proto__: null, get: () => refuseType }));
  for (const name of new SafeArrayIterator(ReflectOwnKeys(globalThis))) {
    if (typeof name !== "string" || MapPrototypeGet(ENGINE, name)) continue;
    // A getter would make what no snapshot holds.
    const { value } = ReflectGetOwnPropertyDescriptor(globalThis, name);
    if (!isInterface(value) || value.prototype === DOMExceptionPrototype) continue;
    // Blob, File and CryptoKey are serializable.
    if (!ReflectHas(value.prototype, core.hostObjectBrand)) brand(value.prototype, refuse);
  }
}

return { defineCloning, noteEngine };
})();
