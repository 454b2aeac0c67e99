// https://nodejs.org/docs/latest-v22.x/api/http2.html#class-clienthttp2stream: one request of a session, and its answer. It is performed by the worker's own
// fetch(), in the event that makes it.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_trailers, op_trailers_follow, op_trailers_say } = core.ops;
const {
  ArrayPrototypePush,
  ObjectAssign,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeSlice,
  Uint8Array,
} = primordials;
const { Duplex } = core.loadExtScript("ext:deno_node/stream.ts");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const {
  AbortError,
  ERR_HTTP2_INVALID_STREAM,
  ERR_HTTP2_STREAM_CANCEL,
  ERR_HTTP2_STREAM_ERROR,
  ERR_HTTP2_TRAILERS_ALREADY_SENT,
  ERR_HTTP2_TRAILERS_NOT_READY,
} = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateAbortSignal, validateFunction, validateInteger } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { resourceForReadableStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const abortSignal = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { exchange } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { joinHeaders, parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { exception } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { whole } = core.loadExtScript("ext:workerd_lite/node/net/bytes.js");
const { BodyStream } = core.loadExtScript("ext:workerd_lite/node/net/body_stream.js");
const { constants, errorName } = core.loadExtScript("ext:workerd_lite/node/http2/constants.js");
const { received, trailersOf } = core.loadExtScript("ext:workerd_lite/node/http2/headers.js");
const { Idle } = core.loadExtScript("ext:workerd_lite/node/http2/idle.js");

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_HEADERS, NGHTTP2_FLAG_END_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;
const PIECE = 64 << 10;

// What listeners throw is nobody's to catch, as in Node.
function tell(stream, ...event) {
  try {
    stream.emit(...event);
  } catch (thrown) {
    exception(thrown);
  }
}

// What a stream is made of, behind it: no script reaches it.
class Call {
  request;
  context;
  cancel = core.createCancelHandle();
  idle;
  // The request's body: its pieces before it is performed, then a stream; null where there is none.
  pieces = [];
  body = null;
  // The trailers that a script will say, while it has not.
  trailers = null;
  written = false;
  started = false;
  // The answer's.
  rid = null;
  reading = false;
  wanted = false;
  ended = false;
  onAbort = null;

  constructor(request, context) {
    this.request = request;
    this.context = context;
  }
}

// Made by sessions alone.
class ClientHttp2Stream extends Duplex {
  #call;
  #session;
  #id;
  #rstCode = NGHTTP2_NO_ERROR;
  #closed = false;
  #aborted = false;
  #responded = false;
  #waitsForTrailers = false;
  endAfterHeaders;
  sentHeaders;
  sentTrailers = undefined;

  constructor(session, id, request, options) {
    super({ allowHalfOpen: true, autoDestroy: true, decodeStrings: true, emitClose: true });
    const call = this.#call = new Call(request, requireContext());
    this.#session = session;
    this.#id = id;
    call.idle = new Idle(this);
    this.sentHeaders = request.sent;
    const bodiless = request.method === "GET" || request.method === "HEAD" || request.method === "DELETE";
    this.endAfterHeaders = options.endStream ?? bodiless;
    if (this.endAfterHeaders) this.end();
    else this.#waitsForTrailers = options.waitForTrailers === true;
    const { signal } = options;
    if (signal !== undefined) {
      validateAbortSignal(signal, "options.signal");
      call.onAbort = () => this.destroy(new AbortError(undefined, { cause: signal.reason }));
      if (signal.aborted) call.onAbort();
      else signal[abortSignal.add](call.onAbort);
      this.once("close", () => signal[abortSignal.remove](call.onAbort));
    }
    // What is written at once is a whole body.
    nextTick(() => this.#perform());
  }

  async #perform() {
    const call = this.#call;
    if (this.destroyed) return;
    call.started = true;
    tell(this, "ready");
    if (call.request.sent.expect === "100-continue") tell(this, "continue");
    let body = null;
    if (!this.endAfterHeaders) {
      if (!this.#waitsForTrailers && (this.writableFinished || this.writableEnded && this.writableLength === 0)) {
        body = whole(call.pieces);
      } else {
        call.body = new BodyStream(() => this.#unwanted());
        for (let i = 0; i < call.pieces.length; i++) call.body.add(call.pieces[i]);
        body = resourceForReadableStream(call.body.stream);
        if (this.#waitsForTrailers) {
          const { 0: trailed, 1: trailers } = op_trailers_follow(call.context.id, body, joinHeaders(call.request.list));
          body = trailed;
          call.trailers = trailers;
          if (call.written) this.#wantTrailers();
        }
      }
    }
    call.pieces = [];
    const { list, method, url } = call.request;
    let answer;
    try {
      answer = await exchange(call.context, call.cancel, method, url, list, body);
    } catch (error) {
      if (!this.destroyed) this.#session.failed(this, error);
      return;
    }
    if (this.destroyed) {
      if (answer.rid !== null) core.tryClose(answer.rid);
      return;
    }
    call.idle.touch();
    this.#responded = true;
    const { headers, raw } = received(answer.headers, answer.status);
    const none = answer.rid === null || answer.length === 0;
    call.rid = answer.rid;
    this.#session.answered();
    tell(this, "response", headers, NGHTTP2_FLAG_END_HEADERS | (none ? NGHTTP2_FLAG_END_STREAM : 0), raw);
    if (this.destroyed) return;
    if (none) this.#end();
    // Who reads has asked already, or does when it wants to.
    else if (call.wanted) this._read();
  }

  // Nobody takes the rest of what it sends.
  #unwanted() {
    if (this.#call.ended && !this.destroyed) this.close();
  }

  _read() {
    const call = this.#call;
    call.wanted = true;
    if (call.rid === null || call.reading || call.ended) return;
    call.reading = true;
    call.wanted = false;
    this.#pull(call);
  }

  async #pull(call) {
    try {
      for (;;) {
        const room = new Uint8Array(PIECE);
        const length = await core.read(call.rid, room);
        if (this.destroyed || call.ended) return;
        call.idle.touch();
        if (length === 0) return this.#end();
        const kept = length < PIECE / 2 ? TypedArrayPrototypeSlice(room, 0, length) : room;
        const piece = Buffer.from(TypedArrayPrototypeGetBuffer(kept), 0, length);
        if (!this.push(piece)) break;
      }
      call.reading = false;
    } catch (error) {
      if (!this.destroyed) this.#session.broken(this, error);
    }
  }

  // The answer is whole: what follows it is said before its end.
  #end() {
    const call = this.#call;
    call.ended = true;
    const { rid } = call;
    if (rid !== null) {
      const trailers = op_body_trailers(rid);
      core.tryClose(rid);
      call.rid = null;
      if (trailers !== "") {
        const { headers, raw } = received(parseHeaders(trailers));
        tell(this, "trailers", headers, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, raw);
      }
    }
    if (!this.destroyed) this.#finish();
  }

  // A reader that has paused it, and has nothing left to read, hears of the end too.
  #finish() {
    this.push(null);
    this.read(0);
  }

  _write(chunk, _encoding, done) {
    const call = this.#call;
    call.idle.touch();
    if (!call.started) {
      ArrayPrototypePush(call.pieces, TypedArrayPrototypeSlice(chunk));
      return done();
    }
    if (call.body === null) return done();
    call.body.add(chunk);
    call.body.whenTaken(done);
  }

  _final(done) {
    const call = this.#call;
    if (!this.#waitsForTrailers) {
      call.body?.end();
    } else if (!call.written) {
      call.written = true;
      if (call.started) this.#wantTrailers();
    }
    done();
  }

  // All of the body was written: what follows it ends the request.
  #wantTrailers() {
    nextTick(() => {
      if (this.destroyed) return;
      if (this.listenerCount("wantTrailers") === 0) this.sendTrailers({});
      else tell(this, "wantTrailers");
    });
  }

  _destroy(error, done) {
    const call = this.#call;
    const isAbort = error !== null && error.name === "AbortError";
    if (!this.#closed) {
      this.#closed = true;
      // What ends before its answer was whole was cancelled.
      if (error !== null) this.#rstCode = isAbort || error.code === "ERR_HTTP2_STREAM_CANCEL" ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR;
      else if (!call.ended) this.#rstCode = NGHTTP2_CANCEL;
    }
    const code = this.#rstCode;
    let reason = error;
    if (reason === null && code !== NGHTTP2_NO_ERROR && code !== NGHTTP2_CANCEL) reason = new ERR_HTTP2_STREAM_ERROR(errorName(code));
    const whileSending = !call.ended || !this.writableFinished;
    call.idle.stop();
    core.tryClose(call.cancel);
    if (call.rid !== null) core.tryClose(call.rid);
    call.rid = null;
    call.body?.fail(reason ?? new ERR_HTTP2_STREAM_CANCEL());
    if (whileSending && code !== NGHTTP2_NO_ERROR && !this.#aborted) {
      this.#aborted = true;
      if (!this.writableFinished) tell(this, "aborted");
    }
    this.#session.forget(this);
    done(reason);
  }

  close(code = NGHTTP2_NO_ERROR, done = undefined) {
    validateInteger(code, "code", 0, 2 ** 32 - 1);
    if (done !== undefined) {
      validateFunction(done, "callback");
      this.once("close", done);
    }
    if (this.#closed) return;
    this.#closed = true;
    this.#rstCode = code;
    const call = this.#call;
    if (code !== NGHTTP2_NO_ERROR || !this.#responded) return this.destroy();
    // What was read of the answer is still the reader's: its end is the stream's.
    call.ended = true;
    this.end();
    this.#finish();
  }

  sendTrailers(headers) {
    const call = this.#call;
    if (this.destroyed || this.#closed) throw new ERR_HTTP2_INVALID_STREAM();
    if (this.sentTrailers !== undefined) throw new ERR_HTTP2_TRAILERS_ALREADY_SENT();
    if (!call.written || call.trailers === null) throw new ERR_HTTP2_TRAILERS_NOT_READY();
    op_trailers_say(call.trailers, joinHeaders(trailersOf(headers)));
    this.sentTrailers = ObjectAssign({ __proto__: null }, headers);
    call.body.end();
  }

  additionalHeaders() {
    throw new ERR_HTTP2_INVALID_STREAM();
  }

  priority() {}

  setTimeout(msecs, callback = undefined) {
    if (this.destroyed) return this;
    this.#call.idle.set(msecs, callback);
    return this;
  }

  get aborted() {
    return this.#aborted;
  }

  get bufferSize() {
    return this.writableLength;
  }

  get closed() {
    return this.#closed;
  }

  get headersSent() {
    return true;
  }

  get id() {
    return this.#call.started ? this.#id : undefined;
  }

  get pending() {
    return !this.#call.started;
  }

  get rstCode() {
    return this.#rstCode;
  }

  get scheme() {
    return this.sentHeaders[":scheme"];
  }

  get session() {
    return this.destroyed ? undefined : this.#session.session;
  }

  get state() {
    const { NGHTTP2_STREAM_STATE_CLOSED, NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL, NGHTTP2_STREAM_STATE_OPEN } = constants;
    const state = this.#closed ? NGHTTP2_STREAM_STATE_CLOSED : this.writableEnded ? NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL : NGHTTP2_STREAM_STATE_OPEN;
    return { state, weight: 16, sumDependencyWeight: 0, localClose: this.writableFinished ? 1 : 0, remoteClose: this.#call.ended ? 1 : 0, localWindowSize: 65535 };
  }
}

return { ClientHttp2Stream };
})();
