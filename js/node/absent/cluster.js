// https://nodejs.org/docs/latest-v22.x/api/cluster.html: the worker is the only process there is, and can not be made two of.
(function () {
const { core } = __bootstrap;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

// Nobody makes one: it is no process, and takes no messages.
class Worker extends EventEmitter {
  _connected = false;
  exitedAfterDisconnect = false;
  id = 0;

  get process() {
    return globalThis.process;
  }

  destroy() {
    this._connected = false;
  }

  disconnect() {
    this._connected = false;
    return this;
  }

  isConnected() {
    return this._connected;
  }

  isDead() {
    return true;
  }

  kill() {
    this._connected = false;
  }

  send() {
    return false;
  }
}

class Cluster extends EventEmitter {
  Cluster = Cluster;
  SCHED_NONE = 1;
  SCHED_RR = 2;
  Worker = Worker;
  disconnect = unavailable("cluster.disconnect");
  fork = unavailable("cluster.fork");
  isMaster = true;
  isPrimary = true;
  isWorker = false;
  schedulingPolicy = 2;
  settings = {};
  setupMaster = unavailable("cluster.setupMaster");
  setupPrimary = unavailable("cluster.setupPrimary");
  workers = {};
}

return { default: new Cluster() };
})();
