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
const { Headers, headerListFromHeaders } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { joinHeaders, parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { cloneKey, isOurs } = core.loadExtScript("ext:workerd_lite/worker/ed448.js");
const { DOMException, DOMExceptionPrototype } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

// The engine's own, which V8 serializes or refuses by itself.
const ENGINE = new SafeMap();

// Methods, which are no constructors.
const { refuse, serializeHeaders, serializeKey } = {
  refuse() {
    throw new DOMException(
      `Could not serialize object of type "${this?.constructor?.name ?? "Object"}". This type does not support serialization.`,
      "DataCloneError",
    );
  },
  serializeHeaders() {
    return { type: "Headers", joined: joinHeaders(headerListFromHeaders(this)) };
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
  if (isOurs(key)) return cloneKey(key);
  const type = read(key, "type");
  const extractable = read(key, "extractable");
  const algorithm = read(key, "algorithm");
  const usages = read(key, "usages");
  const { data } = cryptoKeyExportNodeKeyMaterial(key);
  if (type !== "secret") return importCryptoKeySync(FORMATS[type], data, algorithm, extractable, usages);
  return cryptoKeyFromCloneData({ algorithm, extractable, keyData: { type, data }, keyType: type, usages });
}

// For classes that are made when they are first asked for, after `defineCloning()`.
function refuseClones(prototype) {
  brand(prototype, refuse);
}

function isInterface(value) {
  return typeof value === "function" && typeof value.prototype === "object" && value.prototype !== null;
}

// By ops of ours: deno_core's call what is registered for a type, and end the process where there is nothing.
function replaceCloning() {
  const { op_clone_read, op_clone_write } = core.ops;
  core.serialize = (value, options, complain) => op_clone_write(value, options?.hostObjects, complain);
  core.deserialize = (bytes, options) => op_clone_read(bytes, options?.hostObjects, options?.deserializers);
  core.structuredClone = (value, readers) => op_clone_read(op_clone_write(value, undefined, undefined), undefined, readers ?? core.getCloneableDeserializers());
}

// Remembers what the global scope has before ours is defined.
function noteEngine() {
  for (const name of new SafeArrayIterator(ReflectOwnKeys(globalThis))) MapPrototypeSet(ENGINE, name, true);
}

function defineCloning() {
  brand(CryptoKey.prototype, serializeKey);
  core.getCloneableDeserializers().CryptoKey = deserializeKey;
  brand(Headers.prototype, serializeHeaders);
  core.getCloneableDeserializers().Headers = ({ joined }) => new Headers(parseHeaders(joined));
  for (const name of new SafeArrayIterator(ReflectOwnKeys(globalThis))) {
    if (typeof name !== "string" || MapPrototypeGet(ENGINE, name)) continue;
    // A getter would make what no snapshot holds.
    const { value } = ReflectGetOwnPropertyDescriptor(globalThis, name);
    if (!isInterface(value) || value.prototype === DOMExceptionPrototype) continue;
    // Blob, File, Headers and CryptoKey are serializable.
    if (!ReflectHas(value.prototype, core.hostObjectBrand)) brand(value.prototype, refuse);
  }
}

return { defineCloning, noteEngine, refuseClones, replaceCloning };
})();
