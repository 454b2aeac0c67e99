// `cloudflare:node`: https://developers.cloudflare.com/workers/runtime-apis/nodejs/http/#server-side-methods
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, ObjectKeys, TypeError } = primordials;
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

const { connectHandler, handleAsNodeConnection } = core.loadExtScript("ext:workerd_lite/node/net/connection.js");

return { connectHandler, handleAsNodeConnection, handleAsNodeRequest, httpServerHandler };
})();
