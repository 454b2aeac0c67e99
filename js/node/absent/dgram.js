// https://nodejs.org/docs/latest-v22.x/api/dgram.html: workers have no UDP. Sockets can be made, as on Workers. What one is asked to do fails as it does where
// there is no network: its callback, or its listener for "error", is told; where there is neither, the log is.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, ObjectDefineProperty, PromiseResolve, StringPrototypeSplit, SymbolAsyncDispose } = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { ERR_INVALID_ARG_TYPE, ERR_SOCKET_BAD_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

function typeOf(options) {
  if (typeof options === "string") return options;
  if (typeof options !== "object" || options === null || options.type === undefined) throw new ERR_INVALID_ARG_TYPE("options", ["string", "object"], options);
  return options.type;
}

const lastOf = (args) => (args.length > 0 && typeof args[args.length - 1] === "function" ? args[args.length - 1] : undefined);

class Socket extends EventEmitter {
  #closed = false;

  constructor(options, listener = undefined) {
    super();
    const type = typeOf(options);
    if (type !== "udp4" && type !== "udp6") throw new ERR_SOCKET_BAD_TYPE();
    if (listener !== undefined) {
      validateFunction(listener, "listener");
      this.on("message", listener);
    }
    this.type = type;
  }

  #fails(name, callback = undefined) {
    const error = failure(`dgram.Socket.${name}`, undefined, "workers have no UDP");
    if (callback !== undefined) nextTick(callback, error);
    else nextTick(() => {
      if (this.#closed) return;
      if (this.listenerCount("error") > 0) this.emit("error", error);
      else globalThis.process.emitWarning(error.message, "Warning", error.code);
    });
  }

  address() {
    return {};
  }

  remoteAddress() {
    return {};
  }

  bind() {
    this.#fails("bind");
    return this;
  }

  connect(...args) {
    this.#fails("connect", lastOf(args));
  }

  disconnect() {}

  send(...args) {
    this.#fails("send", lastOf(args));
  }

  sendto(...args) {
    this.#fails("sendto", lastOf(args));
  }

  close(callback = undefined) {
    if (typeof callback === "function") this.once("close", callback);
    if (!this.#closed) nextTick(() => this.emit("close"));
    this.#closed = true;
    return this;
  }

  [SymbolAsyncDispose]() {
    this.close();
    return PromiseResolve(undefined);
  }
}

function define(names, value) {
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => {
    ObjectDefineProperty(Socket.prototype, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
  });
}
// Of a socket that carries nothing.
define("getRecvBufferSize getSendBufferSize getSendQueueCount getSendQueueSize", () => 0);
define("addMembership addSourceSpecificMembership dropMembership dropSourceSpecificMembership setBroadcast setMulticastInterface setRecvBufferSize setSendBufferSize", () => {});
define("setMulticastLoopback setMulticastTTL setTTL", (value) => value);
define("ref unref", function () {
  return this;
});

function createSocket(options, listener = undefined) {
  return new Socket(options, listener);
}

return { default: { Socket, createSocket } };
})();
