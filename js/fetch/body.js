// Bodies that stay in Rust until a script looks at them.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_collect } = core.ops;
const {
  ObjectPrototypeIsPrototypeOf,
  SafeWeakMap,
  TypeError,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const { InnerBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
const {
  acquireReadableStreamDefaultReader,
  createReadableStream,
  getReadableStreamResourceBacking,
  isReadableStreamDisturbed,
  readableStreamClose,
  readableStreamDisturb,
  readableStreamForRid,
  ReadableStreamPrototype,
  resourceForReadableStream,
} = core.loadExtScript("ext:deno_web/06_streams.js");

// Lengths that FixedLengthStream promises for its readable side.
const knownLengths = new SafeWeakMap();

function setKnownLength(stream, length) {
  WeakMapPrototypeSet(knownLengths, stream, length);
}

function usedStream() {
  const stream = createReadableStream(() => {}, () => {}, async () => {}, 0);
  acquireReadableStreamDefaultReader(stream);
  readableStreamDisturb(stream);
  readableStreamClose(stream);
  return stream;
}

// deno_fetch reads and writes `streamOrStatic`; a stream is made at the first look, and none at all for a body that
// is only handed on or read whole.
class ResourceBody extends InnerBody {
  #rid = null;
  #made = null;

  static of(rid) {
    const body = new ResourceBody(null);
    body.#rid = rid;
    return body;
  }

  get streamOrStatic() {
    if (this.#made === null) {
      this.#made = this.#rid === null ? usedStream() : readableStreamForRid(this.#rid);
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

  consume() {
    if (this.#rid === null) return super.consume();
    const rid = this.take();
    return op_body_collect(rid);
  }

  cancel(reason) {
    if (this.#rid === null) return super.cancel(reason);
    core.tryClose(this.take());
  }

  createProxy() {
    if (this.#rid === null) return super.createProxy();
    return ResourceBody.of(this.take());
  }

  // The resource, for whoever takes the whole body; null where a script has seen the stream.
  take() {
    const rid = this.#rid;
    this.#rid = null;
    return rid;
  }
}

function unusable() {
  return new TypeError("Body has already been used: it can be read or sent only once");
}

// What an op takes as a body: null, a string, a Uint8Array or a resource id. The body counts as used from here on.
function takeBody(body) {
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
  const backing = getReadableStreamResourceBacking(stream);
  if (backing) {
    acquireReadableStreamDefaultReader(stream);
    readableStreamDisturb(stream);
    return backing.rid;
  }
  return resourceForReadableStream(stream, WeakMapPrototypeGet(knownLengths, stream));
}

return { ResourceBody, setKnownLength, takeBody };
})();
