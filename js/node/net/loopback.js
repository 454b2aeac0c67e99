// A connection between two sockets of one isolate: a client's, and one of a server's that listens on a port or a path of it. Its bytes go from one to the other
// and nowhere else: no policy is asked, as nothing leaves.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  ArrayPrototypeSplice,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSlice,
} = primordials;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { AsyncResource } = core.loadExtScript("ext:workerd_lite/node/async_hooks.js");
const { setImmediate } = core.loadExtScript("ext:workerd_lite/node/timers.js");
const { whole } = core.loadExtScript("ext:workerd_lite/node/net/bytes.js");
const { reset, systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { setTransport } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");
const { give } = core.loadExtScript("ext:workerd_lite/node/net/wire.js");

// Bytes that wait for their reader before who writes has to wait: as much as a machine's sockets keep.
const ROOM = 64 << 10;

const broken = () => systemError("write", "EPIPE", "", {});

class Loopback {
  // It carries what it is given, as long as both ends have it.
  lasts = true;
  #socket;
  #other = null;
  // Listeners run with the stores of where the connection was made.
  #scope = new AsyncResource("TCPWRAP");
  #queue = [];
  #size = 0;
  // Writes that wait for room.
  #waiting = [];
  // The event in which it is delivered next. What waits for one that has ended waits for nothing.
  #scheduled = null;
  // The reader has enough for now.
  #full = false;
  #ended = false;
  #told = false;
  #over = false;
  #failure = null;

  constructor(socket) {
    this.#socket = socket;
  }

  static join(client, server) {
    const one = new Loopback(client);
    const other = new Loopback(server);
    one.#other = other;
    other.#other = one;
    setTransport(client, one);
    setTransport(server, other);
    return one;
  }

  open() {}

  write(bytes, done) {
    const other = this.#other;
    if (this.#over || other.#over) return done(broken());
    // Whoever wrote the bytes may use their memory again.
    ArrayPrototypePush(other.#queue, TypedArrayPrototypeSlice(bytes));
    other.#size += TypedArrayPrototypeGetByteLength(bytes);
    if (other.#size <= ROOM) done();
    else ArrayPrototypePush(other.#waiting, done);
    other.#schedule();
  }

  end(done) {
    this.#other.#finish(null);
    done();
  }

  read() {
    this.#full = false;
    if (this.#size > 0 || this.#ended) this.#schedule();
  }

  // The peer is told that there is no connection, in the place of an end.
  reset() {
    this.#other.#finish(reset());
  }

  destroy() {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    this.#size = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let i = 0; i < waiting.length; i++) waiting[i](broken());
    this.#other.#finish(null);
  }

  // The other end writes no more.
  #finish(failure) {
    if (this.#over) return;
    this.#ended = true;
    this.#failure ??= failure;
    this.#schedule();
  }

  // Never within the call that writes: whoever writes has more to say before it hears an answer.
  #schedule() {
    if (this.#over || this.#told || (this.#scheduled !== null && !this.#scheduled.ended)) return;
    const context = currentContext();
    if (context === undefined) return;
    try {
      setImmediate(() => {
        this.#scheduled = null;
        this.#scope.runInAsyncScope(() => this.#deliver());
      });
      this.#scheduled = context;
    } catch {
      // Its event has ended, and nobody reads.
    }
  }

  // What one read of a connection gives: pieces that wait are one, as far as there is room.
  #next() {
    let count = 1;
    let size = TypedArrayPrototypeGetByteLength(this.#queue[0]);
    for (; count < this.#queue.length; count++) {
      const length = TypedArrayPrototypeGetByteLength(this.#queue[count]);
      if (size + length > ROOM) break;
      size += length;
    }
    if (count === 1) return ArrayPrototypeShift(this.#queue);
    return whole(ArrayPrototypeSplice(this.#queue, 0, count));
  }

  #deliver() {
    if (this.#over || this.#told) return;
    if (this.#failure !== null) {
      this.#told = true;
      this.#socket.destroy(this.#failure);
      return;
    }
    while (this.#queue.length > 0 && !this.#full && !this.#over) {
      const bytes = this.#next();
      this.#size -= TypedArrayPrototypeGetByteLength(bytes);
      this.#full = !give(this.#socket, bytes);
      while (this.#waiting.length > 0 && this.#size <= ROOM) ArrayPrototypeShift(this.#waiting)();
    }
    if (!this.#ended || this.#queue.length > 0 || this.#over) return;
    this.#told = true;
    this.#socket.push(null);
    // Who does not read hears of the end all the same, once it has nothing to read.
    if (this.#socket.readableLength === 0) this.#socket.read(0);
  }
}

return { Loopback };
})();
