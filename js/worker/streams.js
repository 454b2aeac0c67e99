// The two streams that Workers add to the standard's.
// https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/
(function () {
const { core, primordials } = __bootstrap;
const {
  Number,
  NumberIsSafeInteger,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
  TypedArrayPrototypeGetByteLength,
  TypeError,
} = primordials;
const { TransformStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const { get: readableOf } = ObjectGetOwnPropertyDescriptor(TransformStream.prototype, "readable");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { setKnownLength } = core.loadExtScript("ext:workerd_lite/fetch/body.js");

function bytesOf(chunk) {
  if (!isBufferSource(chunk)) {
    throw new TypeError("This TransformStream is being used as a byte stream, but received a chunk that is no buffer");
  }
  return view(chunk);
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
