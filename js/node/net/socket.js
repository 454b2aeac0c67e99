// https://nodejs.org/docs/latest-v22.x/api/net.html#class-netsocket: a stream whose other end is a transport, never a connection of the machine's.
(function () {
const { core, primordials } = __bootstrap;
const {
  Boolean,
  DateNow,
  Error,
  FunctionPrototypeBind,
  FunctionPrototypeCall,
  ObjectAssign,
  ObjectDefineProperties,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  ReflectApply,
  TypedArrayPrototypeGetByteLength,
} = primordials;
// The whole module: its classes want what it adds to them.
const { Duplex } = core.loadExtScript("ext:deno_node/stream.ts");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { channel } = core.loadExtScript("ext:deno_node/diagnostics_channel.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { clearTimeout, setTimeout } = core.loadExtScript("ext:workerd_lite/node/timers.js");
const { getTimerDuration, kTimeout } = core.loadExtScript("ext:workerd_lite/node/http/socket_timers.js");
const { isIP } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_SOCKET_CLOSED, ERR_SOCKET_CLOSED_BEFORE_CONNECTION } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { refused, reset, systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { addressOf, normalize, originOf } = core.loadExtScript("ext:workerd_lite/node/net/target.js");
const { setTransport, transportOf } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");
const { MachineHandle, methods: asking, tellAsked } = core.loadExtScript("ext:workerd_lite/node/net/machine_handle.js");
const { lookUp } = core.loadExtScript("ext:workerd_lite/node/net/look_up.js");
const server_ = () => core.loadExtScript("ext:workerd_lite/node/net/server.js");
const exchange = () => core.loadExtScript("ext:workerd_lite/node/net/exchange.js");

// The other end writes no more: who writes is told so, unless it may go on alone.
function onPeersEnd() {
  if (!this.allowHalfOpen) this.write = writeAfterEnd;
}

function writeAfterEnd(chunk, encoding, done) {
  if (!this.writableEnded) return FunctionPrototypeCall(Duplex.prototype.write, this, chunk, encoding, done);
  const callback = typeof encoding === "function" ? encoding : done;
  const error = new Error("This socket has been ended by the other party");
  error.code = "EPIPE";
  if (typeof callback === "function") nextTick(callback, error);
  this.destroy(error);
  return false;
}

const MODES = ["objectMode", "readableObjectMode", "writableObjectMode"];

function Socket(options) {
  if (!ObjectPrototypeIsPrototypeOf(Socket.prototype, this)) return new Socket(options);
  for (let i = 0; i < MODES.length; i++) {
    if (options?.[MODES[i]]) throw new ERR_INVALID_ARG_VALUE(`options.${MODES[i]}`, options[MODES[i]], "is not supported");
  }
  const given = typeof options === "object" && options !== null ? options : {};
  if (given.fd !== undefined) throw failure("net.Socket of a descriptor", undefined, "workers have no sockets of a machine's");
  FunctionPrototypeCall(Duplex, this, {
    allowHalfOpen: Boolean(given.allowHalfOpen),
    autoDestroy: true,
    emitClose: true,
    highWaterMark: given.highWaterMark,
    signal: given.signal,
  });
  this.connecting = false;
  this._hadError = false;
  this._failed = false;
  this._parent = null;
  this._host = null;
  this.server = null;
  this.timeout = 0;
  this[kTimeout] = null;
  this._active = 0;
  this.bytesRead = 0;
  this._bytesDispatched = 0;
  // What waits for the connection.
  this._pending = null;
  this._handle = null;
  this._noDelay = !!given.noDelay;
  this._keepAlive = !!given.keepAlive;
  this._keepAliveDelay = ~~(given.keepAliveInitialDelay / 1000);
  this._sockname = null;
  this.on("end", onPeersEnd);
}
ObjectSetPrototypeOf(Socket.prototype, Duplex.prototype);
ObjectSetPrototypeOf(Socket, Duplex);

// Events end with their response, whatever still counts down: such timers may outlive them.
function mayTime(use) {
  try {
    return use();
  } catch {
    return null;
  }
}

// Of a socket's, as long as it is idle: it keeps no process alive.
function idleTimer(socket, after) {
  return mayTime(() => setTimeout(FunctionPrototypeBind(onDue, socket), after).unref());
}

// A timer of a socket's is due: it has been idle for as long, or waits for the rest of the time.
function onDue() {
  const left = this._active + this.timeout - DateNow();
  if (left <= 0) {
    this[kTimeout] = null;
    this._onTimeout();
  } else {
    this[kTimeout] = idleTimer(this, left);
  }
}

const methods = {
  connect(...args) {
    const { options, done } = normalize(args);
    if (done !== undefined) this.once("connect", done);
    return connectTo(this, options, this.encrypted ? "https" : "http");
  },

  _read() {
    if (this.connecting) return;
    transportOf(this)?.read();
  },

  _write(chunk, _encoding, done) {
    if (this.connecting) {
      const close = () => done(new ERR_SOCKET_CLOSED_BEFORE_CONNECTION());
      this._pending = chunk;
      this.once("close", close);
      this.once("connect", () => {
        this.off("close", close);
        this._pending = null;
        this._write(chunk, _encoding, done);
      });
      return;
    }
    const transport = transportOf(this);
    if (transport === undefined) return done(refused("", 0, "the socket is not connected"));
    this._unrefTimer();
    this._bytesDispatched += TypedArrayPrototypeGetByteLength(chunk);
    transport.write(chunk, done);
  },

  _final(done) {
    if (this.connecting) {
      this.once("connect", () => this._final(done));
      return;
    }
    const transport = transportOf(this);
    if (transport === undefined) done();
    else transport.end(done);
  },

  _destroy(error, done) {
    this.connecting = false;
    if (this[kTimeout] !== null) mayTime(() => clearTimeout(this[kTimeout]));
    this[kTimeout] = null;
    transportOf(this)?.destroy(error);
    this._handle = null;
    this._failed = !!error;
    done(error);
  },

  // Who hears of the close is told whether it failed.
  emit(name) {
    if (name === "close" && arguments.length === 1) return FunctionPrototypeCall(Duplex.prototype.emit, this, name, this._failed);
    return ReflectApply(Duplex.prototype.emit, this, arguments);
  },

  push(chunk, encoding) {
    if (chunk !== null && typeof chunk === "object") {
      this._unrefTimer();
      this.bytesRead += chunk.length;
    }
    return FunctionPrototypeCall(Duplex.prototype.push, this, chunk, encoding);
  },

  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", this.destroy);
  },

  resetAndDestroy() {
    if (this.destroyed) return this;
    if (this.connecting) {
      this.once("connect", () => this.resetAndDestroy());
      return this;
    }
    const transport = transportOf(this);
    if (transport === undefined) return this.destroy(new ERR_SOCKET_CLOSED());
    transport.reset?.();
    return this.destroy();
  },

  setTimeout(msecs, callback = undefined) {
    if (this.destroyed) return this;
    this.timeout = msecs;
    const duration = getTimerDuration(msecs, "msecs");
    if (callback !== undefined) validateFunction(callback, "callback");
    if (this[kTimeout] !== null) mayTime(() => clearTimeout(this[kTimeout]));
    this[kTimeout] = null;
    if (duration === 0) {
      if (callback !== undefined) this.removeListener("timeout", callback);
      return this;
    }
    this[kTimeout] = idleTimer(this, duration);
    this._active = DateNow();
    if (callback !== undefined) this.once("timeout", callback);
    return this;
  },

  _onTimeout() {
    this.emit("timeout");
  },

  // Something happened: its timer looks at it when it is due.
  _unrefTimer() {
    if (this[kTimeout] !== null) this._active = DateNow();
  },

  setTypeOfService() {
    return this;
  },

  getTypeOfService: () => 0,

  ref() {
    return this;
  },

  unref() {
    return this;
  },

  address() {
    return this._sockname ?? {};
  },
};
ObjectAssign(Socket.prototype, methods, asking);

const getter = (get) => ({ __proto__: null, configurable: true, enumerable: true, get });
const peer = (name) => getter(function () {
  return this._peer?.[name];
});
ObjectDefineProperties(Socket.prototype, {
  __proto__: null,
  _connecting: getter(function () {
    return this.connecting;
  }),
  // What was written, whether or not it has gone.
  bytesWritten: getter(function () {
    if (this._pending === undefined) return undefined;
    let bytes = this._bytesDispatched;
    if (this._pending !== null) bytes += TypedArrayPrototypeGetByteLength(this._pending);
    const waiting = this.writableBuffer ?? [];
    for (let i = 0; i < waiting.length; i++) bytes += TypedArrayPrototypeGetByteLength(waiting[i].chunk);
    return bytes;
  }),
  bufferSize: getter(function () {
    return this.writableLength;
  }),
  localAddress: getter(function () {
    return this._sockname?.address;
  }),
  localFamily: getter(function () {
    return this._sockname?.family;
  }),
  localPort: getter(function () {
    return this._sockname?.port;
  }),
  pending: getter(function () {
    return this.connecting || this.destroyed || transportOf(this) === undefined;
  }),
  readyState: getter(function () {
    if (this.connecting) return "opening";
    if (this.readable && this.writable) return "open";
    if (this.readable) return "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }),
  remoteAddress: peer("address"),
  remoteFamily: peer("family"),
  remotePort: peer("port"),
});

// A peer's address as far as it is known: names are not looked up.
function peerOf(address, port) {
  const family = isIP(address);
  return { address: family === 0 ? undefined : address, family: family === 0 ? undefined : `IPv${family}`, port };
}

// `then` is called once it stands.
function connectTo(socket, options, scheme, then = undefined) {
  requireContext();
  const { host, name, path, port } = addressOf(options);
  if (options.timeout) socket.setTimeout(options.timeout);
  if (options.signal !== undefined && typeof options.signal !== "object") throw new ERR_INVALID_ARG_TYPE("options.signal", "AbortSignal", options.signal);
  if (options.noDelay !== undefined) socket._noDelay = !!options.noDelay;
  if (options.keepAlive !== undefined) {
    socket._keepAlive = !!options.keepAlive;
    socket._keepAliveDelay = ~~(options.keepAliveInitialDelay / 1000);
  }
  socket._handle ??= new MachineHandle(socket);
  socket.connecting = true;
  socket._host = host;
  socket._port = port;
  const server = scheme === "http" ? server_().reachable(host, path ?? port) : undefined;
  const go = () => {
    if (server !== undefined) server_().join(server, socket, path, port, then);
    else connectOut(socket, { host, name, path, port }, scheme, then);
  };
  if (path === null && lookUp(socket, options, host, go)) return socket;
  go();
  return socket;
}

function connectOut(socket, { host, name, path, port }, scheme, then) {
  let transport;
  let failed = null;
  try {
    if (path !== null) throw systemError("connect", "ENOENT", path, { address: path });
    transport = new (exchange().Exchange)(socket, originOf(scheme, host, port), host, port, name);
  } catch (error) {
    failed = error;
  }
  nextTick(() => {
    if (socket.destroyed) return;
    if (failed !== null) return socket.destroy(failed);
    socket.connecting = false;
    socket._peer = peerOf(host, port);
    socket._sockname = { address: "127.0.0.1", family: "IPv4", port: 0 };
    setTransport(socket, transport);
    tellAsked(socket);
    socket.emit("connect");
    socket.emit("ready");
    if (then !== undefined) then();
    // Most have written by now.
    transport.open();
    // Who reads was told to wait.
    socket.read(0);
  });
}

const CONNECTED = channel("net.client.socket");

function connect(...args) {
  const { options, done } = normalize(args);
  const socket = new Socket(options);
  if (CONNECTED.hasSubscribers) CONNECTED.publish({ socket });
  if (done !== undefined) socket.once("connect", done);
  return connectTo(socket, options, "http");
}

return { connect, connectTo, peerOf, Socket };
})();
