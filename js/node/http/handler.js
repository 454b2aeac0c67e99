// `cloudflare:node`: https://developers.cloudflare.com/workers/runtime-apis/nodejs/http/#server-side-methods
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, Error, Number, ObjectDefineProperty, ObjectKeys, RegExpPrototypeExec, SafePromiseAll, TypeError } = primordials;
const { validatePort } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { serve } = core.loadExtScript("ext:workerd_lite/node/http/serving.js");

// The port of `{ port }`, or of a server that listens.
function portOf(of) {
  if (typeof of !== "object" || of === null) throw new TypeError("httpServerHandler() takes a server, or an object with its port");
  if (typeof of.address === "function") {
    if (of.address() === null && typeof of.listen === "function") of.listen();
    return of.address().port;
  }
  return of.port;
}

async function handleAsNodeRequest(of, request) {
  const port = typeof of === "object" && of !== null ? portOf(of) : of;
  validatePort(port, "port", false);
  return await serve(+port, request);
}

const PORT = /:([0-9]+)$/;

// Hands a connection that is asked of this worker to the server of net.createServer() that listens on the port that was asked for.
async function handleAsNodeConnection(socket) {
  const { localAddress } = await socket.opened;
  const found = RegExpPrototypeExec(PORT, `${localAddress}`);
  if (found === null) throw new Error(`Failed to determine port for inbound socket from local address ${localAddress}`);
  const port = Number(found[1]);
  const { serverAt } = core.loadExtScript("ext:workerd_lite/node/net/server.js");
  if (serverAt(port) === undefined) {
    const error = new Error(`No net.Server is listening on port ${port}. Call server.listen(${port}) to accept connections arriving on that port.`);
    ObjectDefineProperty(error, "code", { __proto__: null, value: "ERR_INVALID_ARG_VALUE", writable: true, enumerable: true, configurable: true });
    throw error;
  }
  const { connect } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
  const { Duplex } = core.loadExtScript("ext:deno_node/stream.ts");
  const { readable, writable } = Duplex.toWeb(connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
  await SafePromiseAll([socket.readable.pipeTo(writable), readable.pipeTo(socket.writable)]);
}

// A worker whose connect() is these servers.
function connectHandler() {
  return { connect: (socket) => handleAsNodeConnection(socket) };
}

// A worker whose fetch() is the server of a port.
function httpServerHandler(of, handlers = undefined) {
  const port = portOf(of);
  validatePort(port, "port", false);
  const handler = {
    fetch: (request) => handleAsNodeRequest(port, request),
  };
  if (typeof handlers === "object" && handlers !== null) {
    ArrayPrototypeForEach(ObjectKeys(handlers), (name) => {
      if (name !== "fetch") handler[name] = handlers[name];
    });
  }
  return handler;
}

return { connectHandler, handleAsNodeConnection, handleAsNodeRequest, httpServerHandler };
})();
