// https://nodejs.org/docs/latest-v22.x/api/fs.html#class-filehandle
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  ObjectDefineProperty,
  Promise,
  PromiseResolve,
  ReflectApply,
  SafePromisePrototypeFinally,
  Symbol,
  SymbolAsyncDispose,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  Uint8Array,
} = primordials;
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateBoolean, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { ReadableStream, readableStreamCancel } = core.loadExtScript("ext:deno_web/06_streams.js");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const descriptors = core.loadExtScript("ext:workerd_lite/node/fs/descriptors.js");
const { calls } = core.loadExtScript("ext:workerd_lite/node/fs/io.js");
const { tick } = core.loadExtScript("ext:workerd_lite/node/fs/forms.js");
const streams = () => core.loadExtScript("ext:deno_node/internal/fs/streams.mjs");
const promises = () => core.loadExtScript("ext:workerd_lite/node/fs/promises.js").promises;

// What streams over a handle call.
const kRef = Symbol("kRef");
const kUnref = Symbol("kUnref");

function coded(error, code, syscall = undefined) {
  const define = (name, value) => ObjectDefineProperty(error, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  define("code", code);
  if (syscall !== undefined) define("syscall", syscall);
  return error;
}

const closed = (syscall) => coded(new Error("file closed"), "EBADF", syscall);

// A handle's descriptor; undefined of what is no handle.
let descriptorOf;
// Runs with a handle's descriptor, which is not closed meanwhile.
let use;

class FileHandle extends EventEmitter {
  #fd;
  #users = 1;
  #closing = null;
  #closed = null;
  #locked = false;

  constructor(fd) {
    super();
    this.#fd = fd;
  }

  static {
    descriptorOf = (value) => typeof value === "object" && value !== null && #fd in value ? value.#fd : undefined;
    use = async (handle, syscall, run) => {
      if (!(#fd in handle)) throw coded(new Error("handle must be an instance of FileHandle"), "ERR_INTERNAL_ASSERTION");
      if (handle.#fd === -1) throw closed(syscall);
      handle[kRef]();
      try {
        await tick();
        return await run(handle.#fd);
      } finally {
        handle[kUnref]();
      }
    };
  }

  get fd() {
    return this.#fd;
  }

  [kRef]() {
    this.#users++;
  }

  [kUnref]() {
    this.#users--;
    if (this.#users === 0 && this.#fd !== -1) this.#finish();
  }

  #finish() {
    const fd = this.#fd;
    this.#fd = -1;
    try {
      descriptors.close(fd);
      this.#closed?.resolve();
    } catch (error) {
      if (this.#closed === null) throw error;
      this.#closed.reject(error);
    }
  }

  close() {
    if (this.#fd === -1) return PromiseResolve();
    if (this.#closing !== null) return this.#closing;
    const closing = new Promise((resolve, reject) => {
      this.#closed = { __proto__: null, resolve, reject };
    });
    this.#closing = SafePromisePrototypeFinally(closing, () => {
      this.#closing = null;
    });
    this[kUnref]();
    this.emit("close");
    return this.#closing;
  }

  [SymbolAsyncDispose]() {
    return this.close();
  }

  appendFile(data, options = undefined) {
    return promises().appendFile(this, data, options);
  }

  chmod(mode) {
    return use(this, "fchmod", (fd) => calls.fchmod(fd, mode)());
  }

  chown(uid, gid) {
    return use(this, "fchown", (fd) => calls.fchown(fd, uid, gid)());
  }

  createReadStream(options = undefined) {
    const { ReadStream } = streams();
    return new ReadStream(undefined, { ...options, fd: this });
  }

  createWriteStream(options = undefined) {
    const { WriteStream } = streams();
    return new WriteStream(undefined, { ...options, fd: this });
  }

  datasync() {
    return use(this, "fdatasync", (fd) => calls.fdatasync(fd)());
  }

  read(buffer = undefined, offset = undefined, length = undefined, position = undefined) {
    return use(this, "read", (fd) => {
      let options = offset;
      if (!args.isView(buffer)) {
        options = buffer ?? { __proto__: null };
        validateObject(options, "options");
        ({ buffer = Buffer.alloc(16 * 1024) } = options);
      }
      const size = TypedArrayPrototypeGetByteLength(args.view(buffer));
      if (options !== null && typeof options === "object") ({ offset = 0, length, position = null } = options);
      return { bytesRead: calls.readInto(fd, buffer, offset, length ?? size - (offset ?? 0), position)(), buffer };
    });
  }

  readFile(options = undefined) {
    return promises().readFile(this, options);
  }

  readLines(options = undefined) {
    const { createInterface } = core.loadExtScript("ext:workerd_lite/node/modules.js").builtin("readline");
    return createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
  }

  readableWebStream(options = { __proto__: null }) {
    if (this.#fd === -1) throw new errors.ERR_INVALID_STATE("The FileHandle is closed");
    if (this.#closing !== null) throw new errors.ERR_INVALID_STATE("The FileHandle is closing");
    if (this.#locked) throw new errors.ERR_INVALID_STATE("The FileHandle is locked");
    validateObject(options, "options");
    const { autoClose = false } = options;
    validateBoolean(autoClose, "options.autoClose");
    this.#locked = true;
    const done = async () => {
      this[kUnref]();
      if (autoClose) await this.close();
    };
    const stream = new ReadableStream({
      __proto__: null,
      type: "bytes",
      autoAllocateChunkSize: 16_384,
      pull: async (controller) => {
        const { view } = controller.byobRequest;
        const bytes = new Uint8Array(TypedArrayPrototypeGetBuffer(view), TypedArrayPrototypeGetByteOffset(view), TypedArrayPrototypeGetByteLength(view));
        const count = descriptors.read(this.#fd, bytes, null);
        if (count === 0) {
          controller.close();
          await done();
        }
        controller.byobRequest?.respond(count);
      },
      cancel: done,
    });
    this[kRef]();
    ReflectApply(this.once, this, ["close", () => readableStreamCancel(stream)]);
    return stream;
  }

  readv(buffers, position = undefined) {
    return use(this, "readv", (fd) => ({ bytesRead: calls.readv(fd, buffers, position)(), buffers }));
  }

  stat(options = undefined) {
    return use(this, "fstat", (fd) => calls.fstat(fd, options)());
  }

  sync() {
    return use(this, "fsync", (fd) => calls.fsync(fd)());
  }

  truncate(length = 0) {
    return use(this, "ftruncate", (fd) => calls.ftruncate(fd, length)());
  }

  utimes(atime, mtime) {
    return use(this, "futimes", (fd) => calls.futimes(fd, atime, mtime)());
  }

  write(buffer, offset = undefined, length = undefined, position = undefined) {
    return use(this, "write", (fd) => {
      if (args.isView(buffer) && buffer.byteLength === 0) return { bytesWritten: 0, buffer };
      return { bytesWritten: calls.writeOf(fd, buffer, offset, length, position)(), buffer };
    });
  }

  writeFile(data, options = undefined) {
    return promises().writeFile(this, data, options);
  }

  writev(buffers, position = undefined) {
    return use(this, "writev", (fd) => ({ bytesWritten: calls.writev(fd, buffers, position)(), buffers }));
  }
}

return { FileHandle, descriptorOf, kRef, kUnref, use };
})();
