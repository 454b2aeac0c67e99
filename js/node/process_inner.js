// Members of `process` that Node's own scripts use, and packages that look for them find there. Nothing is behind them.
(function () {
const { core } = __bootstrap;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const nothing = () => {};

return {
  // Nobody has forked it.
  _channel: undefined,
  _debugEnd: nothing,
  _debugProcess: nothing,
  _disconnect: undefined,
  _exiting: false,
  _fatalException: nothing,
  _handleQueue: undefined,
  _kill: unavailable("process._kill"),
  _linkedBinding: unavailable("process._linkedBinding"),
  _pendingMessage: undefined,
  _preload_modules: [],
  _send: undefined,
  _startProfilerIdleNotifier: nothing,
  _stopProfilerIdleNotifier: nothing,
  _tickCallback: nothing,
  domain: null,
  getSourceMapsSupport: () => ({ __proto__: null, enabled: false, nodeModules: false, generatedCode: false }),
  openStdin: () => globalThis.process.stdin.resume(),
};
})();
