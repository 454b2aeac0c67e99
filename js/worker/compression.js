// The Compression standard's streams (https://compression.spec.whatwg.org/), in steps between which a script can be stopped:
// deno_web's decode a whole chunk at once, however much it holds.
(function () {
const { core, primordials } = __bootstrap;
const { op_coder_close, op_coder_finish, op_coder_new, op_coder_read, op_coder_write } = core.ops;
const {
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray,
  TypeError,
  Uint8Array,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { markBytes, NO_BYTES } = core.loadExtScript("ext:workerd_lite/worker/stream_kinds.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { TransformStream } = core.loadExtScript("ext:deno_web/06_streams.js");

// How much is coded at once, in bytes.
const STEP = 64 * 1024;
// Bytes of gzip's header, the longest (RFC 1952 2.3, without optional fields).
const LONGEST_HEADER = 10;

webidl.converters.CompressionFormat = webidl.createEnumConverter(
  "CompressionFormat",
  ["deflate", "deflate-raw", "gzip", "brotli"],
);

// Text is its UTF-8, as on Workers. Shared buffers are refused, as the standard has it.
function bytesOf(chunk, prefix) {
  if (typeof chunk === "string") return core.encode(chunk);
  if (!isBufferSource(chunk)) throw new TypeError(NO_BYTES);
  return view(webidl.converters.BufferSource(chunk, prefix, "chunk"));
}

function give(controller, piece) {
  const some = TypedArrayPrototypeGetByteLength(piece) > 0;
  if (some) controller.enqueue(piece);
  return some;
}

// The standard leaves the queues to the implementation. A writer that awaits each write, and reads only then, must get on.
const readable = {
  __proto__: null,
  highWaterMark: 256 * 1024,
  size: (piece) => TypedArrayPrototypeGetByteLength(piece),
};

function newTransform(format, decode, prefix) {
  const coder = op_coder_new(
    currentContext()?.id ?? 0,
    webidl.converters.CompressionFormat(format, prefix, "Argument 1"),
    decode,
  );
  // A header alone is no chunk: it comes with the data behind it.
  let header = decode ? undefined : null;
  const encoded = (controller, piece, last) => {
    const length = TypedArrayPrototypeGetByteLength(piece);
    if (header === null && !last && length <= LONGEST_HEADER) {
      if (length > 0) header = piece;
    } else if (header && (length > 0 || last)) {
      const whole = new Uint8Array(TypedArrayPrototypeGetByteLength(header) + length);
      TypedArrayPrototypeSet(whole, header);
      TypedArrayPrototypeSet(whole, piece, TypedArrayPrototypeGetByteLength(header));
      header = undefined;
      give(controller, whole);
    } else {
      if (length > 0) header = undefined;
      give(controller, piece);
    }
  };
  const made = new TransformStream({
    transform(chunk, controller) {
      const bytes = bytesOf(chunk, prefix);
      const length = TypedArrayPrototypeGetByteLength(bytes);
      for (let start = 0; start < length; start += STEP) {
        encoded(controller, op_coder_write(coder, TypedArrayPrototypeSubarray(bytes, start, start + STEP)), false);
        if (decode) while (give(controller, op_coder_read(coder)));
      }
    },
    flush(controller) {
      encoded(controller, op_coder_finish(coder), true);
    },
    cancel() {
      op_coder_close(coder);
    },
  }, undefined, readable);
  markBytes(made.writable);
  return made;
}

class CompressionStream {
  #transform;

  constructor(format) {
    const prefix = "Failed to construct 'CompressionStream'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    this.#transform = newTransform(format, false, prefix);
    this[webidl.brand] = webidl.brand;
  }

  get readable() {
    return this.#transform.readable;
  }

  get writable() {
    return this.#transform.writable;
  }
}
webidl.configureInterface(CompressionStream);

class DecompressionStream {
  #transform;

  constructor(format) {
    const prefix = "Failed to construct 'DecompressionStream'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    this.#transform = newTransform(format, true, prefix);
    this[webidl.brand] = webidl.brand;
  }

  get readable() {
    return this.#transform.readable;
  }

  get writable() {
    return this.#transform.writable;
  }
}
webidl.configureInterface(DecompressionStream);

return { CompressionStream, DecompressionStream };
})();
