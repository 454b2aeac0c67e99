// https://nodejs.org/docs/latest-v22.x/api/net.html
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty } = primordials;
const { isIP, isIPv4, isIPv6 } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { validateBoolean, validateInt32 } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { normalize } = core.loadExtScript("ext:workerd_lite/node/net/target.js");
const { connect, Socket } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
const { Server } = core.loadExtScript("ext:workerd_lite/node/net/server.js");

// Families of addresses are the host's to choose: what is set is only told again.
let selects = true;
let attempt = 250;

const exported = {
  connect,
  createConnection: connect,
  createServer: (options, listener) => new Server(options, listener),
  getDefaultAutoSelectFamily: () => selects,
  getDefaultAutoSelectFamilyAttemptTimeout: () => attempt,
  isIP: (text) => isIP(`${text}`),
  isIPv4: (text) => isIPv4(`${text}`),
  isIPv6: (text) => isIPv6(`${text}`),
  Server,
  setDefaultAutoSelectFamily(value) {
    validateBoolean(value, "value");
    selects = value;
  },
  setDefaultAutoSelectFamilyAttemptTimeout(value) {
    validateInt32(value, "value", 1);
    attempt = value < 10 ? 10 : value;
  },
  Socket,
  Stream: Socket,
  // How Node's own modules read arguments.
  _normalizeArgs(args) {
    const { options, done } = normalize(args);
    return [options, done ?? null];
  },
};

function lazy(name) {
  ObjectDefineProperty(exported, name, {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get: () => core.loadExtScript("ext:deno_node/internal/blocklist.mjs")[name],
  });
}
lazy("BlockList");
lazy("SocketAddress");
ObjectDefineProperty(exported, "default", { __proto__: null, value: exported });

return exported;
})();
