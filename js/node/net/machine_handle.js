// `_handle` of a socket: what Node's own scripts, and packages that look beneath them, tell the machine's socket. There is none, and nothing comes of it.
(function () {
const { core } = __bootstrap;
const { newAsyncId } = core.loadExtScript("ext:workerd_lite/node/async_ids.js");

class MachineHandle {
  #id = newAsyncId();
  #socket;
  fd = -1;
  reading = true;

  constructor(socket) {
    this.#socket = socket;
  }

  close() {
    this.#socket.destroy();
  }

  getAsyncId() {
    return this.#id;
  }

  hasRef() {
    return true;
  }

  readStart() {
    return 0;
  }

  readStop() {
    return 0;
  }

  ref() {}

  setKeepAlive() {
    return 0;
  }

  setNoDelay() {
    return 0;
  }

  unref() {}
}

// What a connection was asked for before it stood.
function tellAsked(socket) {
  if (socket._noDelay) socket._handle?.setNoDelay?.(true);
  if (socket._keepAlive) socket._handle?.setKeepAlive?.(true, socket._keepAliveDelay);
}

const methods = {
  setNoDelay(enable = true) {
    const wanted = !!enable;
    if (wanted === this._noDelay) return this;
    this._noDelay = wanted;
    this._handle?.setNoDelay?.(wanted);
    return this;
  },

  setKeepAlive(enable = false, delay = 0) {
    const wanted = !!enable;
    // Seconds.
    const after = ~~(delay / 1000);
    if (wanted === this._keepAlive && (!wanted || after === this._keepAliveDelay)) return this;
    this._keepAlive = wanted;
    this._keepAliveDelay = after;
    this._handle?.setKeepAlive?.(wanted, after);
    return this;
  },
};

return { MachineHandle, methods, tellAsked };
})();
