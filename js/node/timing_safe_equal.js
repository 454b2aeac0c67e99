// https://nodejs.org/docs/latest-v22.x/api/crypto.html#cryptotimingsafeequala-b
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  ObjectDefineProperty,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} = primordials;
const { op_node_same } = core.loadExtScript("ext:workerd_lite/node/ops.js").ops;
const { ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isAnyArrayBuffer, isDataView } = core.loadExtScript("ext:deno_node/internal/util/types.ts");

// Node's own is C++, which does not tell what it got.
function wrong(name) {
  const error = new TypeError(`The "${name}" argument must be an instance of ArrayBuffer, Buffer, TypedArray, or DataView.`);
  ObjectDefineProperty(error, "code", { __proto__: null, value: "ERR_INVALID_ARG_TYPE", writable: true, enumerable: true, configurable: true });
  return error;
}

function bytesOf(data, name) {
  if (ArrayBufferIsView(data)) {
    if (TypedArrayPrototypeGetSymbolToStringTag(data) === "Uint8Array") return data;
    if (isDataView(data)) return new Uint8Array(DataViewPrototypeGetBuffer(data), DataViewPrototypeGetByteOffset(data), DataViewPrototypeGetByteLength(data));
    return new Uint8Array(TypedArrayPrototypeGetBuffer(data), TypedArrayPrototypeGetByteOffset(data), TypedArrayPrototypeGetByteLength(data));
  }
  if (!isAnyArrayBuffer(data)) throw wrong(name);
  return new Uint8Array(data);
}

function timingSafeEqual(buf1, buf2) {
  const one = bytesOf(buf1, "buf1");
  const other = bytesOf(buf2, "buf2");
  if (TypedArrayPrototypeGetByteLength(one) !== TypedArrayPrototypeGetByteLength(other)) throw new ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH();
  return op_node_same(one, other);
}

return { timingSafeEqual, default: { timingSafeEqual } };
})();
