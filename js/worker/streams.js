// The two streams that Workers add to the standard's, and what readers have there.
// https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  MathCeil,
  MathFloor,
  MathMax,
  MathMin,
  MathTrunc,
  Number,
  NumberIsNaN,
  NumberIsSafeInteger,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  PromiseWithResolvers,
  RangeError,
  ReflectApply,
  SymbolToStringTag,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray,
  TypeError,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const {
  _closeRequested,
  _controller,
  _queueTotalSize,
  _readable,
  _stream,
  _writable,
  createReadableByteStream,
  createWritableStream,
  readableByteStreamControllerClose,
  readableByteStreamControllerEnqueue,
  readableByteStreamControllerError,
  readableByteStreamControllerGetBYOBRequest,
  readableByteStreamControllerRespond,
  readableStreamGetNumReadRequests,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  readableStreamHasDefaultReader,
  TransformStream,
  writableStreamDefaultControllerErrorIfNeeded,
} = core.loadExtScript("ext:deno_web/06_streams.js");
const { copyOf, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { bytesOf, sizeOf } = core.loadExtScript("ext:workerd_lite/worker/written.js");
const { markBytes } = core.loadExtScript("ext:workerd_lite/worker/stream_kinds.js");
const { setKnownLength } = core.loadExtScript("ext:workerd_lite/fetch/body.js");

const { get: viewOf } = ObjectGetOwnPropertyDescriptor(ReadableStreamBYOBRequest.prototype, "view");
const { read } = ReadableStreamBYOBReader.prototype;

// A pair without a queue: a write ends when its bytes were read, into the reader's own buffer where it has one.
class Identity {
  readable;
  writable;
  #expected;
  #seen = 0;
  // What a write has left for the next reads, and the end of that write.
  #waiting = null;
  #written = null;

  constructor(expected, highWaterMark) {
    this.#expected = expected;
    this.readable = createReadableByteStream(
      () => {},
      () => this.#give(),
      (reason) => this.#cancel(reason),
    );
    const counted = highWaterMark !== undefined;
    this.writable = createWritableStream(
      () => {},
      (chunk) => this.#write(chunk),
      () => this.#close(),
      (reason) => this.#abort(reason),
      counted ? highWaterMark : 1,
      counted ? sizeOf : () => 1,
    );
  }

  get #controller() {
    return this.readable[_controller];
  }

  #give() {
    while (this.#waiting !== null) {
      const bytes = this.#waiting;
      const request = readableByteStreamControllerGetBYOBRequest(this.#controller);
      if (request !== null) {
        const into = ReflectApply(viewOf, request, []);
        const count = MathMin(TypedArrayPrototypeGetByteLength(into), TypedArrayPrototypeGetByteLength(bytes));
        TypedArrayPrototypeSet(into, TypedArrayPrototypeSubarray(bytes, 0, count));
        this.#take(bytes, count);
        readableByteStreamControllerRespond(this.#controller, count);
      } else if (readableStreamHasDefaultReader(this.readable) && readableStreamGetNumReadRequests(this.readable) > 0) {
        this.#take(bytes, TypedArrayPrototypeGetByteLength(bytes));
        readableByteStreamControllerEnqueue(this.#controller, copyOf(bytes));
      } else {
        return;
      }
    }
  }

  #take(bytes, count) {
    if (count < TypedArrayPrototypeGetByteLength(bytes)) {
      this.#waiting = TypedArrayPrototypeSubarray(bytes, count);
      return;
    }
    this.#waiting = null;
    this.#written.resolve();
  }

  #fail(error) {
    readableByteStreamControllerError(this.#controller, error);
    return PromiseReject(error);
  }

  #write(chunk) {
    let bytes;
    try {
      bytes = bytesOf(chunk);
    } catch (error) {
      return this.#fail(error);
    }
    const length = TypedArrayPrototypeGetByteLength(bytes);
    this.#seen += length;
    if (this.#seen > this.#expected) {
      return this.#fail(new TypeError("Attempt to write too many bytes through a FixedLengthStream."));
    }
    if (length === 0) return PromiseResolve();
    this.#waiting = bytes;
    this.#written = PromiseWithResolvers();
    const { promise } = this.#written;
    this.#give();
    return promise;
  }

  #close() {
    if (this.#expected !== Infinity && this.#seen < this.#expected) {
      return this.#fail(new TypeError("FixedLengthStream did not see all expected bytes before close()."));
    }
    try {
      readableByteStreamControllerClose(this.#controller);
      if (readableByteStreamControllerGetBYOBRequest(this.#controller) !== null) {
        readableByteStreamControllerRespond(this.#controller, 0);
      }
    } catch (error) {
      return PromiseReject(error);
    }
    return PromiseResolve();
  }

  #abort(reason) {
    readableByteStreamControllerError(this.#controller, reason);
    return PromiseResolve();
  }

  #cancel(reason) {
    writableStreamDefaultControllerErrorIfNeeded(this.writable[_controller], reason);
    if (this.#waiting !== null) {
      this.#waiting = null;
      this.#written.reject(reason);
    }
    return PromiseResolve();
  }
}

function highWaterMarkOf(options) {
  const { highWaterMark } = options ?? {};
  if (highWaterMark === undefined) return undefined;
  const mark = Number(highWaterMark);
  if (!(mark >= 0)) throw new RangeError("highWaterMark must be a number that is not negative");
  return mark;
}

function setUp(stream, expected, options) {
  const { readable, writable } = new Identity(expected, highWaterMarkOf(options));
  markBytes(writable);
  stream[_readable] = readable;
  stream[_writable] = writable;
}

class IdentityTransformStream extends TransformStream {
  constructor(options) {
    // The base class makes no streams of its own for this.
    super(webidl.brand);
    if (options !== webidl.brand) setUp(this, Infinity, options);
  }
}

ObjectDefineProperty(IdentityTransformStream.prototype, SymbolToStringTag, { __proto__: null, value: "IdentityTransformStream", configurable: true });

class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength, options) {
    const expected = MathTrunc(Number(expectedLength));
    // The same words as workerd's.
    if (expected < 0) throw new TypeError("The value cannot be converted because it is negative and this API expects a positive bigint.");
    if (NumberIsNaN(expected)) throw new TypeError("The value cannot be converted because it is not an integer.");
    if (!NumberIsSafeInteger(expected)) throw new TypeError("FixedLengthStream requires an integer expected length less than 2^53.");
    super(webidl.brand);
    setUp(this, expected, options);
    setKnownLength(this[_readable], expected);
  }
}

ObjectDefineProperty(FixedLengthStream.prototype, SymbolToStringTag, { __proto__: null, value: "FixedLengthStream", configurable: true });

// How many bytes an element of a view has.
function elementSize(into) {
  if (TypedArrayPrototypeGetSymbolToStringTag(into) === undefined) return 1;
  const length = TypedArrayPrototypeGetLength(into);
  return length === 0 ? 1 : TypedArrayPrototypeGetByteLength(into) / length;
}

// A stream's end before that many bytes gives what there is, and only the next read is `done`.
function notDone(result) {
  const { done, value } = result;
  const some = done && value !== undefined && TypedArrayPrototypeGetByteLength(view(value)) > 0;
  return { done: done && !some, value };
}

// How many bytes are left to a reader whose stream gets no more; Infinity where more may come.
function lastOf(reader) {
  if (!ObjectPrototypeIsPrototypeOf(ReadableStreamBYOBReader.prototype, reader)) return Infinity;
  const controller = reader[_stream]?.[_controller];
  return controller?.[_closeRequested] === true ? controller[_queueTotalSize] : Infinity;
}

const { readAtLeast } = {
  readAtLeast(minBytes, into) {
    const least = Number(minBytes);
    if (!NumberIsSafeInteger(least) || least <= 0) {
      return PromiseReject(new TypeError(`Requested invalid minimum number of bytes to read (${NumberIsSafeInteger(least) ? least : 0}).`));
    }
    if (!ArrayBufferIsView(into)) return PromiseReject(new TypeError("readAtLeast() reads into a view of an ArrayBuffer"));
    const size = TypedArrayPrototypeGetByteLength(view(into));
    if (least > size) {
      return PromiseReject(new TypeError(`Minimum bytes to read (${least}) exceeds size of buffer (${size}).`));
    }
    const element = elementSize(into);
    const min = MathMin(MathCeil(least / element), MathMax(MathFloor(lastOf(this) / element), 1));
    return PromisePrototypeThen(ReflectApply(read, this, [into, { __proto__: null, min }]), notDone);
  },
};

function defineReaders() {
  ObjectDefineProperty(ReadableStreamBYOBReader.prototype, "readAtLeast", {
    __proto__: null,
    value: readAtLeast,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

return { defineReaders, FixedLengthStream, IdentityTransformStream };
})();
