// What `node:zlib` calls handles: `init`, `write`, `writeSync`, `reset`, `close`, over ops that take a bounded piece at a time.
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  MathMin,
  RangeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeSet,
  Uint32Array,
  Uint8Array,
} = primordials;
const { ops } = core;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

const PIECE = 64 * 1024;

// By what Rust answers: zlib's number, its name and its words.
const FAILURES = {
  __proto__: null,
  2: [2, "Z_NEED_DICT", "Missing dictionary"],
  "-3": [-3, "Z_DATA_ERROR", "invalid block type"],
  "-30": [-3, "Z_DATA_ERROR", "incorrect header check"],
  "-31": [-3, "Z_DATA_ERROR", "incorrect data check"],
  "-5": [-5, "Z_BUF_ERROR", "unexpected end of file"],
};
const Z_FINISH = 4;

function part(bytes, offset, length) {
  const whole = TypedArrayPrototypeGetByteLength(bytes);
  if (offset >>> 0 !== offset || length >>> 0 !== length || offset + length > whole) throw new RangeError("Index out of range");
  return new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + offset, length);
}

// Rust reads one and writes the other: they are of different buffers.
function apart(input, output) {
  if (TypedArrayPrototypeGetBuffer(input) !== TypedArrayPrototypeGetBuffer(output)) return input;
  const copy = new Uint8Array(TypedArrayPrototypeGetByteLength(input));
  TypedArrayPrototypeSet(copy, input);
  return copy;
}

const eventNow = () => currentContext()?.id ?? 0;

class Zlib {
  #mode;
  #rid = -1;
  #left = new Uint32Array(2);

  constructor(mode) {
    this.#mode = mode;
  }

  init(_windowBits, level, _memLevel, _strategy, _state, _callback, dictionary) {
    if (dictionary !== undefined && TypedArrayPrototypeGetByteLength(dictionary) > 0) {
      throw new Error("dictionaries are not available in workerd-lite");
    }
    this.#rid = ops.op_node_zlib_new(eventNow(), this.#mode, level);
  }

  #run(flush, input, output) {
    let read = 0;
    let written = 0;
    let status = 0;
    const inputs = TypedArrayPrototypeGetByteLength(input);
    const outputs = TypedArrayPrototypeGetByteLength(output);
    // A piece at a time, so that what takes long can be stopped.
    for (;;) {
      const taken = MathMin(inputs - read, PIECE);
      const room = MathMin(outputs - written, PIECE);
      const last = read + taken === inputs;
      status = ops.op_node_zlib_run(this.#rid, last ? flush : 0, part(input, read, taken), part(output, written, room), this.#left);
      const took = taken - this.#left[1];
      const gave = room - this.#left[0];
      read += took;
      written += gave;
      // What fails has failed, but for want of input or room.
      if (status !== 0 && status !== -5) break;
      if (last && this.#left[1] === 0 && this.#left[0] > 0) break;
      if (written === outputs || (took === 0 && gave === 0)) break;
    }
    return { __proto__: null, read, written, status };
  }

  writeSync(flush, input, offset, length, output, outOffset, outLength, state) {
    if (this.#rid < 0) throw new Error("zlib binding closed");
    const to = part(output, outOffset, outLength);
    const from = input === null || input === undefined ? new Uint8Array(0) : apart(part(input, offset, length), to);
    const { read, written, status } = this.#run(flush, from, to);
    state[0] = outLength - written;
    state[1] = length - read;
    const starved = status === -5 && (flush !== Z_FINISH || outLength === written);
    if (status === 0 || status === 1 || starved) return;
    const failure = FAILURES[status];
    this.onerror(failure[2], failure[0], failure[1]);
  }

  write(...args) {
    this.writeSync(args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7]);
  }

  params() {}

  reset() {
    if (this.#rid >= 0) ops.op_node_zlib_reset(this.#rid);
  }

  setRejectGarbageAfterEnd() {}

  close() {
    if (this.#rid >= 0) ops.op_node_zlib_close(this.#rid);
    this.#rid = -1;
  }
}

// Brotli by the coders that the Compression standard's streams have, which give output of their own size.
class Brotli {
  #decode;
  #rid = -1;
  #chunks = [];
  #first = 0;
  #finished = false;

  constructor(decode) {
    this.#decode = decode;
  }

  init() {
    this.#rid = ops.op_coder_new(eventNow(), "brotli", this.#decode);
    return true;
  }

  #keep(chunk) {
    if (TypedArrayPrototypeGetByteLength(chunk) > 0) this.#chunks[this.#chunks.length] = chunk;
  }

  // Moves what was coded into `to`, and gives how much.
  #drain(to) {
    const room = TypedArrayPrototypeGetByteLength(to);
    let written = 0;
    while (written < room) {
      if (this.#first === this.#chunks.length) {
        this.#chunks = [];
        this.#first = 0;
        if (!this.#decode || this.#finished) break;
        const more = ops.op_coder_read(this.#rid);
        if (TypedArrayPrototypeGetByteLength(more) === 0) break;
        this.#keep(more);
      }
      const chunk = this.#chunks[this.#first];
      const length = MathMin(TypedArrayPrototypeGetByteLength(chunk), room - written);
      TypedArrayPrototypeSet(to, part(chunk, 0, length), written);
      written += length;
      const rest = part(chunk, length, TypedArrayPrototypeGetByteLength(chunk) - length);
      if (TypedArrayPrototypeGetByteLength(rest) > 0) this.#chunks[this.#first] = rest;
      else this.#first++;
    }
    return written;
  }

  writeSync(operation, input, offset, length, output, outOffset, outLength, state) {
    if (this.#rid < 0 && !this.#finished) throw new Error("zlib binding closed");
    const to = part(output, outOffset, outLength);
    try {
      for (let at = 0; at < length && !this.#finished; at += PIECE) {
        this.#keep(ops.op_coder_write(this.#rid, part(input, offset + at, MathMin(PIECE, length - at))));
      }
      let written = this.#drain(to);
      if (operation === 2 && !this.#finished && written < outLength) {
        this.#keep(ops.op_coder_finish(this.#rid));
        this.#finished = true;
        written += this.#drain(part(to, written, outLength - written));
      }
      state[0] = outLength - written;
      state[1] = 0;
    } catch (error) {
      this.#finished = true;
      state[0] = outLength;
      state[1] = 0;
      if (this.#decode && operation === 2) this.onerror("unexpected end of file", -5, "Z_BUF_ERROR");
      else this.onerror("Decompression failed", -2, "ERR__ERROR_FORMAT_PADDING_1");
    }
  }

  write(...args) {
    this.writeSync(args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7]);
  }

  params() {}

  reset() {
    this.close();
    this.#chunks = [];
    this.#first = 0;
    this.#finished = false;
    this.init();
  }

  close() {
    if (this.#rid >= 0) ops.op_coder_close(this.#rid);
    this.#rid = -1;
  }
}

class BrotliEncoder extends Brotli {
  constructor() {
    super(false);
  }
}

class BrotliDecoder extends Brotli {
  constructor() {
    super(true);
  }
}

class Zstd {
  constructor() {
    throw new Error("zstd is not available in workerd-lite");
  }
}

const zlibOps = {
  __proto__: null,
  BrotliDecoder,
  BrotliEncoder,
  Zlib,
  ZstdCompress: Zstd,
  ZstdDecompress: Zstd,
  op_zlib_crc32: (bytes, start = 0) => ops.op_node_crc32(bytes, start >>> 0) >>> 0,
  op_zlib_crc32_string: (text, start = 0) => ops.op_node_crc32(core.encode(text), start >>> 0) >>> 0,
};

return { zlibOps };
})();
