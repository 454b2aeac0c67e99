// https://nodejs.org/docs/latest-v22.x/api/tty.html: there is no terminal. Its streams can be made, as on Workers: one of input has nothing, one of output is the
// file of its descriptor, without colours, cursor or size.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty } = primordials;
const { Readable, Writable } = core.loadExtScript("ext:deno_node/stream.ts");
const fs = () => core.loadExtScript("ext:workerd_lite/node/fs/module.js");

class ReadStream extends Readable {
  isRaw = false;
  isTTY = false;

  constructor(fd) {
    super({ read() {} });
    this.fd = fd;
    this.push(null);
  }

  setRawMode(mode) {
    this.isRaw = !!mode;
    return this;
  }
}

// Nothing is moved or cleared. The last argument is called, as it is in Node.
function nothing(...args) {
  const done = args[args.length - 1];
  if (typeof done === "function") done();
  return false;
}

class WriteStream extends Writable {
  columns = 0;
  rows = 0;

  constructor(fd) {
    super({ decodeStrings: true });
    this.fd = fd;
  }

  _write(chunk, _encoding, done) {
    fs().write(this.fd, chunk, 0, chunk.length, null, (error) => done(error));
  }

  _refreshSize() {}

  getColorDepth() {
    return 8;
  }

  getWindowSize() {
    return [this.columns, this.rows];
  }

  hasColors() {
    return false;
  }
}
for (const name of ["clearLine", "clearScreenDown", "cursorTo", "moveCursor"]) {
  ObjectDefineProperty(WriteStream.prototype, name, { __proto__: null, value: nothing, writable: true, enumerable: true, configurable: true });
}
WriteStream.prototype.isTTY = true;

return { default: { ReadStream, WriteStream, isatty: () => false } };
})();
