// The two streams that Workers add to the standard's.
// https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  Number,
  NumberIsSafeInteger,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypeError,
  Uint8Array,
} = primordials;
const { TransformStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const { get: readableOf } = ObjectGetOwnPropertyDescriptor(TransformStream.prototype, "readable");
const { setKnownLength } = core.loadExtScript("ext:workerd_lite/fetch/body.js");

function bytesOf(chunk) {
  if (core.isAnyArrayBuffer(chunk)) return new Uint8Array(chunk);
  if (!ArrayBufferIsView(chunk)) {
    throw new TypeError("This TransformStream is being used as a byte stream, but received a chunk that is no buffer");
  }
  if (TypedArrayPrototypeGetSymbolToStringTag(chunk) !== undefined) {
    return new Uint8Array(
      TypedArrayPrototypeGetBuffer(chunk),
      TypedArrayPrototypeGetByteOffset(chunk),
      TypedArrayPrototypeGetByteLength(chunk),
    );
  }
  return new Uint8Array(
    DataViewPrototypeGetBuffer(chunk),
    DataViewPrototypeGetByteOffset(chunk),
    DataViewPrototypeGetByteLength(chunk),
  );
}

class IdentityTransformStream extends TransformStream {
  constructor() {
    super({ transform: (chunk, controller) => controller.enqueue(bytesOf(chunk)) });
  }
}

class FixedLengthStream extends TransformStream {
  constructor(expectedLength) {
    const expected = Number(expectedLength);
    if (!NumberIsSafeInteger(expected) || expected < 0) {
      throw new TypeError("FixedLengthStream requires a non-negative integer length");
    }
    let seen = 0;
    super({
      transform(chunk, controller) {
        const bytes = bytesOf(chunk);
        seen += TypedArrayPrototypeGetByteLength(bytes);
        if (seen > expected) throw new TypeError("Attempt to write too many bytes through a FixedLengthStream.");
        controller.enqueue(bytes);
      },
      flush() {
        if (seen < expected) throw new TypeError("FixedLengthStream did not see all expected bytes before close().");
      },
    });
    // An author's class may have a `readable` of its own.
    setKnownLength(ReflectApply(readableOf, this, []), expected);
  }
}

return { FixedLengthStream, IdentityTransformStream };
})();
