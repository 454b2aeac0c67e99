// `Socket`: https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/#socket. Its bytes stay in Rust until a script looks at them.
(function () {
const { core, primordials } = __bootstrap;
const {
  op_tcp_end,
  op_tcp_ended,
  op_tcp_finish,
  op_tcp_readable,
  op_tcp_start_tls,
  op_tcp_write,
} = core.ops;
const {
  Error,
  ObjectDefineProperties,
  ObjectDefineProperty,
  PromisePrototypeThen,
  PromiseResolve,
  PromiseWithResolvers,
  String,
  SymbolToStringTag,
  TypedArrayPrototypeGetByteLength,
  TypeError,
} = primordials;
const {
  _state,
  createWritableStream,
  readableByteStreamControllerError,
  readableStreamForRid,
  isReadableStreamLocked,
  isWritableStreamLocked,
  readableStreamClose,
  writableStreamClose,
  writableStreamCloseQueuedOrInFlight,
} = core.loadExtScript("ext:deno_web/06_streams.js");
const { markNotSerializable } = core.loadExtScript("ext:deno_web/13_message_port.js");
const { markBytes } = core.loadExtScript("ext:workerd_lite/worker/stream_kinds.js");
const { bytesOf, sizeOf } = core.loadExtScript("ext:workerd_lite/worker/written.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

const secret = {};
const nothing = () => {};

// A promise that nobody has to look at.
function quiet(promise) {
  PromisePrototypeThen(promise, undefined, nothing);
  return promise;
}

class Socket {
  #rid = null;
  #context = null;
  #secure = "off";
  #host = "";
  #allowHalfOpen = false;
  #highWaterMark = null;
  // Of a handler's: called before its streams are used for the first time.
  #onUse = null;
  // It is under TLS, or is to be, by `startTls()`.
  #isUpgrade = false;
  #upgraded = false;
  // What startTls() gave in its place.
  #next = null;
  #used = false;
  #opened;
  #isOpen = false;
  #closed = PromiseWithResolvers();
  #readable = null;
  #writable = null;
  // The end of the last write.
  #written = PromiseResolve();
  #closing = null;

  constructor(key, made) {
    if (key !== secret) throw new TypeError("Illegal constructor");
    this.#rid = made.rid;
    this.#context = made.context;
    this.#secure = made.secure;
    this.#host = made.host;
    this.#allowHalfOpen = made.allowHalfOpen;
    this.#highWaterMark = made.highWaterMark;
    this.#onUse = made.onUse;
    this.#isUpgrade = made.isUpgrade;
    this.#opened = made.opened;
    PromisePrototypeThen(
      made.opened,
      () => {
        this.#isOpen = true;
      },
      nothing,
    );
    quiet(this.#closed.promise);
    this.#follow();
  }

  static isSocket(value) {
    return typeof value === "object" && value !== null && #rid in value;
  }

  // The one that stands in its place, and whether that is open.
  static lastOf(socket) {
    let last = socket;
    while (last.#next !== null) last = last.#next;
    return { __proto__: null, last, isOpen: last.#isOpen };
  }

  // The resource of one that nobody reads or writes, once it is open, for whoever sends it elsewhere.
  static async handOn(socket) {
    if (socket.#used || socket.#onUse !== null || socket.#rid === null) throw new TypeError("the socket that connect() returned was read or written, or handed on already");
    socket.#used = true;
    await socket.#opened;
    const rid = socket.#rid;
    socket.#rid = null;
    // What is sent on is no object: a promise would ask it for `then`.
    return rid;
  }

  get readable() {
    if (this.#readable === null) {
      this.#use();
      const rid = op_tcp_readable(this.#context.id, this.#rid, this.#isUpgrade);
      // Why it did not open says more than that it is not open.
      const onError = (controller, error) => {
        const fail = (why) => readableByteStreamControllerError(controller, why);
        PromisePrototypeThen(this.#opened, () => fail(error), fail);
      };
      this.#readable = readableStreamForRid(rid, true, undefined, onError);
    }
    return this.#readable;
  }

  get writable() {
    if (this.#writable === null) {
      this.#use();
      const counted = this.#highWaterMark !== null;
      this.#writable = createWritableStream(
        nothing,
        (chunk) => this.#write(chunk),
        () => this.#finish(),
        () => this.#end(),
        counted ? this.#highWaterMark : 1,
        counted ? sizeOf : () => 1,
      );
      markBytes(this.#writable);
    }
    return this.#writable;
  }

  get opened() {
    return this.#opened;
  }

  get closed() {
    return this.#closed.promise;
  }

  get upgraded() {
    return this.#upgraded;
  }

  get secureTransport() {
    return this.#secure;
  }

  close() {
    if (this.#closing === null) this.#closing = this.#close();
    return this.#closing;
  }

  startTls(options = undefined) {
    if (this.#secure === "on") throw new TypeError("Cannot startTls on a TLS socket.");
    if (this.#upgraded) throw new TypeError("startTls can only be called once.");
    if (this.#secure !== "starttls") throw new TypeError("The `secureTransport` socket option must be set to 'starttls' for startTls to be used.");
    if (this.#rid === null || this.#closing !== null) throw new TypeError("startTls() wants a socket that is open");
    if (this.#readable !== null && isReadableStreamLocked(this.#readable) || this.#writable !== null && isWritableStreamLocked(this.#writable)) {
      throw new TypeError("startTls() wants streams that nobody has locked");
    }
    // A handler's is taken by it.
    if (this.#onUse !== null) this.#use();
    const name = options?.expectedServerHostname;
    const rid = this.#rid;
    const opened = this.#startTls(rid, name === undefined || name === null ? null : String(name));
    this.#upgraded = true;
    this.#used = true;
    this.#rid = null;
    return this.#next = new Socket(secret, {
      __proto__: null,
      rid,
      context: this.#context,
      secure: "on",
      host: this.#host,
      allowHalfOpen: this.#allowHalfOpen,
      highWaterMark: this.#highWaterMark,
      onUse: null,
      isUpgrade: true,
      opened,
    });
  }

  async #startTls(rid, name) {
    let info;
    try {
      info = await this.#opened;
      await this.#written;
    } finally {
      // Not before what was written is on its way, as on Workers: by then its owner has seen to the new one.
      this.#closed.resolve();
    }
    if (this.#readable !== null && this.#readable[_state] === "readable") readableStreamClose(this.#readable);
    await op_tcp_start_tls(rid, name);
    return info;
  }

  #use() {
    if (currentContext() !== this.#context) {
      throw new Error("Cannot perform I/O on behalf of a different request: the socket is of another event.");
    }
    if (this.#rid === null) throw new TypeError("the socket is closed, or was handed on");
    const onUse = this.#onUse;
    this.#onUse = null;
    this.#used = true;
    if (onUse !== null) {
      onUse();
      this.#follow();
    }
  }

  #write(chunk) {
    const bytes = bytesOf(chunk, "This WritableStream only supports writing byte types.");
    if (this.#rid === null) throw new TypeError("the socket is closed");
    if (TypedArrayPrototypeGetByteLength(bytes) === 0) return PromiseResolve();
    this.#written = this.#isOpen ? op_tcp_write(this.#rid, bytes, this.#isUpgrade) : this.#writeOnceOpen(bytes);
    return this.#written;
  }

  async #writeOnceOpen(bytes) {
    await this.#opened;
    if (this.#rid === null) throw new TypeError("the socket is closed");
    await op_tcp_write(this.#rid, bytes, this.#isUpgrade);
  }

  #finish() {
    if (this.#rid === null) return PromiseResolve();
    return op_tcp_finish(this.#rid, this.#isUpgrade);
  }

  // It is over, whatever is on its way.
  #end() {
    const rid = this.#rid;
    if (rid === null) return PromiseResolve();
    this.#rid = null;
    op_tcp_end(rid);
    return PromiseResolve();
  }

  async #close() {
    try {
      await this.#opened;
      await this.#written;
      if (this.#rid !== null) await op_tcp_finish(this.#rid, this.#isUpgrade);
    } catch {
      // `opened` and the write have told.
    }
    this.#end();
    this.#closed.resolve();
  }

  // The writable side is over because the other one is.
  #closeWritable() {
    const stream = this.#writable;
    if (stream === null || stream[_state] !== "writable" || writableStreamCloseQueuedOrInFlight(stream)) return this.#finish();
    return writableStreamClose(stream);
  }

  async #follow() {
    // A handler's is nobody's until it is used.
    if (this.#onUse !== null) return;
    const rid = this.#rid;
    try {
      await this.#opened;
      await op_tcp_ended(rid, this.#allowHalfOpen, this.#isUpgrade);
      if (this.#rid === rid && !this.#allowHalfOpen) await this.#closeWritable();
    } catch (error) {
      if (this.#rid === rid) this.#closed.reject(error);
      return;
    }
    if (this.#rid === rid || this.#rid === null) this.#closed.resolve();
  }
}

markNotSerializable(Socket.prototype);
const { handOn, isSocket, lastOf } = Socket;
delete Socket.handOn;
delete Socket.isSocket;
delete Socket.lastOf;
ObjectDefineProperty(Socket.prototype, SymbolToStringTag, { __proto__: null, value: "Socket", configurable: true });
const shown = { __proto__: null, enumerable: true };
ObjectDefineProperties(Socket.prototype, {
  __proto__: null,
  close: shown,
  closed: shown,
  opened: shown,
  readable: shown,
  secureTransport: shown,
  startTls: shown,
  upgraded: shown,
  writable: shown,
});

const newSocket = (made) => new Socket(secret, made);

return { handOn, isSocket, lastOf, newSocket, quiet, Socket };
})();
