// A connection whose client speaks HTTP/1.1: each request that is written is performed by the worker's own fetch(), towards the host and port that were
// connected to, whatever its fields say, and its answer is read as HTTP/1.1. An upgrade to a WebSocket is one of the worker's own. All else is a tunnel's.
(function () {
const { core, primordials } = __bootstrap;
const { op_trailers_follow, op_trailers_say } = core.ops;
const {
  ArrayPrototypePush,
  NumberPrototypeToString,
  Promise,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  StringPrototypeToUpperCase,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeSlice,
  Uint8Array,
} = primordials;
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { resourceForReadableStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const { getHeader } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { exchange } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { joinHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { clearTimeout, setTimeout } = core.loadExtScript("ext:workerd_lite/worker/timers.js");
const { failure, MessageParser, REQUEST, UPGRADED } = core.loadExtScript("ext:workerd_lite/node/http/message.js");
const { whole } = core.loadExtScript("ext:workerd_lite/node/net/bytes.js");
const { BodyStream } = core.loadExtScript("ext:workerd_lite/node/net/body_stream.js");
const { refused, reset } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { setTransport } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");
const { Tunnel } = core.loadExtScript("ext:workerd_lite/node/net/tunnel.js");
const { keyOf, ownFields, Upgrade } = core.loadExtScript("ext:workerd_lite/node/net/upgrade.js");
const { give, latin1, passBody } = core.loadExtScript("ext:workerd_lite/node/net/wire.js");

const LONGEST_HEAD = 64 << 10;
// A client of HTTP speaks at once; one whose server speaks first waits for it. Milliseconds.
const PATIENCE = 100;
const NO_HTTP = "what a connection carries goes by fetch() where it is HTTP/1.1, and it was";
const DIGITS = /^[0-9]{1,15}$/;

// The target of a request as a path: what is no ASCII is a byte.
function path(target) {
  let encoded = "";
  for (let i = 0; i < target.length; i++) {
    const byte = StringPrototypeCharCodeAt(target, i);
    encoded += byte < 0x80 ? target[i] : `%${StringPrototypeToUpperCase(NumberPrototypeToString(byte, 16))}`;
  }
  return encoded;
}

function unsupported(why) {
  const error = failure("HPE_USER", why);
  error.why = why;
  return error;
}

function after(bytes, used, length) {
  return new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + used, length - used);
}

// Fields as they were read, `[name, value, name, value]`, as pairs.
function pairsOf(fields) {
  const list = [];
  for (let i = 0; i < fields.length; i += 2) ArrayPrototypePush(list, [fields[i], fields[i + 1]]);
  return list;
}

// One request, while it is read and answered.
class Request {
  // Declared: an assignment to what is not there would look for setters in `Object.prototype`.
  cancel;
  head;
  url;
  // Of a WebSocket's handshake.
  key;
  complete = false;
  pieces = [];
  size = 0;
  stream = null;
  answered = false;
  // What follows its body, as a list of names and values, and where that is said.
  behind = null;
  trailers = null;

  constructor(head, url, key) {
    this.head = head;
    this.url = url;
    this.key = key;
    this.cancel = core.createCancelHandle();
  }

  get headerList() {
    const list = pairsOf(this.head.headers);
    if (this.key === undefined) return list;
    const asked = ownFields(list);
    ArrayPrototypePush(asked, ["upgrade", "websocket"]);
    return asked;
  }

  // All of a body that has come.
  whole() {
    return whole(this.pieces);
  }

  // Its trailers have come, if it has any: nothing follows.
  end() {
    if (this.trailers !== null && this.behind !== null) {
      op_trailers_say(this.trailers, joinHeaders(pairsOf(this.behind)));
    }
    this.stream.end();
  }

  // What an op takes as the body.
  body(context) {
    const { chunked, length, method } = this.head;
    if (!chunked && length === -1) return null;
    if (this.complete && this.behind === null) return this.size === 0 && (method === "GET" || method === "HEAD") ? null : this.whole();
    this.stream = new BodyStream(() => {});
    if (this.size > 0) this.stream.add(this.whole());
    const body = resourceForReadableStream(this.stream.stream, chunked ? undefined : length);
    const { headerList } = this;
    const announced = chunked && getHeader(headerList, "trailer") !== null;
    if (!announced && this.behind === null) return body;
    const { 0: trailed, 1: trailers } = op_trailers_follow(context.id, body, joinHeaders(headerList));
    this.trailers = trailers;
    if (this.complete) this.end();
    return trailed;
  }
}

class Exchange {
  #socket;
  #origin;
  #address;
  #port;
  #name;
  #parser;
  #request = null;
  #starting = false;
  // What waits for the answer to the request before it: `{ bytes, done }`.
  #rest = null;
  #ending = null;
  #spoken = false;
  #silence;
  #wanted = null;
  #over = false;
  #context = currentContext();
  // What was written before it was known to be HTTP.
  #early = [];

  // `origin` is a URL of the scheme, host and port that are connected to, `name` the host where it is no HTTP.
  constructor(socket, origin, address, port, name) {
    this.#socket = socket;
    this.#origin = origin;
    this.#address = address;
    this.#port = port;
    this.#name = name;
    this.#parser = new MessageParser(REQUEST, LONGEST_HEAD, {
      __proto__: null,
      onBegin() {},
      onHead: (head) => this.#head(head),
      onBody: (bytes) => this.#body(bytes),
      onTrailers: (fields) => {
        this.#request.behind = fields;
      },
      onEnd: () => this.#end(),
    });
  }

  // The connection stands, and whoever waited for it knows.
  open() {
    if (this.#over || this.#spoken) return;
    this.#silence = setTimeout(() => this.#tunnel(), PATIENCE);
  }

  write(bytes, done) {
    if (this.#over) return done(reset("the connection is closed"));
    if (this.#rest !== null) {
      // A pipe writes when the piece before was taken.
      const before = this.#rest.done;
      this.#rest.done = (error) => {
        before(error);
        if (error) done(error);
        else this.write(bytes, done);
      };
      return;
    }
    // Whoever wrote the bytes may use their memory again.
    if (!this.#spoken) ArrayPrototypePush(this.#early, TypedArrayPrototypeSlice(bytes));
    const used = this.#parser.execute(bytes);
    if (typeof used !== "number") {
      if (!this.#spoken && used.why === undefined) return this.#tunnel(done);
      done();
      return this.#refuse(used.why ?? `${NO_HTTP} (${used.reason ?? used.message})`);
    }
    if (this.#over) return done();
    const request = this.#request;
    if (this.#starting) {
      this.#starting = false;
      this.#perform(request);
    }
    const length = TypedArrayPrototypeGetByteLength(bytes);
    if (used < length) this.#rest = { __proto__: null, bytes: after(bytes, used, length), done };
    else if (request !== null && request.stream !== null) request.stream.whenTaken(done);
    else done();
  }

  // Nothing more is written.
  end(done) {
    done();
    if (this.#over) return;
    if (this.#request === null && this.#parser.idle) return this.#close();
    if (!this.#parser.idle) return this.destroy();
    this.#ending = true;
  }

  // There is room for what is read.
  read() {
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) wanted();
  }

  destroy() {
    if (this.#over) return;
    this.#over = true;
    if (this.#silence !== undefined) clearTimeout(this.#silence);
    const request = this.#request;
    if (request !== null) {
      core.tryClose(request.cancel);
      if (request.stream !== null) request.stream.fail(reset("the connection was closed"));
    }
    this.read();
  }

  #refuse(why, cause = undefined) {
    if (this.#over) return;
    const error = refused(this.#address, this.#port, why, cause);
    this.destroy();
    this.#socket.destroy(error);
  }

  // It is no HTTP/1.1: what was written goes by a connection, and what follows.
  #tunnel(done = () => {}) {
    if (this.#over) return done();
    const early = this.#early;
    this.#early = [];
    this.destroy();
    let tunnel;
    try {
      tunnel = new Tunnel(this.#socket, this.#context, this.#name, this.#port, StringPrototypeStartsWith(this.#origin, "https:") ? "on" : "starttls");
    } catch (error) {
      done();
      return this.#socket.destroy(refused(this.#address, this.#port, error.message, error));
    }
    this.#socket._host = this.#name;
    setTransport(this.#socket, tunnel);
    tunnel.write(whole(early), done);
    tunnel.open();
  }

  #close() {
    const rest = this.#rest;
    this.#rest = null;
    this.destroy();
    // What was written behind the last request is nobody's.
    if (rest !== null) rest.done();
    this.#socket.push(null);
  }

  #head(head) {
    const { target } = head;
    // A query alone is the root's, as in URLs.
    const isPath = target[0] === "/" || target[0] === "?" || target === "*";
    if (head.method === "CONNECT" || !isPath) throw unsupported("workers reach no proxies: their requests pass the policy");
    const key = head.upgrade ? keyOf(head) : undefined;
    if (head.upgrade && key === undefined) throw unsupported("no upgrade but one to a WebSocket is supported by workerd-lite");
    const url = new URL(this.#origin + path(target === "*" ? "/" : target));
    const origin = new URL(this.#origin);
    if (url.host !== origin.host || url.protocol !== origin.protocol || url.username !== "" || url.password !== "") {
      throw failure("HPE_INVALID_URL", "Invalid request target");
    }
    this.#spoken = true;
    this.#early = [];
    if (this.#silence !== undefined) clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#request = new Request(head, url.href, key);
    this.#starting = true;
    for (let i = 0; i < head.headers.length; i += 2) {
      if (StringPrototypeToLowerCase(head.headers[i]) === "expect" && StringPrototypeToLowerCase(head.headers[i + 1]) === "100-continue") {
        this.#socket.push(latin1("HTTP/1.1 100 Continue\r\n\r\n"));
      }
    }
    return key === undefined ? 0 : UPGRADED;
  }

  #body(bytes) {
    const request = this.#request;
    if (request.answered) return;
    if (request.stream !== null) return request.stream.add(bytes);
    ArrayPrototypePush(request.pieces, bytes);
    request.size += TypedArrayPrototypeGetByteLength(bytes);
  }

  #end() {
    const request = this.#request;
    request.complete = true;
    if (request.stream !== null) request.end();
    // The next one waits for the answer.
    this.#parser.pause();
    if (request.answered) this.#next();
  }

  async #perform(request) {
    const context = currentContext();
    let answer;
    try {
      if (context === undefined || context.ended) throw reset("the event that wrote it has ended");
      answer = await exchange(context, request.cancel, request.head.method, request.url, request.headerList, request.body(context));
    } catch (error) {
      if (!this.#over) this.#refuse(error.message, error);
      return;
    }
    if (answer.status === 101 && answer.rid !== null) return this.#upgrade(request, answer, context);
    try {
      await this.#answer(request, answer);
    } catch (error) {
      if (this.#over) return;
      this.destroy();
      this.#socket.destroy(reset(error.message));
      return;
    }
    if (this.#over) return;
    request.answered = true;
    if (request.stream !== null) request.stream.fail(reset("the answer came before the request's end"));
    // What is left of its body is read, and nobody's.
    if (request.complete) this.#next();
  }

  // What follows are frames.
  #upgrade(request, answer, context) {
    if (this.#over) return core.tryClose(answer.rid);
    const rest = this.#rest;
    this.#rest = null;
    this.#over = true;
    core.tryClose(request.cancel);
    let upgrade;
    try {
      upgrade = new Upgrade(this.#socket, context, answer.rid);
    } catch (error) {
      core.tryClose(answer.rid);
      this.#socket.destroy(reset(error.message));
      return;
    }
    upgrade.begin(request.key, answer);
    if (rest !== null) upgrade.write(rest.bytes, rest.done);
  }

  async #push(bytes) {
    if (this.#over) return;
    if (!give(this.#socket, bytes)) {
      await new Promise((resolve) => {
        this.#wanted = resolve;
      });
    }
  }

  async #answer(request, answer) {
    if (this.#over) return;
    const { method, minor } = request.head;
    const { rid, status } = answer;
    const bodiless = method === "HEAD" || status === 204 || status === 304;
    // The end of a body that nobody knows is the connection's, for those who know no chunks.
    const chunked = !bodiless && answer.length < 0 && minor === 1;
    if (!bodiless && answer.length < 0 && minor === 0) request.head.keepAlive = false;
    let head = `HTTP/1.1 ${status} ${answer.reason}\r\n`;
    let told = false;
    for (let i = 0; i < answer.headers.length; i++) {
      const { 0: name, 1: value } = answer.headers[i];
      switch (StringPrototypeToLowerCase(name)) {
        case "connection":
        case "keep-alive":
        case "transfer-encoding":
        case "trailer":
        case "upgrade":
          continue;
        case "content-length":
          // Of a body that there is, the length is known.
          if (!bodiless || told || status === 204 || RegExpPrototypeExec(DIGITS, value) === null) continue;
          told = true;
      }
      head += `${name}: ${value}\r\n`;
    }
    if (!bodiless) head += chunked ? "transfer-encoding: chunked\r\n" : answer.length >= 0 ? `content-length: ${answer.length}\r\n` : "";
    if (!request.head.keepAlive) head += "connection: close\r\n";
    await this.#push(latin1(`${head}\r\n`));
    if (rid !== null && !bodiless) await this.#stream(rid, chunked);
  }

  async #stream(rid, chunked) {
    await passBody(rid, chunked, (bytes) => this.#push(bytes), () => this.#over);
  }

  // A request is read and answered.
  #next() {
    const { cancel, head: { keepAlive }, key } = this.#request;
    core.tryClose(cancel);
    this.#request = null;
    // What asked for another protocol has no other message.
    if (!keepAlive || key !== undefined) return this.#close();
    this.#parser.resume();
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null) this.write(rest.bytes, rest.done);
    else if (this.#ending) this.#close();
  }
}

return { Exchange };
})();
