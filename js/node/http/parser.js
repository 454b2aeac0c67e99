// What Node's scripts call HTTPParser, over our own parser of messages.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeIndexOf,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  StringPrototypeSplit,
} = primordials;
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const { AsyncResource } = core.loadExtScript("ext:workerd_lite/node/async_hooks.js");
const { failure, MessageParser, REQUEST, RESPONSE } = core.loadExtScript("ext:workerd_lite/node/http/message.js");
const { carriesOne } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");

// https://github.com/nodejs/llhttp: `http.METHODS` are those of HTTP, in this order.
const methods = StringPrototypeSplit(
  "DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE " +
    "M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY",
  " ",
);

const ON_BEGIN = 0;
const ON_FIELDS = 1;
const ON_HEAD = 2;
const ON_BODY = 3;
const ON_END = 4;
const DEFAULT_HEAD = 16 << 10;

const buffer = (bytes) => Buffer.from(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes), TypedArrayPrototypeGetByteLength(bytes));

class HTTPParser {
  static REQUEST = REQUEST;
  static RESPONSE = RESPONSE;
  static kOnMessageBegin = ON_BEGIN;
  static kOnHeaders = ON_FIELDS;
  static kOnHeadersComplete = ON_HEAD;
  static kOnBody = ON_BODY;
  static kOnMessageComplete = ON_END;
  static kOnExecute = 5;
  static kOnTimeout = 6;
  static kLenientNone = 0;
  static kLenientHeaders = 1;
  static kLenientChunkedLength = 2;
  static kLenientKeepAlive = 4;
  static kLenientAll = 255;

  #parser = null;
  #kind = REQUEST;
  // Listeners run with the stores of the request that they are of, on whichever connection.
  #scope = null;

  initialize(kind, _resource = undefined, maxHeaderSize = 0, _lenient = 0) {
    this.#kind = kind;
    this.#scope = new AsyncResource(kind === REQUEST ? "HTTPINCOMINGMESSAGE" : "HTTPCLIENTREQUEST");
    let mine;
    // A listener may free this parser, and another message take it: what the old one reads is nobody's.
    const ifMine = (use) => (value) => this.#parser === mine ? use(value) : undefined;
    mine = new MessageParser(kind, maxHeaderSize || DEFAULT_HEAD, {
      __proto__: null,
      onBegin: ifMine(() => this[ON_BEGIN]?.()),
      onHead: ifMine((head) => this.#head(head)),
      onBody: ifMine((bytes) => this[ON_BODY](buffer(bytes))),
      onTrailers: ifMine((trailers) => this[ON_FIELDS](trailers, "")),
      onEnd: ifMine(() => this[ON_END]()),
    });
    this.#parser = mine;
  }

  #head(head) {
    const request = this.#kind === REQUEST;
    const method = request ? ArrayPrototypeIndexOf(methods, head.method) : undefined;
    if (method === -1) {
      throw failure("HPE_INVALID_METHOD", "Invalid method encountered");
    }
    const endless = !request && head.length === -1 && !head.chunked;
    // Most connections of ours are none: each carries one message, and none is kept.
    const keepAlive = head.keepAlive && !endless && !carriesOne(this.socket);
    const answer = this[ON_HEAD](head.major, head.minor, head.headers, method, request ? head.target : undefined, head.status, head.reason, head.upgrade, keepAlive);
    return head.upgrade && answer === 0 && this.incoming?.upgrade ? 2 : answer;
  }

  execute(bytes) {
    if (this.#parser === null) return 0;
    const parser = this.#parser;
    return this.#scope.runInAsyncScope(() => parser.execute(bytes));
  }

  finish() {
    return this.#parser?.finish();
  }

  getCurrentBuffer() {
    return undefined;
  }

  close() {
    this.#parser = null;
  }

  free() {
    this.#parser = null;
  }

  remove() {
    this.#parser = null;
  }

  pause() {}
  resume() {}
  consume() {}
  unconsume() {}
}

return { HTTPParser, allMethods: methods, methods };
})();
