// External memory that V8 does not take from our allocator is counted by a buffer of the usual kind, whose allocation is
// counted, and which lives as long as its object.
(function () {
const { primordials } = __bootstrap;
const {
  ArrayBuffer,
  ObjectDefineProperty,
  Proxy,
  SafeWeakMap,
  WeakMapPrototypeGet,
  WeakMapPrototypeHas,
  WeakMapPrototypeSet,
} = primordials;

// What has room in the address space takes mappings, which cost as much as this many bytes.
const LEAST = 1 << 16;

const counters = new SafeWeakMap();

// Counts so many bytes for as long as the object lives.
function count(object, bytes) {
  if (!WeakMapPrototypeHas(counters, object)) WeakMapPrototypeSet(counters, object, new ArrayBuffer(bytes));
}

// Another object that keeps what the first one counts.
function share(object, other) {
  const counter = WeakMapPrototypeGet(counters, object);
  if (counter !== undefined && !WeakMapPrototypeHas(counters, other)) WeakMapPrototypeSet(counters, other, counter);
}

function define(object, name, value, enumerable = false) {
  ObjectDefineProperty(object, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable,
    configurable: true,
  });
}

// Puts a proxy with these traps in the place of a constructor.
function wrapConstructor(namespace, name, traps) {
  const constructor = namespace[name];
  const wrapped = new Proxy(constructor, { __proto__: null, ...traps });
  define(namespace, name, wrapped);
  define(constructor.prototype, "constructor", wrapped);
}

return { LEAST, count, define, share, wrapConstructor };
})();
