// https://nodejs.org/docs/latest-v22.x/api/net.html#class-netserver: a server of HTTP listens on a port of its isolate's, which the events that the worker is
// given may be sent to. Nothing listens on the machine.
(function () {
const { core, primordials } = __bootstrap;
const {
  FunctionPrototypeCall,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeHas,
  MapPrototypeSet,
  ObjectAssign,
  ObjectDefineProperty,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  Promise,
  SafeMap,
  SymbolAsyncDispose,
} = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { ERR_SERVER_ALREADY_LISTEN, ERR_SERVER_NOT_RUNNING } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validatePort } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { normalize } = core.loadExtScript("ext:workerd_lite/node/net/target.js");
const HttpServer = () => core.loadExtScript("ext:deno_node/_http_server.js").Server;

// Servers by their ports.
const listening = new SafeMap();
// Where `listen(0)` looks for a free one.
const FIRST = 49152;
const LAST = 65535;

const serverAt = (port) => MapPrototypeGet(listening, port);

function Server(options, listener) {
  if (!ObjectPrototypeIsPrototypeOf(Server.prototype, this)) return new Server(options, listener);
  FunctionPrototypeCall(EventEmitter, this);
  if (typeof options === "function") this.on("connection", options);
  else if (typeof listener === "function") this.on("connection", listener);
  this._connections = 0;
  this._handle = null;
  this.allowHalfOpen = options?.allowHalfOpen ?? false;
  this.pauseOnConnect = options?.pauseOnConnect ?? false;
  this.noDelay = options?.noDelay ?? false;
}
ObjectSetPrototypeOf(Server.prototype, EventEmitter.prototype);
ObjectSetPrototypeOf(Server, EventEmitter);

function freePort() {
  for (let port = FIRST; port <= LAST; port++) {
    if (!MapPrototypeHas(listening, port)) return port;
  }
  return 0;
}

ObjectAssign(Server.prototype, {
  listen(...args) {
    if (!ObjectPrototypeIsPrototypeOf(HttpServer().prototype, this)) throw failure("net.Server.listen", undefined, "a worker is given requests, and no connections");
    const { options, done } = normalize(typeof args[0] === "function" || args[0] === undefined || args[0] === null ? [0, ...args] : args);
    if (options.path !== undefined) throw failure("net.Server.listen", undefined, "workers have no sockets of a machine's");
    if (this._handle !== null) throw new ERR_SERVER_ALREADY_LISTEN();
    const wanted = validatePort(options.port ?? 0, "options.port");
    if (done !== undefined) this.once("listening", done);
    const port = wanted === 0 ? freePort() : wanted;
    if (port === 0 || MapPrototypeHas(listening, port)) {
      const address = options.host ?? "::";
      const error = systemError("listen", "EADDRINUSE", "", { address, port: wanted }, `address already in use ${address}:${wanted}`);
      nextTick(() => this.emit("error", error));
      return this;
    }
    MapPrototypeSet(listening, port, this);
    this._handle = { __proto__: null, port, address: options.host ?? "::" };
    nextTick(() => {
      if (this._handle !== null) this.emit("listening");
    });
    return this;
  },

  address() {
    if (this._handle === null) return null;
    const { address, port } = this._handle;
    return { address, family: address === "::" || address === "::1" ? "IPv6" : "IPv4", port };
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
    nextTick(() => this.emit("close"));
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
  return new Promise((resolve, reject) => this.close((error) => error ? reject(error) : resolve()));
};

// A connection of ours, to a server that listens.
function accept(server, socket) {
  server._connections++;
  socket.server = server;
  socket.once("close", () => {
    server._connections--;
    server._emitCloseIfDrained();
  });
  server.emit("connection", socket);
}

return { accept, Server, serverAt };
})();
