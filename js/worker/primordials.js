// deno's primordials are built-ins as they were before any author's code. Some of them ask their receiver for its `constructor` and that
// for its species, which an author may have replaced, and who is asked is given our arrays, bytes and promises. Here are ones that do not ask.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBuffer,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeSlice,
  ArrayPrototypePush,
  MathMax,
  MathMin,
  MathTrunc,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectFreeze,
  ObjectGetOwnPropertyDescriptors,
  Promise,
  PromisePrototype,
  SymbolSpecies,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  TypedArrayPrototypeSubarray,
  Uint8Array,
} = primordials;

// Where an index that may count from the end is.
function place(index, length, otherwise) {
  if (index === undefined) return otherwise;
  const whole = MathTrunc(+index) || 0;
  return whole < 0 ? MathMax(length + whole, 0) : MathMin(whole, length);
}

const NEW = {
  __proto__: null,

  ArrayPrototypeFilter(array, keep, self = undefined) {
    const kept = [];
    const { length } = array;
    for (let i = 0; i < length; i++) {
      const item = array[i];
      if (i in array && call(keep, self, item, i, array)) ArrayPrototypePush(kept, item);
    }
    return kept;
  },

  ArrayPrototypeMap(array, map, self = undefined) {
    const mapped = [];
    const { length } = array;
    for (let i = 0; i < length; i++) ArrayPrototypePush(mapped, call(map, self, array[i], i, array));
    return mapped;
  },

  ArrayPrototypeSlice(array, start, end) {
    const { length } = array;
    const to = place(end, length, length);
    const part = [];
    for (let i = place(start, length, 0); i < to; i++) ArrayPrototypePush(part, array[i]);
    return part;
  },

  ArrayPrototypeSplice(array, start, count, ...items) {
    const { length } = array;
    const from = place(start, length, 0);
    const gone = arguments.length === 1 ? 0 : arguments.length === 2
      ? length - from
      : MathMin(MathMax(MathTrunc(+count) || 0, 0), length - from);
    const removed = [];
    for (let i = 0; i < gone; i++) ArrayPrototypePush(removed, array[from + i]);
    const rest = [];
    for (let i = from + gone; i < length; i++) ArrayPrototypePush(rest, array[i]);
    array.length = from;
    for (let i = 0; i < items.length; i++) ArrayPrototypePush(array, items[i]);
    for (let i = 0; i < rest.length; i++) ArrayPrototypePush(array, rest[i]);
    return removed;
  },

  ArrayBufferPrototypeSlice(buffer, start, end) {
    const length = ArrayBufferPrototypeGetByteLength(buffer);
    const from = place(start, length, 0);
    const bytes = MathMax(place(end, length, length) - from, 0);
    // A buffer that is detached or none throws.
    if (length === 0) return ArrayBufferPrototypeSlice(buffer, start, end);
    const copy = new ArrayBuffer(bytes);
    TypedArrayPrototypeSet(new Uint8Array(copy), new Uint8Array(buffer, from, bytes));
    return copy;
  },

  TypedArrayPrototypeSlice(array, start, end) {
    if (TypedArrayPrototypeGetSymbolToStringTag(array) !== "Uint8Array") return TypedArrayPrototypeSlice(array, start, end);
    const part = NEW.TypedArrayPrototypeSubarray(array, start, end);
    const copy = new Uint8Array(TypedArrayPrototypeGetLength(part));
    TypedArrayPrototypeSet(copy, part);
    return copy;
  },

  TypedArrayPrototypeSubarray(array, start, end) {
    if (TypedArrayPrototypeGetSymbolToStringTag(array) !== "Uint8Array") return TypedArrayPrototypeSubarray(array, start, end);
    const length = TypedArrayPrototypeGetLength(array);
    const from = place(start, length, 0);
    const items = MathMax(place(end, length, length) - from, 0);
    return new Uint8Array(TypedArrayPrototypeGetBuffer(array), TypedArrayPrototypeGetByteOffset(array) + from, items);
  },
};

const { FunctionPrototypeCall: call } = primordials;

// Every `await` and every `then` asks a promise for its constructor, and `then` asks that for its species: these stay what they are.
function lockPromises() {
  ObjectDefineProperty(PromisePrototype, "constructor", { __proto__: null, writable: false, configurable: false });
  ObjectDefineProperty(Promise, SymbolSpecies, { __proto__: null, configurable: false });
}

// deno_core writes the number of an op into its promise, under a symbol that every script knows: a setter in `Promise.prototype` or
// `Object.prototype` would be given the promise, and with it what the op gives.
function hidePromiseIds() {
  const { promiseIdSymbol } = core;
  ObjectDefineProperty(PromisePrototype, promiseIdSymbol, {
    __proto__: null,
    get() {
      return undefined;
    },
    set(value) {
      ObjectDefineProperty(this, promiseIdSymbol, { __proto__: null, value });
    },
    enumerable: false,
    configurable: false,
  });
}

// For the scripts that are loaded from now on: deno_core hands each of them this very object, which it captured before. Most members
// are not enumerable.
function replacePrimordials() {
  lockPromises();
  hidePromiseIds();
  // A copy of all of them would be a table of 48 KiB in each isolate. deno's have no prototype, and are frozen.
  __bootstrap.primordials = ObjectFreeze(ObjectDefineProperties({ __proto__: primordials }, ObjectGetOwnPropertyDescriptors(NEW)));
}

return { replacePrimordials };
})();
