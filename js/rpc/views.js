// Buffers and views as they cross: what a view shows, and nothing else of its buffer, which others may share. Of a resizable buffer
// that are its bytes, of a fixed length: a largest one, which whoever gets it would have to reserve, is not the sender's to say.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeSlice,
  DataView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
  ReflectConstruct,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;
const { get: resizable } = ObjectGetOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable");
const { get: detached } = ObjectGetOwnPropertyDescriptor(ArrayBuffer.prototype, "detached");

const KINDS = { __proto__: null };
for (
  const kind of [
    Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
    BigInt64Array, BigUint64Array,
  ]
) {
  KINDS[kind.name] = kind;
}

const isDetached = (buffer) => !core.isArrayBuffer(buffer) || ReflectApply(detached, buffer, []);

// Gives `{ value, size }`, or null for what can not cross.
function isPlainView(value) {
  if (core.isArrayBuffer(value)) {
    if (isDetached(value)) return null;
    const size = ArrayBufferPrototypeGetByteLength(value);
    return { __proto__: null, value: ReflectApply(resizable, value, []) ? ArrayBufferPrototypeSlice(value, 0, size) : value, size };
  }
  const tag = TypedArrayPrototypeGetSymbolToStringTag(value);
  let kind = DataView;
  let buffer;
  let offset;
  let size;
  if (tag === undefined) {
    buffer = DataViewPrototypeGetBuffer(value);
    if (isDetached(buffer)) return null;
    offset = DataViewPrototypeGetByteOffset(value);
    size = DataViewPrototypeGetByteLength(value);
  } else {
    // V8 has it only once a worker runs.
    kind = tag === "Float16Array" ? globalThis.Float16Array : KINDS[tag];
    buffer = TypedArrayPrototypeGetBuffer(value);
    if (kind === undefined || isDetached(buffer)) return null;
    offset = TypedArrayPrototypeGetByteOffset(value);
    size = TypedArrayPrototypeGetByteLength(value);
  }
  if (size === ArrayBufferPrototypeGetByteLength(buffer) && !ReflectApply(resizable, buffer, [])) return { __proto__: null, value, size };
  return { __proto__: null, value: ReflectConstruct(kind, [ArrayBufferPrototypeSlice(buffer, offset, offset + size)]), size };
}

return { isPlainView };
})();
