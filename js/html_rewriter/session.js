// One document on its way through HTMLRewriter: what the parser stops for, and what is done then.
(function () {
const { core, primordials } = __bootstrap;
const {
  op_rewriter_close,
  op_rewriter_continue,
  op_rewriter_finish,
  op_rewriter_new,
  op_rewriter_output,
  op_rewriter_piece,
  op_rewriter_write,
} = core.ops;
const {
  ArrayBufferIsView,
  ArrayPrototypePop,
  ArrayPrototypePush,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  MathFloor,
  MathMax,
  MathMin,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  ReflectApply,
  SafeMap,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSubarray,
  TypeError,
  Uint32Array,
  Uint8Array,
} = primordials;
const { acquireReadableStreamDefaultReader, ReadableStreamDefaultReader, readableStreamDisturb } = core.loadExtScript("ext:deno_web/06_streams.js");
const { Response, ResponsePrototype } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { compatibility } = core.loadExtScript("ext:workerd_lite/worker/compatibility.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { end, newToken } = core.loadExtScript("ext:workerd_lite/html_rewriter/tokens.js");

const { get: bodyOf } = ObjectGetOwnPropertyDescriptor(Response.prototype, "body");
const { cancel: cancelReader, read: readFrom } = ReadableStreamDefaultReader.prototype;

// How many bytes the parser is given at once, at most and at least: each selector is looked at for each element.
const MOST = 64 * 1024;
const LEAST = 1024;

const NAMES = [undefined, "element", "comments", "text", "doctype", "end"];
const END_TAG = 6;
const CONTENT = 7;
const ENDED = 8;
const BITS = 2 ** 32;

function bytesOf(chunk) {
  if (typeof chunk === "string") return core.encode(chunk);
  if (typeof chunk === "object" && chunk !== null && (core.isAnyArrayBuffer(chunk) || ArrayBufferIsView(chunk))) return view(chunk);
  throw new TypeError("HTMLRewriter takes a stream of bytes, and received a chunk that is none");
}

function nothing() {}

class Session {
  #handlers;
  #reader;
  #step;
  // What was read and not yet given to the parser.
  #rest = new Uint8Array(0);
  #endTags = [];
  #freeEndTags = [];
  #streams = new SafeMap();
  #lastStream = 0;
  rid;

  // `handlers` are those of each `on()` and `onDocument()`; `body` is the document's stream.
  constructor(handlers, body, charset) {
    const selectors = [];
    const handles = new Uint32Array(handlers.length);
    for (let i = 0; i < handlers.length; i++) {
      ArrayPrototypePush(selectors, handlers[i].selector);
      handles[i] = handlers[i].handles;
    }
    this.#handlers = handlers;
    this.#step = MathMax(LEAST, MathFloor(MOST / (1 + MathFloor(handlers.length / 16))));
    this.rid = op_rewriter_new(currentContext()?.id ?? 0, charset, compatibility.esiIncludeIsVoid, selectors, handles);
    this.#reader = acquireReadableStreamDefaultReader(body);
    // The response whose body it was is used from here on, whether anybody reads the new one or not.
    readableStreamDisturb(body);
  }

  addStream(content) {
    this.#lastStream++;
    MapPrototypeSet(this.#streams, this.#lastStream, content);
    return this.#lastStream;
  }

  addEndTag(handler) {
    const number = ArrayPrototypePop(this.#freeEndTags) ?? this.#endTags.length;
    this.#endTags[number] = handler;
    return number;
  }

  takeEndTag(number) {
    const handler = this.#endTags[number];
    this.#endTags[number] = undefined;
    ArrayPrototypePush(this.#freeEndTags, number);
    return handler;
  }

  // The next piece of the new document; null at its end. What a handler throws ends it.
  async next() {
    try {
      for (;;) {
        if (this.#rest === null) return null;
        const ended = await this.#advance();
        const piece = op_rewriter_output(this.rid);
        if (ended) this.#rest = null;
        if (TypedArrayPrototypeGetByteLength(piece) > 0) return piece;
      }
    } catch (error) {
      this.close();
      this.#cancel(error);
      throw error;
    }
  }

  // Gives the parser a little more. Whether that was the last.
  async #advance() {
    let length = TypedArrayPrototypeGetByteLength(this.#rest);
    if (length === 0) {
      const { done, value } = await ReflectApply(readFrom, this.#reader, []);
      if (done) {
        const ended = await this.#serve(op_rewriter_finish(this.rid));
        return ended;
      }
      this.#rest = bytesOf(value);
      length = TypedArrayPrototypeGetByteLength(this.#rest);
      if (length === 0) return false;
    }
    const count = MathMin(this.#step, length);
    const piece = TypedArrayPrototypeSubarray(this.#rest, 0, count);
    this.#rest = TypedArrayPrototypeSubarray(this.#rest, count);
    const told = op_rewriter_write(this.rid, piece);
    // Mostly there is nothing to wait for.
    return told === 0 ? false : await this.#serve(told);
  }

  // Calls handlers until the parser wants more, or has ended.
  async #serve(told) {
    for (;;) {
      const kind = MathFloor(told / BITS);
      if (kind === 0) return false;
      if (kind === ENDED) return true;
      const number = told % BITS;
      if (kind === CONTENT) {
        told = await this.#content(number);
        continue;
      }
      const token = newToken(kind, this);
      try {
        const result = this.#call(kind, number, token);
        if (typeof result === "object" && result !== null) await result;
      } finally {
        end(token);
      }
      told = op_rewriter_continue(this.rid);
    }
  }

  #call(kind, number, token) {
    if (kind === END_TAG) return ReflectApply(this.takeEndTag(number), undefined, [token]);
    const { own, self } = this.#handlers[number];
    return ReflectApply(own[NAMES[kind]], self, [token]);
  }

  // Gives the parser what a stream has.
  async #content(number) {
    let stream = MapPrototypeGet(this.#streams, number);
    MapPrototypeDelete(this.#streams, number);
    if (ObjectPrototypeIsPrototypeOf(ResponsePrototype, stream)) stream = ReflectApply(bodyOf, stream, []);
    if (stream === null) return op_rewriter_continue(this.rid);
    const reader = acquireReadableStreamDefaultReader(stream);
    for (;;) {
      const { done, value } = await ReflectApply(readFrom, reader, []);
      if (done) return op_rewriter_continue(this.rid);
      const bytes = bytesOf(value);
      const length = TypedArrayPrototypeGetByteLength(bytes);
      for (let start = 0; start < length; start += MOST) {
        op_rewriter_piece(this.rid, TypedArrayPrototypeSubarray(bytes, start, MathMin(start + MOST, length)));
      }
    }
  }

  close() {
    op_rewriter_close(this.rid);
  }

  #cancel(reason) {
    // Whoever gives the document hears it; what it says to that is for nobody.
    PromisePrototypeThen(ReflectApply(cancelReader, this.#reader, [reason]), nothing, nothing);
  }

  cancel(reason) {
    this.close();
    return ReflectApply(cancelReader, this.#reader, [reason]);
  }
}

return { Session };
})();
