// What `node:zlib` calls handles: `init`, `params`, `write`, `writeSync`, `reset`, `close`, over ops that take a bounded piece at a time.
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  MathMin,
  RangeError,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
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
const NOTHING = new Uint8Array(0);

// zlib's numbers, and that of the coders which have others.
const OK = 0;
const STREAM_END = 1;
const BUFFER_ERROR = -5;
const FAILED = -100;

// Kinds of coders, by what ends their input and by how they fail.
const ZLIB = 0;
const BROTLI = 1;
const ZSTD = 2;
const FINISH = [4, 2, 2];
const BROTLI_DECODE = 8;

const CODES = {
  __proto__: null,
  0: "Z_OK",
  2: "Z_NEED_DICT",
  "-2": "Z_STREAM_ERROR",
  "-3": "Z_DATA_ERROR",
  "-4": "Z_MEM_ERROR",
  "-5": "Z_BUF_ERROR",
};

// Rust reads one and writes the other: they are of different buffers.
function apart(input, offset, length) {
  const copy = new Uint8Array(length);
  TypedArrayPrototypeSet(copy, new Uint8Array(TypedArrayPrototypeGetBuffer(input), TypedArrayPrototypeGetByteOffset(input) + offset, length));
  return copy;
}

function checkRange(bytes, offset, length) {
  if (offset >>> 0 !== offset || length >>> 0 !== length || offset + length > TypedArrayPrototypeGetByteLength(bytes)) {
    throw new RangeError("Index out of range");
  }
}

const eventNow = () => currentContext()?.id ?? 0;

class Handle {
  #mode;
  #kind;
  #rid = -1;
  #left = new Uint32Array(2);

  constructor(mode, kind) {
    this.#mode = mode;
    this.#kind = kind;
  }

  // Whether the parameters can be.
  _open(params, pledged, dictionary) {
    this.close();
    this.#rid = ops.op_node_zlib_new(eventNow(), this.#mode, params, pledged, dictionary ?? NOTHING);
    return this.#rid >= 0;
  }

  #run(flush, input, offset, length, output, outOffset, outLength) {
    const left = this.#left;
    let read = 0;
    let written = 0;
    let status = OK;
    // A piece at a time, so that what takes long can be stopped.
    for (;;) {
      const inputs = length - read;
      const outputs = outLength - written;
      status = ops.op_node_zlib_run(this.#rid, flush, input, offset + read, inputs, output, outOffset + written, outputs, left);
      const gave = outputs - left[0];
      const took = inputs - left[1];
      read += took;
      written += gave;
      if (status !== OK && status !== BUFFER_ERROR) break;
      if (written === outLength || (left[1] === 0 && gave < MathMin(outputs, PIECE))) break;
      if (took === 0 && gave === 0) break;
    }
    left[0] = outLength - written;
    left[1] = length - read;
    return status;
  }

  writeSync(flush, input, offset, length, output, outOffset, outLength, state) {
    if (this.#rid < 0) throw new Error("zlib binding closed");
    checkRange(output, outOffset, outLength);
    let from = NOTHING;
    if (input !== null && input !== undefined) {
      checkRange(input, offset, length);
      from = input;
      if (TypedArrayPrototypeGetBuffer(input) === TypedArrayPrototypeGetBuffer(output)) {
        from = apart(input, offset, length);
        offset = 0;
      }
    } else {
      offset = 0;
      length = 0;
    }
    let status;
    try {
      status = this.#run(flush, from, offset, length, output, outOffset, outLength);
    } catch (error) {
      this.close();
      throw error;
    }
    const room = this.#left[0];
    state[0] = room;
    state[1] = this.#left[1];
    if (status === STREAM_END) return;
    if (status === OK || status === BUFFER_ERROR) {
      if (flush !== FINISH[this.#kind]) return;
      if (this.#kind === ZLIB ? room === 0 : this.#mode !== BROTLI_DECODE || status === OK) return;
    }
    this.#fail(status);
  }

  #fail(status) {
    if (this.#kind !== ZLIB && status === BUFFER_ERROR) {
      this.onerror("unexpected end of file", BUFFER_ERROR, "Z_BUF_ERROR");
      return;
    }
    const words = ops.op_node_zlib_failure(this.#rid, status);
    const first = StringPrototypeIndexOf(words, "\n");
    const second = StringPrototypeIndexOf(words, "\n", first + 1);
    const number = +StringPrototypeSlice(words, 0, first);
    const code = status === FAILED ? StringPrototypeSlice(words, first + 1, second) : CODES[status];
    this.onerror(StringPrototypeSlice(words, second + 1), number, code);
  }

  write(flush, input, offset, length, output, outOffset, outLength, state) {
    this.writeSync(flush, input, offset, length, output, outOffset, outLength, state);
  }

  params(level, strategy) {
    if (this.#rid >= 0) ops.op_node_zlib_params(this.#rid, level, strategy);
  }

  reset() {
    if (this.#rid >= 0) ops.op_node_zlib_reset(this.#rid);
  }

  setRejectGarbageAfterEnd(reject) {
    if (this.#rid >= 0) ops.op_node_zlib_only_one(this.#rid, reject === true);
  }

  close() {
    if (this.#rid >= 0) ops.op_node_zlib_close(this.#rid);
    this.#rid = -1;
  }
}

const settings = new Uint32Array(4);

class Zlib extends Handle {
  constructor(mode) {
    super(mode, ZLIB);
  }

  init(windowBits, level, memLevel, strategy, _callback, dictionary) {
    settings[0] = level;
    settings[1] = windowBits;
    settings[2] = memLevel;
    settings[3] = strategy;
    if (!this._open(settings, -1, dictionary)) throw new Error("Invalid parameters");
  }
}

class BrotliEncoder extends Handle {
  constructor(mode) {
    super(mode, BROTLI);
  }

  init(params) {
    return this._open(params, -1);
  }
}

class BrotliDecoder extends Handle {
  constructor(mode) {
    super(mode, BROTLI);
  }

  init(params) {
    return this._open(params, -1);
  }
}

class ZstdCompress extends Handle {
  constructor(mode) {
    super(mode, ZSTD);
  }

  init(params, _callback, pledged, dictionary) {
    return this._open(params, +pledged, dictionary);
  }
}

class ZstdDecompress extends Handle {
  constructor(mode) {
    super(mode, ZSTD);
  }

  init(params, _callback, _pledged, dictionary) {
    return this._open(params, -1, dictionary);
  }
}

const zlibOps = {
  __proto__: null,
  BrotliDecoder,
  BrotliEncoder,
  Zlib,
  ZstdCompress,
  ZstdDecompress,
  op_zlib_crc32: (bytes, start = 0) => ops.op_node_crc32(bytes, start >>> 0) >>> 0,
  op_zlib_crc32_string: (text, start = 0) => ops.op_node_crc32(core.encode(text), start >>> 0) >>> 0,
};

return { zlibOps };
})();
