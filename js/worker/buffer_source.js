// Web IDL's BufferSource: an ArrayBuffer, or a view of one.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8Array,
} = primordials;

function isBufferSource(value) {
  return typeof value === "object" && value !== null && (core.isAnyArrayBuffer(value) || ArrayBufferIsView(value));
}

// Whether a buffer holds nothing, as one does that was detached.
function isEmpty(buffer) {
  return core.isArrayBuffer(buffer) && ArrayBufferPrototypeGetByteLength(buffer) === 0;
}

// Its bytes: none where the buffer was detached. https://webidl.spec.whatwg.org/#dfn-get-buffer-source-copy
function view(source) {
  if (!ArrayBufferIsView(source)) return isEmpty(source) ? new Uint8Array(0) : new Uint8Array(source);
  if (TypedArrayPrototypeGetSymbolToStringTag(source) === undefined) {
    const buffer = DataViewPrototypeGetBuffer(source);
    if (isEmpty(buffer)) return new Uint8Array(0);
    return new Uint8Array(
      buffer,
      DataViewPrototypeGetByteOffset(source),
      DataViewPrototypeGetByteLength(source),
    );
  }
  const buffer = TypedArrayPrototypeGetBuffer(source);
  if (isEmpty(buffer)) return new Uint8Array(0);
  return new Uint8Array(
    buffer,
    TypedArrayPrototypeGetByteOffset(source),
    TypedArrayPrototypeGetByteLength(source),
  );
}

// A copy of its bytes. A `slice` of an array would ask that for its species.
function copyOf(source) {
  const bytes = view(source);
  const copy = new Uint8Array(TypedArrayPrototypeGetByteLength(bytes));
  TypedArrayPrototypeSet(copy, bytes);
  return copy;
}

return { copyOf, isBufferSource, view };
})();
