// V8 takes the memory of resizable buffers from the system itself, and counts what they hold, not what they may grow to: each
// has room in the address space, and there are only so many mappings in a process. So each is accompanied by a buffer of the
// usual kind, whose allocation is counted, as large as it may become.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBuffer,
  ArrayBufferIsView,
  ArrayBufferPrototype,
  ArrayPrototypePop,
  ArrayPrototypePush,
  DataViewPrototypeGetBuffer,
  MapPrototypeForEach,
  MathMax,
  ObjectDefineProperty,
  Proxy,
  ReflectApply,
  ReflectConstruct,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeArrayIterator,
  SafeSet,
  SafeWeakMap,
  SetPrototypeAdd,
  SetPrototypeForEach,
  SetPrototypeHas,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetSymbolToStringTag,
  WeakMapPrototypeGet,
  WeakMapPrototypeHas,
  WeakMapPrototypeSet,
} = primordials;
const { isAnyArrayBuffer, isMap, isSet } = core;

const getterOf = (name) => ReflectGetOwnPropertyDescriptor(ArrayBufferPrototype, name).get;
const resizable = getterOf("resizable");
const maxByteLength = getterOf("maxByteLength");

// The mappings that one takes cost as much as this many bytes.
const LEAST = 1 << 16;

const companions = new SafeWeakMap();
// Whether the worker has ever had one: most never do.
let any = false;

// Counts so many bytes for as long as the object lives.
function count(object, bytes) {
  if (!WeakMapPrototypeHas(companions, object)) WeakMapPrototypeSet(companions, object, new ArrayBuffer(bytes));
}

// Another object that keeps what the first one counts.
function share(object, other) {
  const companion = WeakMapPrototypeGet(companions, object);
  if (companion !== undefined && !WeakMapPrototypeHas(companions, other)) WeakMapPrototypeSet(companions, other, companion);
}

function accompany(buffer) {
  if (!ReflectApply(resizable, buffer, [])) return;
  any = true;
  count(buffer, MathMax(ReflectApply(maxByteLength, buffer, []), LEAST));
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

// All that a deserialised value holds: it is made of plain objects that nobody has seen yet.
function accompanyAll(value) {
  if (!any) return value;
  const seen = new SafeSet();
  const open = [value];
  const add = (item) => {
    if (typeof item === "object" && item !== null && !SetPrototypeHas(seen, item)) {
      SetPrototypeAdd(seen, item);
      ArrayPrototypePush(open, item);
    }
  };
  while (open.length > 0) {
    const item = ArrayPrototypePop(open);
    if (isAnyArrayBuffer(item)) {
      accompany(item);
    } else if (ArrayBufferIsView(item)) {
      const isDataView = TypedArrayPrototypeGetSymbolToStringTag(item) === undefined;
      add(isDataView ? DataViewPrototypeGetBuffer(item) : TypedArrayPrototypeGetBuffer(item));
    } else if (typeof item === "object" && item !== null) {
      if (isMap(item)) {
        MapPrototypeForEach(item, (entry, key) => {
          add(key);
          add(entry);
        });
      } else if (isSet(item)) {
        SetPrototypeForEach(item, add);
      }
      for (const key of new SafeArrayIterator(ReflectOwnKeys(item))) {
        add(ReflectGetOwnPropertyDescriptor(item, key).value);
      }
    }
  }
  return value;
}

function defineBuffers() {
  const Counted = new Proxy(ArrayBuffer, {
    __proto__: null,
    construct(target, args, newTarget) {
      const buffer = ReflectConstruct(target, args, newTarget);
      if (args.length > 1) accompany(buffer);
      return buffer;
    },
  });
  define(globalThis, "ArrayBuffer", Counted);
  define(ArrayBufferPrototype, "constructor", Counted);
  const methods = {
    transfer() {
      const moved = ReflectApply(transfer, this, arguments);
      const companion = WeakMapPrototypeGet(companions, this);
      if (companion !== undefined) WeakMapPrototypeSet(companions, moved, companion);
      return moved;
    },
  };
  const transfer = ArrayBufferPrototype.transfer;
  define(ArrayBufferPrototype, "transfer", methods.transfer);
  const { deserialize, structuredClone } = core;
  core.deserialize = (buffer, options) => accompanyAll(deserialize(buffer, options));
  core.structuredClone = (value, deserializers) => accompanyAll(structuredClone(value, deserializers));
}

return { count, define, defineBuffers, share };
})();
