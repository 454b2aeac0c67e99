// A connection whose client speaks no HTTP/1.1, or waits for the server's first word: it goes by `connect()`, which the policy allows or not.
(function () {
const { core, primordials } = __bootstrap;
const {
  op_tcp_connect,
  op_tcp_end,
  op_tcp_finish,
  op_tcp_new,
  op_tcp_readable,
  op_tcp_start_tls,
  op_tcp_write,
} = core.ops;
const { PromisePrototypeThen, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSlice, Uint8Array } = primordials;
const { refused, reset } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { give } = core.loadExtScript("ext:workerd_lite/node/net/wire.js");

const PIECE = 64 << 10;
const PLAIN = -1;
const NOT_ALLOWED = "what a connection carries goes by fetch() where it is HTTP/1.1, and else by connect(), which nobody has allowed, or nobody answers there";

class Tunnel {
  #socket;
  #context;
  #rid;
  #reader = null;
  #secured = false;
  #over = false;
  #reading = false;
  #opened;
  host;

  // `secure` is `secureTransport`. Its bytes are `socket`'s.
  constructor(socket, context, host, port, secure) {
    this.#socket = socket;
    this.#context = context;
    this.host = host;
    this.#rid = op_tcp_new(context.id, host);
    this.#opened = op_tcp_connect(context.id, this.#rid, host, port, secure, PLAIN);
    PromisePrototypeThen(this.#opened, undefined, (error) => this.#fail(refused(host, port, NOT_ALLOWED, error)));
  }

  open() {
    this.read();
  }

  #fail(error) {
    if (this.#over) return;
    const socket = this.#socket;
    this.destroy();
    socket.destroy(error);
  }

  // Its socket wants to read.
  read() {
    if (this.#over || this.#reading) return;
    this.#reading = true;
    this.#read();
  }

  async #read() {
    const secured = this.#secured;
    try {
      await this.#opened;
      if (this.#over || this.#secured !== secured) return;
      this.#reader ??= op_tcp_readable(this.#context.id, this.#rid, secured);
      for (;;) {
        const room = new Uint8Array(PIECE);
        const count = await core.read(this.#reader, room);
        // It has another reader since.
        if (this.#over || this.#secured !== secured) return;
        if (count === 0) {
          this.#reading = false;
          this.#socket.push(null);
          return;
        }
        if (!give(this.#socket, count < PIECE / 2 ? TypedArrayPrototypeSlice(room, 0, count) : new Uint8Array(TypedArrayPrototypeGetBuffer(room), 0, count))) break;
      }
      this.#reading = false;
    } catch (error) {
      if (this.#secured === secured) this.#fail(reset(error.message));
    }
  }

  write(bytes, done) {
    if (this.#over) return done(reset("the connection is closed"));
    if (TypedArrayPrototypeGetByteLength(bytes) === 0) return done();
    PromisePrototypeThen(
      op_tcp_write(this.#rid, bytes, this.#secured),
      () => done(),
      (error) => done(reset(error.message)),
    );
  }

  // Nothing more is written.
  end(done) {
    if (this.#over) return done();
    PromisePrototypeThen(op_tcp_finish(this.#rid, this.#secured), () => done(), () => done());
  }

  destroy() {
    if (this.#over) return;
    this.#over = true;
    op_tcp_end(this.#rid);
  }

  // It is another socket's from now on, and goes on under TLS. Gives a promise of that.
  startTls(socket, name) {
    this.#socket = socket;
    this.#secured = true;
    this.#reading = false;
    this.#reader = null;
    return op_tcp_start_tls(this.#rid, name);
  }

  static is(transport) {
    return typeof transport === "object" && transport !== null && #rid in transport;
  }
}

const { is: isTunnel } = Tunnel;
delete Tunnel.is;

return { isTunnel, Tunnel };
})();
