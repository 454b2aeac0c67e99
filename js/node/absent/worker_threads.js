// https://nodejs.org/docs/latest-v22.x/api/worker_threads.html: the worker's own thread is the only one.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, PromiseReject, SafeMap, SymbolAsyncDispose, SymbolFor } = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

class Worker extends EventEmitter {
  constructor() {
    super();
    throw failure("worker_threads.Worker");
  }
}
const { prototype } = Worker;
ArrayPrototypeForEach(["postMessage", "postMessageToThread", "ref", "unref"], (name) => prototype[name] = unavailable(`worker_threads.Worker.${name}`));
// Of those that give a promise, it fails.
ArrayPrototypeForEach(["getHeapSnapshot", "getHeapStatistics", "terminate"], (name) => {
  prototype[name] = () => PromiseReject(failure(`worker_threads.Worker.${name}`));
});
prototype[SymbolAsyncDispose] = () => PromiseReject(failure("worker_threads.Worker.terminate"));

// The script's own, in this isolate.
const data = new SafeMap();

function setEnvironmentData(key, value = undefined) {
  if (value === undefined) MapPrototypeDelete(data, key);
  else MapPrototypeSet(data, key, value);
}

const worker_threads = {
  BroadcastChannel: unavailable("worker_threads.BroadcastChannel"),
  MessageChannel: globalThis.MessageChannel,
  MessagePort: globalThis.MessagePort,
  SHARE_ENV: SymbolFor("nodejs.worker_threads.SHARE_ENV"),
  Worker,
  getEnvironmentData: (key) => MapPrototypeGet(data, key),
  isInternalThread: false,
  isMainThread: true,
  isMarkedAsUntransferable: () => false,
  markAsUncloneable: () => {},
  markAsUntransferable: () => {},
  moveMessagePortToContext: unavailable("worker_threads.moveMessagePortToContext"),
  parentPort: null,
  postMessageToThread: unavailable("worker_threads.postMessageToThread"),
  receiveMessageOnPort: () => undefined,
  resourceLimits: {},
  setEnvironmentData,
  threadId: 0,
  workerData: null,
};

return { default: worker_threads };
})();
