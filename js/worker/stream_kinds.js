// What a stream to write takes: bytes, where it is one of Workers' own, or any chunks.
(function () {
const { primordials } = __bootstrap;
const { SafeWeakSet, WeakSetPrototypeAdd, WeakSetPrototypeHas } = primordials;

const ofBytes = new SafeWeakSet();

function markBytes(writable) {
  WeakSetPrototypeAdd(ofBytes, writable);
}

function expectsBytes(writable) {
  return WeakSetPrototypeHas(ofBytes, writable);
}

// The same words as workerd's.
const NO_BYTES = "This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView " +
  "type on its writable side.";

return { expectsBytes, markBytes, NO_BYTES };
})();
