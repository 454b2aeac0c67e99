// `WebSocket` and `WebSocketPair`: https://websockets.spec.whatwg.org/ and what Workers add.
// https://developers.cloudflare.com/workers/runtime-apis/websockets/
(function () {
const { core, primordials } = __bootstrap;
const {
  op_websocket_accept,
  op_websocket_buffered,
  op_websocket_close,
  op_websocket_end,
  op_websocket_next,
  op_websocket_pair,
  op_websocket_send,
  op_websocket_send_text,
} = core.ops;
const {
  ArrayPrototypeValues,
  FunctionPrototypeCall,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ReflectApply,
  SymbolIterator,
  SymbolToStringTag,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypeError,
  Uint8Array,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { CloseEvent, defineEventHandler, dispatchWatched, ErrorEvent, Event, EventTarget, MessageEvent, setIsTrusted } = core.loadExtScript(
  "ext:deno_web/02_event.js",
);
const { AbortController } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { markNotSerializable, structuredClone } = core.loadExtScript("ext:deno_web/13_message_port.js");
const { Blob, getParts, isBlob } = core.loadExtScript("ext:deno_web/09_file.js");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const { compatibility } = core.loadExtScript("ext:workerd_lite/worker/compatibility.js");
const { endContext, requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { checkProtocols, openSocket, parseUrl } = core.loadExtScript("ext:workerd_lite/websocket/handshake.js");

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

// Codes that say how a connection ended and are never sent, beside those that nobody has given a meaning (RFC 6455, section 7.4).
const NO_CODE = 1005;
const BROKEN = 1006;
const MOST_REASON = 123;

const { abort, dispatchEvent, sizeOfBlob } = core.loadExtScript("ext:workerd_lite/fetch/sockets.js").own;
const { op_blob_bytes, op_utf8_to_byte_string } = core.ops;

function bytesOf(blob) {
  const size = ReflectApply(sizeOfBlob, blob, []);
  const bytes = new Uint8Array(size);
  const parts = getParts(blob);
  let offset = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = op_blob_bytes(parts[i], 0, size);
    TypedArrayPrototypeSet(bytes, part, offset);
    offset += TypedArrayPrototypeGetByteLength(part);
  }
  return bytes;
}

// The same words as workerd's.
const UNACCEPTED = "You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.";

// A browser closes by 1000 and by codes of applications; a server by all that may be sent.
function checkCode(code, isMade) {
  if (isMade) {
    if (code === 1000 || (code >= 3000 && code <= 4999)) return;
    throw new DOMException(`Invalid WebSocket close code: ${code}.`, "InvalidAccessError");
  }
  if (code < 1000 || code > 4999 || code === 1004 || code === NO_CODE || code === BROKEN || code === 1015) {
    throw new DOMException(`Invalid WebSocket close code: ${code}.`, "InvalidAccessError");
  }
}

class WebSocket extends EventTarget {
  #rid = null;
  #context = null;
  #state = OPEN;
  #url = "";
  #origin = "";
  #protocol = "";
  #binaryType = compatibility.binaryType;
  // By `new`, as in a browser.
  #isMade = false;
  #isAccepted = false;
  #isHandedOn = false;
  #hasClosed = false;
  // The peer's close is not answered by itself.
  #isHalfOpen = false;
  // Bytes that were sent after its end.
  #unsent = 0;
  #abort = null;
  #attachment = undefined;

  constructor(url, protocols = undefined) {
    super();
    this[webidl.brand] = webidl.brand;
    if (url === webidl.brand) return;
    const prefix = "Failed to construct 'WebSocket'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    const parsed = parseUrl(webidl.converters.USVString(url, prefix, "Argument 1"));
    let list = [];
    if (protocols !== undefined && protocols !== null) {
      list = typeof protocols === "object" && protocols[SymbolIterator] !== undefined
        ? webidl.converters["sequence<DOMString>"](protocols, prefix, "Argument 2")
        : [webidl.converters.DOMString(protocols, prefix, "Argument 2")];
    }
    checkProtocols(list);
    this.#context = requireContext();
    this.#url = parsed.href;
    this.#origin = parsed.origin;
    this.#isMade = true;
    this.#state = CONNECTING;
    this.#connect(list);
  }

  static fromResource(rid) {
    const socket = new WebSocket(webidl.brand);
    socket.#rid = rid;
    return socket;
  }

  // The resource, for whoever sends it elsewhere.
  static handOn(socket) {
    if (socket.#isAccepted) throw new TypeError("Can't return WebSocket in a Response after calling accept().");
    if (socket.#isHandedOn || socket.#rid === null) throw new TypeError("Can't return WebSocket that was already used in a response.");
    const rid = socket.#rid;
    socket.#isHandedOn = true;
    socket.#rid = null;
    return rid;
  }

  static isWebSocket(value) {
    return typeof value === "object" && value !== null && #rid in value;
  }

  get url() {
    webidl.assertBranded(this, WebSocketPrototype);
    return this.#isMade ? this.#url : null;
  }

  get readyState() {
    webidl.assertBranded(this, WebSocketPrototype);
    return this.#state;
  }

  get bufferedAmount() {
    webidl.assertBranded(this, WebSocketPrototype);
    return this.#unsent + (this.#rid === null ? 0 : op_websocket_buffered(this.#rid));
  }

  get extensions() {
    webidl.assertBranded(this, WebSocketPrototype);
    return "";
  }

  get protocol() {
    webidl.assertBranded(this, WebSocketPrototype);
    return this.#protocol;
  }

  get binaryType() {
    webidl.assertBranded(this, WebSocketPrototype);
    return this.#binaryType;
  }

  set binaryType(value) {
    webidl.assertBranded(this, WebSocketPrototype);
    const type = webidl.converters.DOMString(value, "Failed to set 'binaryType' on 'WebSocket'");
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  accept(options = undefined) {
    webidl.assertBranded(this, WebSocketPrototype);
    if (this.#isMade) throw new TypeError("Websockets obtained from the 'new WebSocket()' constructor cannot call accept");
    if (this.#isHandedOn) throw new TypeError("Can't accept() WebSocket that was already used in a response.");
    if (this.#isAccepted) return;
    this.#isHalfOpen = options !== undefined && options !== null && options.allowHalfOpen === true;
    this.#begin(requireContext());
  }

  send(data) {
    webidl.assertBranded(this, WebSocketPrototype);
    const prefix = "Failed to execute 'send' on 'WebSocket'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    let bytes = null;
    let text = "";
    if (isBufferSource(data)) bytes = view(data);
    else if (isBlob(data)) bytes = bytesOf(data);
    else text = webidl.converters.USVString(data, prefix, "Argument 1");
    if (this.#state === CONNECTING) throw new DOMException(`${prefix}: it is still connecting.`, "InvalidStateError");
    if (!this.#isAccepted && !this.#isMade) throw new TypeError(UNACCEPTED);
    if (this.#state !== OPEN || this.#rid === null) {
      if (!this.#isMade && this.#hasClosed) throw new TypeError("Can't call WebSocket send() after close().");
      this.#unsent += bytes === null ? op_utf8_to_byte_string(text).length : TypedArrayPrototypeGetByteLength(bytes);
      return;
    }
    if (bytes === null) op_websocket_send_text(this.#rid, text);
    else op_websocket_send(this.#rid, bytes);
  }

  close(code = undefined, reason = undefined) {
    webidl.assertBranded(this, WebSocketPrototype);
    const prefix = "Failed to execute 'close' on 'WebSocket'";
    if (code !== undefined) {
      code = webidl.converters["unsigned short"](code, prefix, "Argument 1", { __proto__: null, clamp: true });
      checkCode(code, this.#isMade);
    }
    if (reason !== undefined) {
      reason = webidl.converters.USVString(reason, prefix, "Argument 2");
      if (op_utf8_to_byte_string(reason).length > MOST_REASON) {
        throw new DOMException(`WebSocket close reason must not be longer than ${MOST_REASON} bytes when UTF-8 encoded.`, "SyntaxError");
      }
    }
    if (!this.#isMade && !this.#isAccepted) throw new TypeError(UNACCEPTED);
    if (this.#state === CONNECTING) {
      this.#state = CLOSING;
      ReflectApply(abort, this.#abort, []);
      return;
    }
    const answers = this.#isHalfOpen && this.#state === CLOSING && !this.#hasClosed;
    if (this.#state !== OPEN && !answers) return;
    this.#sendClose(code ?? (reason ? 1000 : NO_CODE), reason ?? "");
    if (answers) {
      this.#state = CLOSED;
      this.#end();
    } else {
      this.#state = CLOSING;
    }
  }

  serializeAttachment(value) {
    webidl.assertBranded(this, WebSocketPrototype);
    this.#attachment = structuredClone(value);
  }

  deserializeAttachment() {
    webidl.assertBranded(this, WebSocketPrototype);
    return this.#attachment === undefined ? null : structuredClone(this.#attachment);
  }

  #tell(event) {
    setIsTrusted(event, true);
    FunctionPrototypeCall(dispatchEvent, this, event);
  }

  #sendClose(code, reason) {
    this.#hasClosed = true;
    if (this.#rid !== null) op_websocket_close(this.#rid, code, reason);
  }

  #end() {
    if (this.#rid === null) return;
    const rid = this.#rid;
    this.#rid = null;
    if (op_websocket_end(this.#context.id, rid)) endContext(this.#context.id);
  }

  #begin(context) {
    op_websocket_accept(context.id, this.#rid);
    this.#context = context;
    this.#isAccepted = true;
    this.#follow();
  }

  // What is thrown here would be an unhandled rejection.
  async #connect(protocols) {
    this.#abort = new AbortController();
    let why;
    try {
      const opened = await openSocket(this.#url, protocols, this.#abort.signal);
      this.#rid = handOn(opened.socket);
      if (this.#state === CONNECTING && !opened.wrong) {
        this.#protocol = opened.protocol;
        this.#begin(this.#context);
        this.#state = OPEN;
        return this.#tell(new Event("open"));
      }
      core.tryClose(this.#rid);
      this.#rid = null;
      why = new TypeError("the answer to the WebSocket's handshake has another subprotocol than was asked for");
    } catch (error) {
      why = error;
    }
    this.#fail(why?.message ?? "", why);
  }

  #fail(message, error) {
    this.#state = CLOSED;
    this.#end();
    this.#tell(new ErrorEvent("error", { __proto__: null, message, error }));
    this.#tell(new CloseEvent("close", { __proto__: null, wasClean: false, code: BROKEN }));
  }

  async #follow() {
    for (;;) {
      let got;
      try {
        got = await op_websocket_next(this.#context.id, this.#rid);
      } catch (error) {
        return this.#fail(error.message, error);
      }
      // It was closed from here meanwhile, for good.
      if (this.#rid === null) return;
      if (typeof got === "string") {
        if (!this.#message(got)) return;
      } else if (got === null) {
        this.#state = CLOSED;
        this.#end();
        const reason = "WebSocket disconnected without sending Close frame.";
        return this.#tell(new CloseEvent("close", { __proto__: null, wasClean: false, code: BROKEN, reason: this.#isMade ? "" : reason }));
      } else if (got.bytes !== undefined) {
        if (!this.#message(this.#binaryType === "blob" ? new Blob([got.bytes]) : TypedArrayPrototypeGetBuffer(got.bytes))) return;
      } else if (got.failure !== undefined) {
        return this.#fail(got.failure, new TypeError(got.failure));
      } else {
        return this.#closed(got.code, got.reason);
      }
    }
  }

  // Gives whether it goes on: as on Workers, a listener that throws is the connection's end.
  #message(data) {
    // By the standard what was closed from here hears no more. What accept() has opened does until its peer's close, as on Workers.
    if (this.#state !== OPEN && (this.#isMade || this.#state !== CLOSING)) return true;
    const event = new MessageEvent("message", { __proto__: null, data, origin: this.#origin });
    setIsTrusted(event, true);
    const thrown = dispatchWatched(this, event);
    if (thrown === null || this.#rid === null) return thrown === null;
    let message = "";
    try {
      message = core.destructureError(thrown.error).exceptionMessage;
    } catch { /* What was thrown has getters of its own. */ }
    this.#fail(message, thrown.error);
    return false;
  }

  #closed(code, reason) {
    const event = new CloseEvent("close", { __proto__: null, wasClean: true, code, reason });
    if (this.#isHalfOpen && !this.#hasClosed) {
      this.#state = CLOSING;
      return this.#tell(event);
    }
    if (!this.#hasClosed) this.#sendClose(code, reason);
    this.#state = CLOSED;
    // The event goes on until its listeners have heard of it.
    this.#tell(event);
    this.#end();
  }
}

const { fromResource, handOn, isWebSocket } = WebSocket;
delete WebSocket.fromResource;
delete WebSocket.handOn;
delete WebSocket.isWebSocket;
webidl.configureInterface(WebSocket);
core.loadExtScript("ext:workerd_lite/worker/inspect.js").inspected("WebSocket", WebSocket);
const WebSocketPrototype = WebSocket.prototype;
markNotSerializable(WebSocketPrototype);

const constant = (value) => ({ __proto__: null, value, enumerable: true });
const CONSTANTS = { __proto__: null, CONNECTING: constant(CONNECTING), OPEN: constant(OPEN), CLOSING: constant(CLOSING), CLOSED: constant(CLOSED) };
// Workers' own names for them.
const STATES = {
  __proto__: null,
  READY_STATE_CONNECTING: constant(CONNECTING),
  READY_STATE_OPEN: constant(OPEN),
  READY_STATE_CLOSING: constant(CLOSING),
  READY_STATE_CLOSED: constant(CLOSED),
};
ObjectDefineProperties(WebSocket, CONSTANTS);
ObjectDefineProperties(WebSocket, STATES);
ObjectDefineProperties(WebSocketPrototype, CONSTANTS);
defineEventHandler(WebSocketPrototype, "open");
defineEventHandler(WebSocketPrototype, "message");
defineEventHandler(WebSocketPrototype, "close");
defineEventHandler(WebSocketPrototype, "error");

// Two ends of one connection, at `0` and `1`.
class WebSocketPair {
  constructor() {
    const { 0: first, 1: second } = op_websocket_pair(requireContext().id);
    const end = (rid) => ({ __proto__: null, value: fromResource(rid), writable: true, enumerable: true, configurable: true });
    ObjectDefineProperties(this, { __proto__: null, 0: end(first), 1: end(second) });
  }

  [SymbolIterator]() {
    return ArrayPrototypeValues([this[0], this[1]]);
  }
}
ObjectDefineProperty(WebSocketPair.prototype, SymbolToStringTag, { __proto__: null, value: "WebSocketPair", configurable: true });

return { fromResource, handOn, isWebSocket, WebSocket, WebSocketPair };
})();
