// A `lookup` of a script's own: it is asked as Node asks it, and its error is the connection's. A connection goes by its name all the same, which is what the policy
// judges. https://nodejs.org/docs/latest-v22.x/api/net.html#socketconnectoptions-connectlistener
(function () {
const { core, primordials } = __bootstrap;
const { ArrayIsArray } = primordials;
const { isIP } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { ERR_INVALID_IP_ADDRESS } = core.loadExtScript("ext:deno_node/internal/errors.ts");

// Node's own, which who asks for nothing else has: names are not looked up for it.
const usual = () => core.loadExtScript("ext:workerd_lite/node/dns/module.js").lookup;

// Gives whether it is asked; `go` is called once it has answered.
function lookUp(socket, options, host, go) {
  const { autoSelectFamily, family, hints = 0, localAddress, lookup } = options;
  if (typeof lookup !== "function" || isIP(host) !== 0 || lookup === usual()) return false;
  const all = family !== 4 && family !== 6 && !localAddress && autoSelectFamily !== false;
  const asked = all ? { family, hints, all } : { family, hints };
  lookup(host, asked, (error, found, kind) => {
    if (socket.destroyed) return;
    const addresses = ArrayIsArray(found) ? found : [{ address: found, family: kind }];
    if (error) {
      socket.emit("lookup", error, undefined, undefined, host);
      return socket.destroy(error);
    }
    for (let i = 0; i < addresses.length; i++) {
      const { address, family } = addresses[i];
      socket.emit("lookup", null, address, family, host);
      if (isIP(address) === 0) return socket.destroy(new ERR_INVALID_IP_ADDRESS(address));
    }
    if (!socket.destroyed) go();
  });
  return true;
}

return { lookUp };
})();
