// Parts of Node's HTTP that are not here: proxies of the environment, addresses of a host's, counters, the state of a machine's sockets.
(function () {
const { core } = __bootstrap;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const nothing = () => {};
const none = () => null;

const all = {
  // Proxies.
  initAgentProxy: nothing,
  resolveAgentProxyConfig: none,
  selectProxy: none,
  setGlobalProxyFromEnv: unavailable("http.setGlobalProxyFromEnv"),
  // Addresses.
  applyAddressOverride: () => ({ mode: "none" }),
  notifyAddressOverrideServing: nothing,
  startOverrideListener: nothing,
  SERVER_KIND_NODE_HTTP2: 0,
  // Counters.
  enqueueNodePerformanceEntry: nothing,
  hasNodeObserverForType: () => false,
  // Sockets.
  kLastWriteWasAsync: 0,
  streamBaseState: [0],
};
return { ...all, default: all };
})();
