// The WebSockets of responses: `response.webSocket`, and `new Response(null, { status: 101, webSocket })`.
// https://developers.cloudflare.com/workers/runtime-apis/websockets/
(function () {
const { core, primordials } = __bootstrap;
const {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  RangeError,
  SafeWeakMap,
  TypeError,
  WeakMapPrototypeGet,
  WeakMapPrototypeHas,
  WeakMapPrototypeSet,
} = primordials;

const { AbortController } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { EventTarget } = core.loadExtScript("ext:deno_web/02_event.js");
const { Blob } = core.loadExtScript("ext:deno_web/09_file.js");

// The script of WebSockets is loaded when they are first asked for: by then an author may have replaced these.
const { abort } = AbortController.prototype;
const { dispatchEvent } = EventTarget.prototype;
const { get: sizeOfBlob } = ObjectGetOwnPropertyDescriptor(Blob.prototype, "size");
const own = { __proto__: null, abort, dispatchEvent, sizeOfBlob };

// By the inside of each response.
const sockets = new SafeWeakMap();

const websockets = () => core.loadExtScript("ext:workerd_lite/websocket/websocket.js");

// The WebSocket of a response that has come, by its resource.
function receiveSocket(inner, rid) {
  WeakMapPrototypeSet(sockets, inner, websockets().fromResource(rid));
}

// The same of one that has not left the isolate.
function passSocket(inner, socket) {
  WeakMapPrototypeSet(sockets, inner, socket);
}

// What an author's `ResponseInit` says of it.
function keepSocket(inner, { status, webSocket }, body) {
  if (webSocket === undefined || webSocket === null) {
    if (status === 101) throw new RangeError("a Response with the status 101 needs a webSocket");
    return;
  }
  if (!websockets().isWebSocket(webSocket)) throw new TypeError("Failed to construct 'Response': webSocket is not a WebSocket");
  if (status !== 101) throw new RangeError("Responses with a WebSocket must have status code 101.");
  if (body !== null) throw new TypeError("Responses with a WebSocket must not have a body.");
  WeakMapPrototypeSet(sockets, inner, webSocket);
}

function refuseClone(inner) {
  if (WeakMapPrototypeHas(sockets, inner)) throw new TypeError("Cannot clone a response to a WebSocket handshake.");
}

const socketOf = (inner) => WeakMapPrototypeGet(sockets, inner) ?? null;

// The resource of a response's WebSocket, for whoever sends the response; -1 where it has none.
function takeSocketOf(inner) {
  const socket = socketOf(inner);
  return socket === null ? -1 : websockets().handOn(socket);
}

function defineSocketOfResponse() {
  const { Response, getInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
  const holder = {
    get webSocket() {
      const inner = getInnerResponse(this);
      if (inner === undefined) throw new TypeError("Illegal invocation");
      return socketOf(inner);
    },
  };
  const { get } = ObjectGetOwnPropertyDescriptor(holder, "webSocket");
  ObjectDefineProperty(Response.prototype, "webSocket", { __proto__: null, get, enumerable: true, configurable: true });
}

return { defineSocketOfResponse, keepSocket, own, passSocket, receiveSocket, refuseClone, socketOf, takeSocketOf };
})();
