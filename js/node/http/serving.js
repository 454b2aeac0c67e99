// One request that a worker was given, as a connection to a server of Node's: its bytes are read from the socket, and what is written is the response.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_raw, op_trailers_follow, op_trailers_say } = core.ops;
const {
  ArrayPrototypePush,
  Error,
  ObjectPrototypeIsPrototypeOf,
  Promise,
  RegExpPrototypeExec,
  StringPrototypeToLowerCase,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypeError,
  Uint8Array,
} = primordials;
const { extractBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
const { RequestPrototype, toInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { fromInnerResponse, newInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { ResourceBody, setKnownLength, setTrailing } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { keepsCoding } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { joinHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { failure, MessageParser, NO_BODY, RESPONSE } = core.loadExtScript("ext:workerd_lite/node/http/message.js");
const { BodyStream } = core.loadExtScript("ext:workerd_lite/node/net/body_stream.js");
const { reset } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { accept, serverAt } = core.loadExtScript("ext:workerd_lite/node/net/server.js");
const { peerOf, Socket } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
const { setTransport } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { give, lastChunk, latin1, passBody, Piece } = core.loadExtScript("ext:workerd_lite/node/net/wire.js");

// A response's head; what an event may send is less.
const LONGEST_HEAD = 1 << 20;
// Fields of the connection, and not of the message.
const CONNECTIONS = { __proto__: null, connection: true, "keep-alive": true, "transfer-encoding": true, trailer: true, upgrade: true };
const DIGITS = /^[0-9]{1,15}$/;

class Serving {
  #socket;
  #method;
  #parser;
  #settle;
  #response = null;
  #stream = null;
  #pieces = [];
  #size = 0;
  #complete = false;
  #wanted = null;
  #over = false;
  // The trailers that have come, and the resource that they are said to.
  #behind = [];
  #trailers = null;

  // `settle` takes the response, or the error that there is none.
  constructor(socket, method, settle) {
    this.#socket = socket;
    this.#method = method;
    this.#settle = settle;
    this.#parser = new MessageParser(RESPONSE, LONGEST_HEAD, {
      __proto__: null,
      onBegin() {},
      onHead: (head) => this.#head(head),
      onBody: (bytes) => this.#body(bytes),
      onTrailers: (fields) => {
        for (let i = 0; i < fields.length; i += 2) ArrayPrototypePush(this.#behind, [fields[i], fields[i + 1]]);
      },
      onEnd: () => this.#end(),
    });
  }

  write(bytes, done) {
    // A response is one: what follows is nobody's.
    if (this.#over || this.#complete) return done();
    const used = this.#parser.execute(bytes);
    if (typeof used !== "number") return done(used);
    this.#respond();
    if (this.#stream !== null && !this.#complete) this.#stream.whenTaken(done);
    else done();
  }

  end(done) {
    if (!this.#over && !this.#complete) {
      const error = this.#parser.finish();
      this.#respond();
      if (!this.#complete) this.#fail(error ?? reset("the server ended the connection without a response"));
    }
    done();
  }

  read() {
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) wanted();
  }

  destroy(error) {
    if (this.#over) return;
    if (!this.#complete) {
      // A body that ends with its connection.
      if (!error && this.#parser.finish() === undefined) this.#respond();
      if (!this.#complete) this.#fail(error ?? reset("socket hang up"));
    }
    this.#over = true;
    this.read();
  }

  #fail(error) {
    this.#over = true;
    if (this.#stream !== null) this.#stream.fail(error);
    else if (this.#response === null) this.#settle(null, error);
  }

  #head(head) {
    if (head.status < 200) {
      if (head.status === 101) throw failure("HPE_USER", "a response to a request can not switch protocols");
      return 0;
    }
    this.#response = head;
    return this.#method === "HEAD" ? NO_BODY : 0;
  }

  #body(bytes) {
    if (this.#stream !== null) return this.#stream.add(bytes);
    ArrayPrototypePush(this.#pieces, bytes);
    this.#size += TypedArrayPrototypeGetByteLength(bytes);
  }

  #end() {
    if (this.#response === null) return;
    this.#complete = true;
    this.#parser.pause();
    this.#sayTrailers();
    if (this.#stream !== null) this.#stream.end();
  }

  #sayTrailers() {
    if (this.#trailers !== null && this.#behind.length > 0) op_trailers_say(this.#trailers, joinHeaders(this.#behind));
    this.#trailers = null;
  }

  // Once there is a head.
  #respond() {
    if (this.#response === null || this.#settle === null) return;
    const settle = this.#settle;
    this.#settle = null;
    const { headers, reason, status } = this.#response;
    const inner = newInnerResponse(status, reason);
    const announced = [];
    for (let i = 0; i < headers.length; i += 2) {
      const name = StringPrototypeToLowerCase(headers[i]);
      if (!CONNECTIONS[name]) ArrayPrototypePush(inner.headerList, [headers[i], headers[i + 1]]);
      else if (name === "trailer") ArrayPrototypePush(announced, [name, headers[i + 1]]);
    }
    const bodiless = this.#method === "HEAD" || status === 204 || status === 205 || status === 304;
    const trails = this.#response.chunked && (announced.length > 0 || this.#behind.length > 0);
    if (!bodiless) inner.body = extractBody(this.#complete && !trails ? this.#whole() : this.#streamed()).body;
    if (!bodiless && trails) this.#follow(announced);
    // Node's servers encode what they send.
    keepsCoding(inner);
    settle(fromInnerResponse(inner, "response"), null);
  }

  #whole() {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (let i = 0; i < this.#pieces.length; i++) {
      TypedArrayPrototypeSet(bytes, this.#pieces[i], at);
      at += TypedArrayPrototypeGetByteLength(this.#pieces[i]);
    }
    this.#pieces = [];
    return bytes;
  }

  #streamed() {
    this.#stream = new BodyStream(() => this.#socket.destroy());
    if (this.#size > 0) this.#stream.add(this.#whole());
    if (this.#response.length >= 0) setKnownLength(this.#stream.stream, this.#response.length);
    return this.#stream.stream;
  }

  // What is announced follows the body, once that is sent.
  #follow(announced) {
    setTrailing(this.#stream.stream, (body) => {
      const { 0: trailed, 1: trailers } = op_trailers_follow(currentContext().id, body, joinHeaders(announced));
      this.#trailers = trailers;
      if (this.#complete) this.#sayTrailers();
      return trailed;
    });
    if (this.#complete) this.#stream.end();
  }

  async #push(bytes) {
    if (this.#over) return;
    if (!give(this.#socket, bytes)) {
      await new Promise((resolve) => {
        this.#wanted = resolve;
      });
    }
  }

  // Writes the request to the server.
  async give(inner, url) {
    const { body } = inner;
    const { headerList, method } = inner;
    let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`;
    let host = false;
    let length = null;
    for (let i = 0; i < headerList.length; i++) {
      const { 0: name, 1: value } = headerList[i];
      switch (StringPrototypeToLowerCase(name)) {
        case "connection":
        case "keep-alive":
        case "transfer-encoding":
        case "trailer":
        case "upgrade":
        case "expect":
          continue;
        case "content-length":
          if (body !== null && length === null && RegExpPrototypeExec(DIGITS, value) !== null) length = value;
          continue;
        case "host":
          if (host) continue;
          host = true;
      }
      head += `${name}: ${value}\r\n`;
    }
    if (!host) head += `host: ${url.host}\r\n`;
    if (body === null) return await this.#push(latin1(`${head}\r\n`));
    const rid = ObjectPrototypeIsPrototypeOf(ResourceBody.prototype, body) ? body.take() : null;
    if (rid !== null) {
      const size = op_body_raw(rid);
      if (size >= 0) length = `${size}`;
      head += length === null ? "transfer-encoding: chunked\r\n" : `content-length: ${length}\r\n`;
      await this.#push(latin1(`${head}\r\n`));
      return await this.#pass(rid, length === null);
    }
    const { stream } = body;
    length ??= typeof body.length === "number" ? `${body.length}` : null;
    head += length === null ? "transfer-encoding: chunked\r\n" : `content-length: ${length}\r\n`;
    await this.#push(latin1(`${head}\r\n`));
    await this.#pump(stream.getReader(), length === null);
  }

  // A body that no script has looked at, with its trailers.
  async #pass(rid, chunked) {
    await passBody(rid, chunked, (bytes) => this.#push(bytes), () => this.#over);
  }

  async #pump(reader, chunked) {
    while (!this.#over) {
      const { done, value } = await reader.read();
      if (done) break;
      const length = TypedArrayPrototypeGetByteLength(value);
      if (!chunked) {
        await this.#push(value);
        continue;
      }
      for (let at = 0; at < length;) {
        const piece = new Piece();
        const size = piece.fill(value, at);
        await this.#push(piece.chunk(size));
        at += size;
      }
    }
    if (chunked) await this.#push(latin1(lastChunk([])));
  }
}

// Where the client connected from, as the platform tells it.
function clientOf(request) {
  return request.headers.get("cf-connecting-ip") ?? request.headers.get("x-real-ip") ?? "127.0.0.1";
}

// Has the server of a port answer a request. https://developers.cloudflare.com/workers/runtime-apis/nodejs/http/#handleasnoderequest
async function serve(port, request) {
  if (!ObjectPrototypeIsPrototypeOf(RequestPrototype, request)) throw new TypeError("handleAsNodeRequest() takes a Request");
  const server = serverAt(port);
  if (server === undefined) {
    throw new Error(`Http server with port ${port} not found. This is likely a bug with your code. You should check if server.listen() was called with the same port (${port})`);
  }
  const inner = toInnerRequest(request);
  const url = new URL(inner.currentUrl());
  const socket = new Socket({ allowHalfOpen: true });
  socket._peer = peerOf(clientOf(request), 0);
  socket._sockname = { address: "127.0.0.1", family: "IPv4", port };
  socket.encrypted = url.protocol === "https:";
  const response = new Promise((resolve, reject) => {
    const serving = new Serving(socket, inner.method, (made, error) => {
      if (error === null) resolve({ __proto__: null, made });
      else reject(error);
    });
    setTransport(socket, serving);
    request.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    // A connection that fails is the server's to hear of.
    socket.on("error", () => {});
    accept(server, socket);
    feed(serving, socket, inner, url);
  });
  return (await response).made;
}

async function feed(serving, socket, inner, url) {
  try {
    await serving.give(inner, url);
  } catch (error) {
    socket.destroy(error);
  }
}

return { serve };
})();
