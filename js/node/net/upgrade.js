// A connection that a client of Node's has asked to be a WebSocket's (https://www.rfc-editor.org/rfc/rfc6455): its frames are read and written here. Its messages
// go by a WebSocket of the worker's own, whose handshake passed the policy as every other. Without extensions; a ping is answered here.
(function () {
const { core, primordials } = __bootstrap;
const { op_websocket_accept, op_websocket_close, op_websocket_end, op_websocket_next, op_websocket_send, op_websocket_send_text } = core.ops;
const {
  ArrayPrototypePush,
  Promise,
  StringPrototypeToLowerCase,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  TypedArrayPrototypeSubarray,
  Uint8Array,
} = primordials;
const { endContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { whole } = core.loadExtScript("ext:workerd_lite/node/net/bytes.js");
const { reset } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { setTransport } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");
const { give, latin1 } = core.loadExtScript("ext:workerd_lite/node/net/wire.js");

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
// Codes of closing (RFC 6455, section 7.4).
const NO_CODE = 1005;
const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;
// Bytes of a message, in all its frames.
const LONGEST = 32 << 20;
const MOST_OF_CONTROL = 125;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// What says that the server has understood the key.
function acceptOf(key) {
  const { createHash } = core.loadExtScript("ext:deno_node/internal/crypto/hash.ts");
  return createHash("sha1").update(key + GUID).digest("base64");
}

// The first value of a field in `[name, value, name, value]`.
function field(headers, name) {
  for (let i = 0; i < headers.length; i += 2) {
    if (StringPrototypeToLowerCase(headers[i]) === name) return headers[i + 1];
  }
  return undefined;
}

// The key of a request that asks for a WebSocket; undefined where it asks for something else.
function keyOf(head) {
  if (head.method !== "GET" || StringPrototypeToLowerCase(field(head.headers, "upgrade") ?? "") !== "websocket") return undefined;
  return field(head.headers, "sec-websocket-key");
}

const OF_HANDSHAKE = {
  __proto__: null,
  connection: true,
  "content-length": true,
  "keep-alive": true,
  "sec-websocket-accept": true,
  "sec-websocket-extensions": true,
  "sec-websocket-key": true,
  "sec-websocket-version": true,
  "transfer-encoding": true,
  upgrade: true,
};

// The fields of a request or an answer that are the author's to send, as pairs.
function ownFields(pairs) {
  const list = [];
  for (let i = 0; i < pairs.length; i++) {
    if (!OF_HANDSHAKE[StringPrototypeToLowerCase(pairs[i][0])]) ArrayPrototypePush(list, [pairs[i][0], pairs[i][1]]);
  }
  return list;
}

function frame(opcode, payload) {
  const length = TypedArrayPrototypeGetByteLength(payload);
  const extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const bytes = new Uint8Array(2 + extended + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  for (let i = 0, rest = length; i < extended; i++, rest = (rest - rest % 256) / 256) bytes[1 + extended - i] = rest % 256;
  TypedArrayPrototypeSet(bytes, payload, 2 + extended);
  return bytes;
}

function closing(code, reason) {
  if (code === NO_CODE) return frame(CLOSE, new Uint8Array(0));
  const text = core.encode(reason);
  const payload = new Uint8Array(2 + TypedArrayPrototypeGetByteLength(text));
  payload[0] = code >> 8;
  payload[1] = code & 255;
  TypedArrayPrototypeSet(payload, text, 2);
  return frame(CLOSE, payload);
}

class Upgrade {
  #socket;
  #context;
  #rid;
  // What was written and is no whole frame yet, and how much of it there is to be.
  #unread = [];
  #size = 0;
  #need = 2;
  // The frames of a message that goes on.
  #pieces = [];
  #length = 0;
  #opcode = CONTINUATION;
  #hasClosed = false;
  #wanted = null;

  constructor(socket, context, rid) {
    this.#socket = socket;
    this.#context = context;
    this.#rid = rid;
    op_websocket_accept(context.id, rid);
    setTransport(socket, this);
  }

  // Tells the client that it has its WebSocket, and follows it.
  begin(key, answer) {
    let head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n`;
    const fields = ownFields(answer.headers);
    for (let i = 0; i < fields.length; i++) head += `${fields[i][0]}: ${fields[i][1]}\r\n`;
    give(this.#socket, latin1(`${head}\r\n`));
    this.#follow();
  }

  open() {}

  write(bytes, done) {
    // Whoever wrote the bytes may use their memory again.
    ArrayPrototypePush(this.#unread, TypedArrayPrototypeSlice(bytes));
    this.#size += TypedArrayPrototypeGetByteLength(bytes);
    while (this.#rid !== null && this.#size >= this.#need) {
      if (!this.#step()) break;
    }
    done();
  }

  end(done) {
    done();
    if (!this.#hasClosed) this.destroy();
  }

  read() {
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) wanted();
  }

  destroy() {
    if (this.#rid === null) return;
    const rid = this.#rid;
    this.#rid = null;
    this.read();
    if (op_websocket_end(this.#context.id, rid)) endContext(this.#context.id);
  }

  // Reads one frame, where it is whole.
  #step() {
    const bytes = whole(this.#unread);
    this.#unread = [bytes];
    const masked = (bytes[1] & 0x80) !== 0;
    const short = bytes[1] & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = 2 + extended + 4;
    if (!masked || (bytes[0] & 0x70) !== 0) return this.#refuse(PROTOCOL_ERROR);
    this.#need = start;
    if (this.#size < start) return false;
    let length = extended === 0 ? short : 0;
    for (let i = 0; i < extended; i++) length = length * 256 + bytes[2 + i];
    if (length > LONGEST) return this.#refuse(TOO_BIG);
    this.#need = start + length;
    if (this.#size < this.#need) return false;
    const payload = TypedArrayPrototypeSlice(bytes, start, start + length);
    for (let i = 0; i < length; i++) payload[i] ^= bytes[start - 4 + (i & 3)];
    this.#unread = [TypedArrayPrototypeSubarray(bytes, start + length)];
    this.#size -= start + length;
    this.#need = 2;
    return this.#frame(bytes[0] & 0x0f, (bytes[0] & 0x80) !== 0, payload);
  }

  // Gives whether there may be more.
  #frame(opcode, isLast, payload) {
    const length = TypedArrayPrototypeGetByteLength(payload);
    if (opcode >= CLOSE) {
      if (!isLast || length > MOST_OF_CONTROL) return this.#refuse(PROTOCOL_ERROR);
      if (opcode === PING) give(this.#socket, frame(PONG, payload));
      else if (opcode === CLOSE) this.#close(length < 2 ? NO_CODE : payload[0] << 8 | payload[1], core.decode(TypedArrayPrototypeSubarray(payload, 2)));
      else if (opcode !== PONG) return this.#refuse(PROTOCOL_ERROR);
      return true;
    }
    const isFirst = this.#opcode === CONTINUATION;
    if (opcode > BINARY || isFirst !== (opcode !== CONTINUATION)) return this.#refuse(PROTOCOL_ERROR);
    if (isFirst) this.#opcode = opcode;
    this.#length += length;
    if (this.#length > LONGEST) return this.#refuse(TOO_BIG);
    ArrayPrototypePush(this.#pieces, payload);
    if (!isLast) return true;
    const message = whole(this.#pieces);
    const kind = this.#opcode;
    this.#pieces = [];
    this.#length = 0;
    this.#opcode = CONTINUATION;
    if (this.#hasClosed) return true;
    try {
      if (kind === TEXT) op_websocket_send_text(this.#rid, core.decode(message));
      else op_websocket_send(this.#rid, message);
    } catch (error) {
      this.#fail(error);
      return false;
    }
    return true;
  }

  #close(code, reason) {
    if (this.#hasClosed) return;
    this.#hasClosed = true;
    op_websocket_close(this.#rid, code, reason);
  }

  // What the client writes is no WebSocket's.
  #refuse(code) {
    this.#close(code, "");
    give(this.#socket, closing(code, ""));
    this.destroy();
    this.#socket.push(null);
    return false;
  }

  #fail(error) {
    this.destroy();
    this.#socket.destroy(reset(error.message));
  }

  async #push(bytes) {
    if (!give(this.#socket, bytes)) {
      await new Promise((resolve) => {
        this.#wanted = resolve;
      });
    }
  }

  async #follow() {
    try {
      while (this.#rid !== null) {
        const got = await op_websocket_next(this.#context.id, this.#rid);
        if (this.#rid === null) return;
        if (typeof got === "string") {
          await this.#push(frame(TEXT, core.encode(got)));
        } else if (got !== null && got.bytes !== undefined) {
          await this.#push(frame(BINARY, got.bytes));
        } else if (got !== null && got.failure !== undefined) {
          return this.#fail({ __proto__: null, message: got.failure });
        } else {
          // Without a word where the connection broke.
          if (got !== null) {
            this.#close(got.code, got.reason);
            give(this.#socket, closing(got.code, got.reason));
          }
          this.destroy();
          return this.#socket.push(null);
        }
      }
    } catch (error) {
      if (this.#rid !== null) this.#fail(error);
    }
  }
}

return { keyOf, ownFields, Upgrade };
})();
