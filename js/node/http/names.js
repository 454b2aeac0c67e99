// Names of `node:http` that Node 22 has and the scripts it is made of have not.
(function () {
const { primordials } = __bootstrap;
const { ObjectDefineProperty, ObjectHasOwn, SafeArrayIterator, SymbolFor } = primordials;

function getter(object, name, get) {
  if (!ObjectHasOwn(object, name)) ObjectDefineProperty(object, name, { __proto__: null, configurable: true, enumerable: true, get });
}

function complete(http) {
  for (const name of new SafeArrayIterator(["CloseEvent", "MessageEvent", "WebSocket"])) getter(http, name, () => globalThis[name]);
  const { OutgoingMessage, ServerResponse } = http;
  getter(OutgoingMessage.prototype, "closed", function () {
    return this._closed ?? false;
  });
  const { prototype } = ServerResponse;
  prototype.writeHeader ??= prototype.writeHead;
  return http;
}

return { complete };
})();
