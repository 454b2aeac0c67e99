// Bodies that stay in Rust until a script looks at them.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_collect, op_body_failed, op_body_length, op_body_raw } = core.ops;
const {
  BigInt,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  PromiseReject,
  SafeWeakMap,
  TypedArrayPrototypeGetByteLength,
  TypeError,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const { InnerBody, staticLengthOf, takeStaticBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
const {
  _state,
  acquireReadableStreamDefaultReader,
  createReadableStream,
  expectedLengthOf,
  getReadableStreamResourceBacking,
  isReadableStreamDisturbed,
  readableStreamClose,
  readableStreamDisturb,
  readableStreamError,
  readableStreamForRid,
  ReadableStreamPrototype,
  resourceForReadableStream,
  setUnwritten,
} = core.loadExtScript("ext:deno_web/06_streams.js");

// A body of unknown length.
const UNKNOWN = -1;

// Lengths that FixedLengthStream promises for its readable side.
const knownLengths = new SafeWeakMap();

function setKnownLength(stream, length) {
  WeakMapPrototypeSet(knownLengths, stream, length);
}

// Streams whose bodies have trailers: what makes of the resource of such a body that of the body with them.
const trailing = new SafeWeakMap();

function setTrailing(stream, follow) {
  WeakMapPrototypeSet(trailing, stream, follow);
}

// How many bytes a stream has, where that is known: a BigInt, as workerd has it.
function lengthOf(stream) {
  const length = WeakMapPrototypeGet(knownLengths, stream) ?? staticLengthOf(stream) ?? expectedLengthOf(stream);
  return length === undefined ? undefined : BigInt(length);
}

function usedStream() {
  const stream = createReadableStream(() => {}, () => {}, async () => {}, 0);
  acquireReadableStreamDefaultReader(stream);
  readableStreamDisturb(stream);
  readableStreamClose(stream);
  return stream;
}

function failedStream(reason) {
  const stream = createReadableStream(() => {}, () => {}, async () => {}, 0);
  readableStreamError(stream, reason);
  return stream;
}

// deno_fetch reads and writes `streamOrStatic`; a stream is made at the first look, and none at all for a body that
// is only handed on or read whole.
class ResourceBody extends InnerBody {
  #rid = null;
  #made = null;
  // The stream over the resource, also where a branch of it has taken its place.
  #origin = null;
  // The resource that is read whole at the moment.
  #collecting = null;
  #signal = null;

  // `signal` covers the body: where it is aborted, see `abort()`.
  static of(rid, signal = null) {
    const body = new ResourceBody(null);
    body.#rid = rid;
    body.#signal = signal;
    return body;
  }

  get streamOrStatic() {
    if (this.#made === null) {
      if (this.#rid === null) {
        this.#made = usedStream();
      } else {
        // Clones keep it, and so does the body that a branch is sent as.
        const length = op_body_length(this.#rid);
        this.#made = this.#origin = readableStreamForRid(this.#rid);
        if (length !== UNKNOWN) {
          this.length = length;
          setKnownLength(this.#origin, length);
        }
      }
      this.#rid = null;
    }
    return this.#made;
  }

  set streamOrStatic(value) {
    // The base constructor assigns before this class's fields exist.
    if (#made in this) this.#made = value;
  }

  unusable() {
    return this.#rid === null ? super.unusable() : false;
  }

  consumed() {
    return this.#rid === null ? super.consumed() : false;
  }

  // How many bytes there are, where that is known: undefined where it is not, or where a script has looked at the body.
  rawLength() {
    const length = this.#rid === null ? UNKNOWN : op_body_length(this.#rid);
    return length === UNKNOWN ? undefined : length;
  }

  consume() {
    if (this.#rid === null) return this.#orReason(super.consume());
    const rid = this.take();
    if (this.#signal === null) return op_body_collect(rid);
    this.#collecting = rid;
    return this.#orReason(op_body_collect(rid));
  }

  // A read of Rust's says only that the body is gone. Whoever reads wants the reason of the signal.
  #orReason(reading) {
    const signal = this.#signal;
    if (signal === null) return reading;
    return PromisePrototypeThen(reading, undefined, (error) => PromiseReject(signal.aborted ? signal.reason : error));
  }

  // The signal that covers the body was aborted: every read of it fails with the reason, whoever reads, and what sends it
  // is told that nobody wants it. What Rust hands on ends by itself.
  abort(reason) {
    if (this.#rid !== null) {
      const rid = this.#rid;
      this.#rid = null;
      this.#made = failedStream(reason);
      core.tryClose(rid);
    } else if (this.#origin !== null) {
      const backing = getReadableStreamResourceBacking(this.#origin);
      if (this.#origin[_state] === "readable") readableStreamError(this.#origin, reason);
      core.tryClose(backing.rid);
    } else if (this.#collecting !== null) {
      core.tryClose(this.#collecting);
    }
  }

  cancel(reason) {
    if (this.#rid === null) return super.cancel(reason);
    core.tryClose(this.take());
  }

  createProxy() {
    if (this.#rid === null) return super.createProxy();
    return ResourceBody.of(this.take());
  }

  // Whoever reads it gets its bytes as they are on the wire, if nobody has looked at it.
  keepCoding() {
    if (this.#rid !== null) op_body_raw(this.#rid);
  }

  // The resource, for whoever takes the whole body; null where a script has seen the stream.
  take() {
    const rid = this.#rid;
    this.#rid = null;
    return rid;
  }
}

// Whoever reads it has an error: what came of it is not all.
setUnwritten((words, event) => op_body_failed(`Error: ${words}`, event));

function unusable() {
  return new TypeError("Body has already been used. It can only be used once. Use tee() first if you need to read it twice.");
}

// How many bytes a body has, where that is known.
function knownLength(body) {
  const length = ObjectPrototypeIsPrototypeOf(ResourceBody.prototype, body) ? body.rawLength() : undefined;
  if (length !== undefined) return length;
  if (body.length !== null && body.length !== undefined) return body.length;
  const stream = body.streamOrStatic;
  if (ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, stream)) return lengthOf(stream);
  return TypedArrayPrototypeGetByteLength(typeof stream.body === "string" ? core.encode(stream.body) : stream.body);
}

// What an op takes as a body: null, a string, a Uint8Array or a resource id. The body counts as used from here on. `onError` is told what a stream
// failed with.
function takeBody(body, onError = undefined) {
  if (body === null) return null;
  if (ObjectPrototypeIsPrototypeOf(ResourceBody.prototype, body)) {
    const rid = body.take();
    if (rid !== null) return rid;
  }
  const stream = body.streamOrStatic;
  if (!ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, stream)) {
    if (stream.consumed) throw unusable();
    stream.consumed = true;
    return stream.body;
  }
  if (stream.locked || isReadableStreamDisturbed(stream)) throw unusable();
  const whole = takeStaticBody(stream);
  if (whole !== undefined) return whole;
  const backing = getReadableStreamResourceBacking(stream);
  if (backing) {
    acquireReadableStreamDefaultReader(stream);
    readableStreamDisturb(stream);
    return backing.rid;
  }
  const length = body.length ?? WeakMapPrototypeGet(knownLengths, stream) ?? expectedLengthOf(stream);
  const rid = resourceForReadableStream(stream, length, onError);
  const follow = WeakMapPrototypeGet(trailing, stream);
  return follow === undefined ? rid : follow(rid);
}

return { failedStream, knownLength, lengthOf, ResourceBody, setKnownLength, setTrailing, takeBody, unusable };
})();
