// Buffers and views as they cross: what a view shows, and nothing else of its buffer, which others may share.
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
const resizable = ObjectGetOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable")?.get;
const detached = ObjectGetOwnPropertyDescriptor(ArrayBuffer.prototype, "detached")?.get;

const KINDS = { __proto__: null };
for (
  const kind of [
    Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
    BigInt64Array, BigUint64Array,
  ]
) {
  KINDS[kind.name] = kind;
}

function isFixed(buffer) {
  if (!core.isArrayBuffer(buffer)) return false;
  if (resizable !== undefined && ReflectApply(resizable, buffer, [])) return false;
  return detached === undefined || !ReflectApply(detached, buffer, []);
}

// Gives `{ value, size }`, or null for what can not cross.
function isPlainView(value) {
  if (core.isArrayBuffer(value)) {
    return isFixed(value) ? { __proto__: null, value, size: ArrayBufferPrototypeGetByteLength(value) } : null;
  }
  const tag = TypedArrayPrototypeGetSymbolToStringTag(value);
  let kind = DataView;
  let buffer;
  let offset;
  let size;
  if (tag === undefined) {
    buffer = DataViewPrototypeGetBuffer(value);
    if (!isFixed(buffer)) return null;
    offset = DataViewPrototypeGetByteOffset(value);
    size = DataViewPrototypeGetByteLength(value);
  } else {
    kind = KINDS[tag];
    buffer = TypedArrayPrototypeGetBuffer(value);
    if (kind === undefined || !isFixed(buffer)) return null;
    offset = TypedArrayPrototypeGetByteOffset(value);
    size = TypedArrayPrototypeGetByteLength(value);
  }
  if (size === ArrayBufferPrototypeGetByteLength(buffer)) return { __proto__: null, value, size };
  return { __proto__: null, value: ReflectConstruct(kind, [ArrayBufferPrototypeSlice(buffer, offset, offset + size)]), size };
}

return { isPlainView };
})();
