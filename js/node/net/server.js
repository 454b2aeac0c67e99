// https://nodejs.org/docs/latest-v22.x/api/net.html#class-netserver: a server listens on a port of its isolate's, or a path. The events that the worker is given
// may be sent to one of HTTP, and sockets of the same isolate connect to any. Nothing listens on the machine.
(function () {
const { core, primordials } = __bootstrap;
const {
  FunctionPrototypeCall,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeHas,
  MapPrototypeSet,
  MathFloor,
  ObjectAssign,
  ObjectDefineProperty,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  Promise,
  PromiseResolve,
  RegExpPrototypeExec,
  SafeMap,
  StringPrototypeIncludes,
  SymbolAsyncDispose,
} = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_SERVER_ALREADY_LISTEN, ERR_SERVER_NOT_RUNNING } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { channel, tracingChannel } = core.loadExtScript("ext:deno_node/diagnostics_channel.js");
const { getDefaultHighWaterMark } = core.loadExtScript("ext:deno_node/internal/streams/state.js");
const { validateAbortSignal, validateNumber, validatePort } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { normalize } = core.loadExtScript("ext:workerd_lite/node/net/target.js");
const { AsyncResource } = core.loadExtScript("ext:workerd_lite/node/async_hooks.js");
const { setImmediate } = core.loadExtScript("ext:workerd_lite/node/timers.js");
const TlsServer = () => core.loadExtScript("ext:workerd_lite/node/net/tls.js").Server;

const LISTEN = tracingChannel("net.server.listen");
const ACCEPTED = channel("net.server.socket");

// Servers by their ports.
const listening = new SafeMap();
// Where `listen(0)` looks for a free one.
const FIRST = 49152;
const LAST = 65535;

const serverAt = (port) => MapPrototypeGet(listening, port);

// What is below 0 is as if it were not there.
function usableMark(given) {
  if (given === undefined) return getDefaultHighWaterMark();
  validateNumber(given, "options.highWaterMark");
  return given < 0 ? getDefaultHighWaterMark() : given;
}

function Server(options, listener) {
  if (!ObjectPrototypeIsPrototypeOf(Server.prototype, this)) return new Server(options, listener);
  FunctionPrototypeCall(EventEmitter, this, typeof options === "object" && options !== null ? options : undefined);
  let given = options;
  if (typeof given === "function") {
    this.on("connection", given);
    given = {};
  } else if (given === undefined || given === null || typeof given === "object") {
    given = { ...given };
    if (typeof listener === "function") this.on("connection", listener);
  } else {
    throw new ERR_INVALID_ARG_TYPE("options", "Object", options);
  }
  this._connections = 0;
  this._handle = null;
  this.allowHalfOpen = given.allowHalfOpen ?? false;
  this.pauseOnConnect = !!given.pauseOnConnect;
  this.noDelay = !!given.noDelay;
  this.keepAlive = !!given.keepAlive;
  this.keepAliveInitialDelay = ~~(given.keepAliveInitialDelay / 1000);
  this.highWaterMark = usableMark(given.highWaterMark);
  this.blockList = given.blockList;
}
ObjectSetPrototypeOf(Server.prototype, EventEmitter.prototype);
ObjectSetPrototypeOf(Server, EventEmitter);

// Each time another one, as systems do: clients may keep connections to a port whose server has closed.
let lastFree = LAST;

function freePort() {
  for (let i = FIRST; i <= LAST; i++) {
    lastFree = lastFree === LAST ? FIRST : lastFree + 1;
    if (!MapPrototypeHas(listening, lastFree)) return lastFree;
  }
  return 0;
}

ObjectAssign(Server.prototype, {
  listen(...args) {
    if (ObjectPrototypeIsPrototypeOf(TlsServer().prototype, this)) throw failure("tls.Server.listen", undefined, "a worker has no certificates of its own");
    const { options, done } = normalize(args);
    if (this._handle !== null) throw new ERR_SERVER_ALREADY_LISTEN();
    if (options.fd !== undefined || options.handle !== undefined || options._handle !== undefined) {
      throw failure("net.Server.listen", undefined, "workers have no sockets of a machine's");
    }
    if (options.signal !== undefined) validateAbortSignal(options.signal, "options.signal");
    const first = args[0];
    if (args.length === 0 || typeof first === "function" || first === undefined || first === null || options.port === null || ("port" in options && options.port === undefined)) {
      options.port = 0;
    }
    let place;
    if (typeof options.port === "number" || typeof options.port === "string") {
      place = validatePort(options.port, "options.port");
    } else if (typeof options.path === "string" && options.path !== "") {
      place = options.path;
    } else if ("port" in options || "path" in options) {
      throw new ERR_INVALID_ARG_VALUE("options", options);
    } else {
      throw new ERR_INVALID_ARG_VALUE("options", options, 'must have the property "port" or "path"');
    }
    if (done !== undefined) this.once("listening", done);
    if (options.signal !== undefined) {
      const stop = () => this.close();
      if (options.signal.aborted) nextTick(stop);
      else options.signal.addEventListener("abort", stop, { once: true });
    }
    if (LISTEN.hasSubscribers) LISTEN.asyncStart.publish({ server: this, options });
    const port = place === 0 ? freePort() : place;
    if (port === 0 || MapPrototypeHas(listening, port)) {
      const address = typeof place === "string" ? place : options.host ?? "::";
      const details = typeof place === "string" ? { address, port: -1 } : { address, port: place };
      const error = systemError("listen", "EADDRINUSE", "", details, `address already in use ${address}${typeof place === "string" ? "" : `:${place}`}`);
      if (LISTEN.hasSubscribers) LISTEN.error.publish({ server: this, error });
      nextTick(() => this.emit("error", error));
      return this;
    }
    MapPrototypeSet(listening, port, this);
    this._handle = { __proto__: null, port, address: options.host ?? "::", scope: new AsyncResource("TCPSERVERWRAP") };
    const { address } = this._handle;
    this._connectionKey = typeof port === "string" ? `${port}:-1:-1` : `${StringPrototypeIncludes(address, ":") ? 6 : 4}:${address}:${place}`;
    if (LISTEN.hasSubscribers) LISTEN.asyncEnd.publish({ server: this });
    nextTick(() => {
      if (this._handle !== null) this.emit("listening");
    });
    return this;
  },

  address() {
    if (this._handle === null) return null;
    const { address, port } = this._handle;
    if (typeof port === "string") return port;
    return { address, family: StringPrototypeIncludes(address, ":") ? "IPv6" : "IPv4", port };
  },

  close(done) {
    if (typeof done === "function") {
      const stopped = this._handle !== null;
      this.once("close", () => done(...(stopped ? [] : [new ERR_SERVER_NOT_RUNNING()])));
    }
    if (this._handle !== null) MapPrototypeDelete(listening, this._handle.port);
    this._handle = null;
    this._emitCloseIfDrained();
    return this;
  },

  _emitCloseIfDrained() {
    if (this._handle !== null || this._connections > 0) return;
    nextTick(() => {
      if (this._handle === null) this.emit("close");
    });
  },

  getConnections(done) {
    nextTick(() => done(null, this._connections));
    return this;
  },

  ref() {
    return this;
  },

  unref() {
    return this;
  },
});
ObjectDefineProperty(Server.prototype, "listening", {
  __proto__: null,
  configurable: true,
  enumerable: true,
  get() {
    return this._handle !== null;
  },
});
Server.prototype[SymbolAsyncDispose] = function () {
  if (this._handle === null) return PromiseResolve();
  return new Promise((resolve, reject) => this.close((error) => error ? reject(error) : resolve()));
};

// A connection of ours, to a server that listens.
function accept(server, socket) {
  const { remoteFamily: family } = socket;
  const isBlocked = family !== undefined && server.blockList?.check(socket.remoteAddress, family === "IPv6" ? "ipv6" : "ipv4");
  if (isBlocked || (server.maxConnections !== undefined && server._connections >= server.maxConnections)) {
    const { localAddress, localFamily, localPort, remoteAddress, remoteFamily, remotePort } = socket;
    server.emit("drop", { localAddress, localFamily, localPort, remoteAddress, remoteFamily, remotePort });
    socket.destroy();
    return;
  }
  server._connections++;
  socket.server = server;
  socket.once("close", () => {
    server._connections--;
    server._emitCloseIfDrained();
  });
  if (server.pauseOnConnect) socket.pause();
  server.emit("connection", socket);
  if (ACCEPTED.hasSubscribers) ACCEPTED.publish({ socket });
}

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|0\.0\.0\.0|::1|::)$/i;

// The server of this isolate's that a connection is to, if it is to one.
function reachable(host, place) {
  if (typeof place === "number" && RegExpPrototypeExec(LOOPBACK, host) === null) return undefined;
  return serverAt(place);
}

// Where clients' ports are counted from.
let lastPort = 32767;

// Connects a socket to a server of this isolate's.
function join(server, client, path, port, then) {
  client._path = path;
  nextTick(() => {
    if (client.destroyed) return;
    if (server._handle === null) {
      client.destroy(systemError("connect", "ECONNREFUSED", path ?? `127.0.0.1:${port}`, path === null ? { address: "127.0.0.1", port } : { address: path }));
      return;
    }
    const { Loopback } = core.loadExtScript("ext:workerd_lite/node/net/loopback.js");
    const { Socket } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
    const { MachineHandle, tellAsked } = core.loadExtScript("ext:workerd_lite/node/net/machine_handle.js");
    const { allowHalfOpen, highWaterMark, keepAlive, keepAliveInitialDelay, noDelay } = server;
    const accepted = new Socket({ allowHalfOpen, highWaterMark: MathFloor(highWaterMark), keepAlive, keepAliveInitialDelay: keepAliveInitialDelay * 1000, noDelay });
    accepted._handle = new MachineHandle(accepted);
    if (path === null) {
      lastPort = lastPort >= FIRST - 1 ? 32768 : lastPort + 1;
      const near = { address: "127.0.0.1", family: "IPv4", port: lastPort };
      const far = { address: "127.0.0.1", family: "IPv4", port };
      client._sockname = accepted._peer = near;
      client._peer = accepted._sockname = far;
    }
    client.connecting = false;
    tellAsked(client);
    tellAsked(accepted);
    Loopback.join(client, accepted);
    const { scope } = server._handle;
    setImmediate(() => scope.runInAsyncScope(() => accept(server, accepted)));
    client.emit("connect");
    client.emit("ready");
    if (then !== undefined) then();
    client.read(0);
    accepted.read(0);
  });
}

return { accept, join, reachable, Server, serverAt };
})();
