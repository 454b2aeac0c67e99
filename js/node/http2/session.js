// https://nodejs.org/docs/latest-v22.x/api/http2.html#class-clienthttp2session: requests to one origin. It has no connection: each of its streams is a request
// of the worker's own fetch, in the event that makes it, and connections to servers are the host's.
(function () {
const { core, primordials } = __bootstrap;
const {
  DateNow,
  FunctionPrototypeCall,
  ObjectAssign,
  SafeSet,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeForEach,
  SetPrototypeGetSize,
} = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const {
  ERR_HTTP2_GOAWAY_SESSION,
  ERR_HTTP2_INVALID_SESSION,
  ERR_HTTP2_PING_LENGTH,
  ERR_HTTP2_SESSION_ERROR,
  ERR_HTTP2_STREAM_CANCEL,
  ERR_INVALID_ARG_TYPE,
} = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isArrayBufferView } = core.loadExtScript("ext:deno_node/internal/util/types.ts");
const { validateFunction, validateNumber } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { refused, reset } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { transportOf } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");
const { constants, errorName } = core.loadExtScript("ext:workerd_lite/node/http2/constants.js");
const { requestOf } = core.loadExtScript("ext:workerd_lite/node/http2/headers.js");
const { Idle } = core.loadExtScript("ext:workerd_lite/node/http2/idle.js");
const { defaults, validate } = core.loadExtScript("ext:workerd_lite/node/http2/settings.js");
const { ClientHttp2Stream } = core.loadExtScript("ext:workerd_lite/node/http2/stream.js");

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_SESSION_CLIENT } = constants;
const WINDOW = 65535;
const PING = 8;

class ClientHttp2Session extends EventEmitter {
  #origin;
  #socket;
  #streams = new SafeSet();
  #idle = new Idle(this);
  #next = 1;
  #closed = false;
  #connecting = true;
  #destroyed = false;
  // Whether a server has answered one of its requests.
  #reached = false;
  #local = defaults();
  #unacknowledged = 0;
  // What its streams tell it; no script has it.
  #link = {
    __proto__: null,
    session: this,
    answered: () => {
      this.#reached = true;
      this.#idle.touch();
    },
    // A request was not performed. The first one is the connection's failure.
    failed: (stream, error) => {
      const { host, port } = this.#peer;
      if (this.#reached) stream.destroy(reset(error.message));
      else this.destroy(refused(host, port, error.message, error));
    },
    // An answer has ended too early.
    broken: (stream, error) => stream.destroy(reset(error.message)),
    forget: (stream) => {
      SetPrototypeDelete(this.#streams, stream);
      if (this.#closed) this.#endIfIdle();
    },
  };

  // `origin` is a URL, `socket` one of ours to its host.
  constructor(origin, socket, settings) {
    super();
    this.#origin = origin;
    this.#socket = socket;
    ObjectAssign(this.#local, validate(settings));
    socket.once("close", () => this.destroy());
    socket.once("error", (error) => this.destroy(error));
    if (socket.connecting || socket.secureConnecting) {
      socket.once(socket.encrypted ? "secureConnect" : "connect", () => this.#connected());
    } else {
      // Nothing is said over it: it waits for no word of its server's.
      transportOf(socket)?.destroy();
      nextTick(() => this.#connected());
    }
  }

  get #peer() {
    const { hostname, port, protocol } = this.#origin;
    return { host: hostname, port: +port || (protocol === "https:" ? 443 : 80) };
  }

  #connected() {
    transportOf(this.#socket)?.destroy();
    if (this.#destroyed) return;
    this.#connecting = false;
    this.emit("connect", this, this.#socket);
    nextTick(() => {
      if (this.#destroyed) return;
      this.emit("localSettings", this.localSettings);
      if (!this.#destroyed) this.emit("remoteSettings", this.remoteSettings);
    });
  }

  #endIfIdle() {
    if (SetPrototypeGetSize(this.#streams) === 0) this.destroy();
  }

  request(headers = undefined, options = undefined) {
    if (this.#destroyed) throw new ERR_HTTP2_INVALID_SESSION();
    if (this.#closed) throw new ERR_HTTP2_GOAWAY_SESSION();
    const given = options ?? {};
    if (typeof given !== "object") throw new ERR_INVALID_ARG_TYPE("options", "Object", options);
    if (given.endStream !== undefined && typeof given.endStream !== "boolean") throw new ERR_INVALID_ARG_TYPE("options.endStream", "boolean", given.endStream);
    const stream = new ClientHttp2Stream(this.#link, this.#next, requestOf(headers, this.#origin), given);
    this.#next += 2;
    SetPrototypeAdd(this.#streams, stream);
    this.#idle.touch();
    return stream;
  }

  close(done = undefined) {
    if (done !== undefined) {
      validateFunction(done, "callback");
      if (this.#destroyed) nextTick(done);
      else this.once("close", done);
    }
    if (this.#closed) return;
    this.#closed = true;
    this.#endIfIdle();
  }

  destroy(error = undefined, code = undefined) {
    if (this.#destroyed) return;
    this.#destroyed = this.#closed = true;
    this.#connecting = false;
    const number = typeof error === "number" ? error : code ?? (error ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_NO_ERROR);
    const reason = typeof error === "number" ? (error === NGHTTP2_NO_ERROR ? undefined : new ERR_HTTP2_SESSION_ERROR(errorName(error))) : error;
    this.#idle.stop();
    const cancelled = reason === undefined ? undefined : new ERR_HTTP2_STREAM_CANCEL(reason);
    SetPrototypeForEach(this.#streams, (stream) => stream.destroy(cancelled));
    this.#socket.destroy();
    nextTick(() => {
      if (reason) this.emit("error", reason);
      this.emit("close", number);
    });
  }

  // There is no peer but the host, which holds connections open by itself.
  ping(payload, done = undefined) {
    const callback = typeof payload === "function" ? payload : done;
    if (this.#destroyed) throw new ERR_HTTP2_INVALID_SESSION();
    if (typeof payload !== "function" && payload !== undefined) {
      if (!isArrayBufferView(payload)) throw new ERR_INVALID_ARG_TYPE("payload", ["Buffer", "TypedArray", "DataView"], payload);
      if (payload.byteLength !== PING) throw new ERR_HTTP2_PING_LENGTH();
    }
    validateFunction(callback, "callback");
    const start = DateNow();
    const sent = isArrayBufferView(payload) ? payload : Buffer.alloc(PING);
    nextTick(() => FunctionPrototypeCall(callback, this, null, DateNow() - start, sent));
    return true;
  }

  settings(settings, done = undefined) {
    if (this.#destroyed) throw new ERR_HTTP2_INVALID_SESSION();
    validate(settings);
    if (done !== undefined) validateFunction(done, "callback");
    const start = DateNow();
    this.#unacknowledged++;
    nextTick(() => {
      this.#unacknowledged--;
      if (this.#destroyed) return;
      ObjectAssign(this.#local, settings);
      this.emit("localSettings", this.localSettings);
      if (done !== undefined) done(null, this.localSettings, DateNow() - start);
    });
  }

  goaway(code = NGHTTP2_NO_ERROR, lastStreamID = 0, opaqueData = undefined) {
    if (this.#destroyed) throw new ERR_HTTP2_INVALID_SESSION();
    if (opaqueData !== undefined && !isArrayBufferView(opaqueData)) throw new ERR_INVALID_ARG_TYPE("opaqueData", ["Buffer", "TypedArray", "DataView"], opaqueData);
    validateNumber(code, "code");
    validateNumber(lastStreamID, "lastStreamID");
  }

  setLocalWindowSize(size) {
    validateNumber(size, "windowSize", 0, 2 ** 31 - 1);
    if (this.#destroyed) throw new ERR_HTTP2_INVALID_SESSION();
  }

  setTimeout(msecs, callback = undefined) {
    if (!this.#destroyed) this.#idle.set(msecs, callback);
    return this;
  }

  ref() {}

  unref() {}

  get alpnProtocol() {
    if (this.#connecting) return undefined;
    return this.encrypted ? "h2" : "h2c";
  }

  get closed() {
    return this.#closed;
  }

  get connecting() {
    return this.#connecting;
  }

  get destroyed() {
    return this.#destroyed;
  }

  get encrypted() {
    return this.#origin.protocol === "https:";
  }

  get localSettings() {
    return ObjectAssign(defaults(), this.#local);
  }

  get originSet() {
    return this.encrypted ? [this.#origin.origin] : undefined;
  }

  get pendingSettingsAck() {
    return this.#unacknowledged > 0;
  }

  get remoteSettings() {
    return defaults();
  }

  get socket() {
    return this.#destroyed ? undefined : this.#socket;
  }

  get state() {
    return {
      effectiveLocalWindowSize: WINDOW,
      effectiveRecvDataLength: 0,
      nextStreamID: this.#next,
      localWindowSize: WINDOW,
      lastProcStreamID: 0,
      remoteWindowSize: WINDOW,
      outboundQueueSize: 0,
      deflateDynamicTableSize: 0,
      inflateDynamicTableSize: 0,
    };
  }

  get type() {
    return NGHTTP2_SESSION_CLIENT;
  }
}

return { ClientHttp2Session };
})();
