// V8 takes the memory of resizable buffers from the system itself, and counts what they hold, not what they may grow to: each
// has room in the address space, and there are only so many mappings in a process. So each has a counting buffer as large as it may become.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  ArrayBufferPrototype,
  ArrayPrototypePop,
  ArrayPrototypePush,
  DataViewPrototypeGetBuffer,
  MapPrototypeForEach,
  MathMax,
  ReflectApply,
  ReflectConstruct,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeArrayIterator,
  SafeSet,
  SetPrototypeAdd,
  SetPrototypeForEach,
  SetPrototypeHas,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeIncludes,
} = primordials;
const { isAnyArrayBuffer, isMap, isSet } = core;
const { LEAST, count, define, share, wrapConstructor } = core.loadExtScript("ext:workerd_lite/worker/external_memory.js");

const getterOf = (name) => ReflectGetOwnPropertyDescriptor(ArrayBufferPrototype, name).get;
const resizable = getterOf("resizable");
const maxByteLength = getterOf("maxByteLength");

// Of a resizable buffer, in V8's format of values.
const TAG = 0x7e;

// Whether the worker has ever had one: most never do.
let any = false;

function accompany(buffer) {
  if (!ReflectApply(resizable, buffer, [])) return;
  any = true;
  count(buffer, MathMax(ReflectApply(maxByteLength, buffer, []), LEAST));
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
  wrapConstructor(globalThis, "ArrayBuffer", {
    construct(target, args, newTarget) {
      const buffer = ReflectConstruct(target, args, newTarget);
      if (args.length > 1) accompany(buffer);
      return buffer;
    },
  });
  const methods = {
    transfer() {
      const moved = ReflectApply(transfer, this, arguments);
      share(this, moved);
      return moved;
    },
  };
  const transfer = ArrayBufferPrototype.transfer;
  define(ArrayBufferPrototype, "transfer", methods.transfer);
  const { deserialize, structuredClone } = core;
  core.deserialize = (buffer, options) => {
    // What others have written may hold one, where this worker never had any.
    any ||= TypedArrayPrototypeIncludes(buffer, TAG);
    return accompanyAll(deserialize(buffer, options));
  };
  core.structuredClone = (value, deserializers) => accompanyAll(structuredClone(value, deserializers));
}

return { defineBuffers };
})();
