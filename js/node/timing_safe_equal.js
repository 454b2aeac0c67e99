// https://nodejs.org/docs/latest-v22.x/api/crypto.html#cryptotimingsafeequala-b
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  ObjectDefineProperty,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;
const { op_node_same } = core.loadExtScript("ext:workerd_lite/node/ops.js").ops;
const { ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");

// Node's own is C++, which does not tell what it got.
function wrong(name) {
  const error = new TypeError(`The "${name}" argument must be an instance of ArrayBuffer, Buffer, TypedArray, or DataView.`);
  ObjectDefineProperty(error, "code", { __proto__: null, value: "ERR_INVALID_ARG_TYPE", writable: true, enumerable: true, configurable: true });
  return error;
}

function bytesOf(data, name) {
  if (!isBufferSource(data)) throw wrong(name);
  return ArrayBufferIsView(data) && TypedArrayPrototypeGetSymbolToStringTag(data) === "Uint8Array" ? data : view(data);
}

function timingSafeEqual(buf1, buf2) {
  const one = bytesOf(buf1, "buf1");
  const other = bytesOf(buf2, "buf2");
  if (TypedArrayPrototypeGetByteLength(one) !== TypedArrayPrototypeGetByteLength(other)) throw new ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH();
  return op_node_same(one, other);
}

return { timingSafeEqual, default: { timingSafeEqual } };
})();
