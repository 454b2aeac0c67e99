// What is written to streams of bytes.
(function () {
const { core, primordials } = __bootstrap;
const { TypedArrayPrototypeGetByteLength, TypeError } = primordials;
const { NO_BYTES } = core.loadExtScript("ext:workerd_lite/worker/stream_kinds.js");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");

// `words` are for a chunk that is none.
function bytesOf(chunk, words = NO_BYTES) {
  if (typeof chunk === "string") return core.encode(chunk);
  if (!isBufferSource(chunk)) throw new TypeError(words);
  return view(chunk);
}

// What a chunk counts for in a queue, in bytes. One that is none fails once its turn comes.
function sizeOf(chunk) {
  return typeof chunk === "string" || isBufferSource(chunk) ? TypedArrayPrototypeGetByteLength(bytesOf(chunk)) : 0;
}

return { bytesOf, sizeOf };
})();
