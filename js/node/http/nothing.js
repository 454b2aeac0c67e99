// Parts of Node's HTTP that are not here: proxies of the environment, addresses of a host's, counters, the state of a machine's sockets.
(function () {
const { core } = __bootstrap;
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const nothing = () => {};
const none = () => null;

// Where the environment names no proxy there is nothing to set. What it names is reached by nobody: all goes by the policy.
function setGlobalProxyFromEnv(given = undefined) {
  const env = given ?? globalThis.process.env;
  const names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"];
  for (let i = 0; i < names.length; i++) {
    if (env[names[i]]) throw failure("http.setGlobalProxyFromEnv", undefined, "workers reach no proxies: their requests pass the policy");
  }
}

const all = {
  // Proxies.
  initAgentProxy: nothing,
  resolveAgentProxyConfig: none,
  selectProxy: none,
  setGlobalProxyFromEnv,
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
