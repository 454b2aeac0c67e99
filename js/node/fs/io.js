// The calls that take a descriptor: https://nodejs.org/docs/latest-v22.x/api/fs.html#fsreadfd-buffer-offset-length-position-callback
(function () {
const { core, primordials } = __bootstrap;
const { TypedArrayPrototypeGetByteLength } = primordials;
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateEncoding, validateFunction, validateInteger, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const utils = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const descriptors = core.loadExtScript("ext:workerd_lite/node/fs/descriptors.js");
const { part } = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");
const stats = core.loadExtScript("ext:workerd_lite/node/fs/stats.js");
const { callback, later, named, results, sync } = core.loadExtScript("ext:workerd_lite/node/fs/forms.js");

const NOTHING = { __proto__: null };
const DEFAULT_SIZE = 16 * 1024;

function nullable(options) {
  if (options !== null && options !== undefined) validateObject(options, "options");
}

// `offset`, `length` and `position` of options for a buffer.
function fromOptions(buffer, options) {
  const { offset = 0, length = args.isView(buffer) ? buffer.byteLength - offset : 0, position = null } = options ?? NOTHING;
  return { __proto__: null, offset, length, position };
}

function readInto(fd, buffer, offset, length, position) {
  const bytes = args.view(buffer);
  const room = TypedArrayPrototypeGetByteLength(bytes);
  if (offset === undefined || offset === null) offset = 0;
  else validateInteger(offset, "offset", 0);
  length |= 0;
  if (length === 0) return () => 0;
  if (room === 0) throw new errors.ERR_INVALID_ARG_VALUE("buffer", buffer, "is empty and cannot be written");
  utils.validateOffsetLengthRead(offset, length, room);
  const place = args.position(position);
  return () => descriptors.read(fd, part(bytes, offset, length), place);
}

function readSync(fd, buffer, offsetOrOptions, length, position) {
  fd = args.descriptor(fd);
  let offset = offsetOrOptions;
  args.view(buffer);
  if (arguments.length <= 3 || (offsetOrOptions !== null && typeof offsetOrOptions === "object")) {
    nullable(offsetOrOptions);
    ({ offset, length, position } = fromOptions(buffer, offsetOrOptions));
  }
  if (length === undefined) length = buffer.byteLength - (offset ?? 0);
  return readInto(fd, buffer, offset, length, position)();
}

// The arguments of `read()` in each of their forms, without the callback.
function readArguments(given) {
  let { 0: buffer, 1: offset, 2: length, 3: position } = given;
  if (given.length <= 2) {
    let options = offset;
    if (given.length === 2) {
      nullable(options);
    } else if (given.length === 1 && !args.isView(buffer)) {
      options = buffer;
      nullable(options);
      buffer = options?.buffer;
    }
    if (buffer === undefined) buffer = Buffer.alloc(DEFAULT_SIZE);
    ({ offset, length, position } = fromOptions(buffer, options));
  }
  return { __proto__: null, buffer, offset, length, position };
}

function read(fd, ...given) {
  fd = args.descriptor(fd);
  let done = 4;
  if (given.length <= 3) done = given.length - 1;
  const after = given[done];
  if (given.length <= 3) given.length = done < 0 ? 0 : done;
  const { buffer, offset, length, position } = readArguments(given);
  args.view(buffer);
  validateFunction(after, "cb");
  later(readInto(fd, buffer, offset, length, position), after, (count) => [count, buffer]);
}
results(named(read, "read", 6), ["bytesRead", "buffer"]);

// What is to be written, of bytes or of text.
function writeOf(fd, buffer, offsetOrOptions, length, position) {
  if (!args.isView(buffer)) {
    utils.validateStringAfterArrayBufferView(buffer, "buffer");
    validateEncoding(buffer, length);
    if (offsetOrOptions === undefined) offsetOrOptions = null;
    const bytes = args.data(buffer, length);
    return () => descriptors.write(fd, bytes, args.place(offsetOrOptions));
  }
  let offset = offsetOrOptions;
  if (typeof offset === "object") ({ offset, length, position } = fromOptions(buffer, offset));
  const bytes = args.bytes(buffer);
  const room = TypedArrayPrototypeGetByteLength(bytes);
  if (offset === undefined || offset === null) offset = 0;
  else validateInteger(offset, "offset", 0);
  if (typeof length !== "number") length = room - offset;
  utils.validateOffsetLengthWrite(offset, length, room);
  const place = args.place(position);
  return () => descriptors.write(fd, part(bytes, offset, length), place);
}

const writeSync = (fd, buffer, offset, length, position) => writeOf(args.descriptor(fd), buffer, offset, length, position)();

function write(fd, buffer, offset, length, position, after) {
  fd = args.descriptor(fd);
  let run;
  if (args.isView(buffer)) {
    after ||= position || length || offset;
    validateFunction(after, "cb");
    if (typeof offset === "function") offset = undefined;
    run = writeOf(fd, buffer, offset, length, position);
  } else {
    utils.validateStringAfterArrayBufferView(buffer, "buffer");
    if (typeof position !== "function") {
      if (typeof offset === "function") {
        position = offset;
        offset = null;
      } else {
        position = length;
      }
      length = "utf8";
    }
    validateEncoding(buffer, length);
    after = position;
    validateFunction(after, "cb");
    run = writeOf(fd, buffer, offset, length);
  }
  later(run, after, (count) => [count, buffer]);
}
results(named(write, "write", 6), ["bytesWritten", "buffer"]);

// Several buffers, one after the other.
function vector(call) {
  return (fd, buffers, position) => {
    fd = args.descriptor(fd);
    const views = args.views(buffers);
    const start = args.place(position);
    return () => {
      let total = 0;
      for (let i = 0; i < views.length; i++) {
        const length = TypedArrayPrototypeGetByteLength(views[i]);
        if (length === 0) continue;
        const count = call(fd, views[i], start === null ? null : start + total);
        total += count;
        if (count < length) break;
      }
      return total;
    };
  };
}

const readvOf = vector(descriptors.read);
const writevOf = vector(descriptors.write);

function vectorCallback(name, of, result) {
  const form = (fd, buffers, position, after) => {
    const run = of(fd, buffers, position);
    after ||= position;
    validateFunction(after, "cb");
    later(run, after, (count) => [count, buffers]);
  };
  return results(named(form, name, 4), [result, "buffers"]);
}

function fstat(fd, given) {
  const { bigint } = args.stats(given);
  fd = args.descriptor(fd);
  return () => stats.stats(descriptors.node("fstat", fd), !!bigint);
}

function ftruncate(fd, length = 0) {
  fd = args.descriptor(fd);
  length = args.length(length);
  return () => descriptors.truncate(fd, length);
}

const synced = (syscall) => (fd) => {
  fd = args.descriptor(fd);
  return () => void descriptors.node(syscall, fd);
};

function futimes(fd, atime, mtime) {
  fd = args.descriptor(fd);
  atime = args.time(atime);
  mtime = args.time(mtime);
  return () =>
    descriptors.change("futime", fd, (node) => {
      node.atime = atime;
      node.mtime = mtime;
    });
}

function fchmod(fd, mode) {
  fd = args.descriptor(fd);
  const bits = args.mode(mode);
  return () =>
    descriptors.change("fchmod", fd, (node) => {
      node.mode = (node.mode & ~0o7777) | (bits & 0o7777);
    });
}

function fchown(fd, uid, gid) {
  fd = args.descriptor(fd);
  validateInteger(uid, "uid", -1, utils.kMaxUserId);
  validateInteger(gid, "gid", -1, utils.kMaxUserId);
  return () =>
    descriptors.change("fchown", fd, (node) => {
      if (uid !== -1) node.uid = uid;
      if (gid !== -1) node.gid = gid;
    });
}

function close(fd) {
  fd = args.descriptor(fd);
  return () => descriptors.close(fd);
}

function closeLater(fd, after = undefined) {
  const run = close(fd);
  if (after !== undefined) validateFunction(after, "cb");
  later(run, after ?? ((error) => {
    if (error !== null) throw error;
  }));
}

const calls = {
  __proto__: null,
  fchmod,
  fchown,
  fdatasync: synced("fdatasync"),
  fstat,
  fsync: synced("fsync"),
  ftruncate,
  futimes,
  readInto,
  readv: readvOf,
  writeOf,
  writev: writevOf,
};

const functions = {
  close: named(closeLater, "close", 2),
  closeSync: sync("closeSync", close, 1),
  fchmod: callback("fchmod", fchmod, 2),
  fchmodSync: sync("fchmodSync", fchmod, 2),
  fchown: callback("fchown", fchown, 3),
  fchownSync: sync("fchownSync", fchown, 3),
  fdatasync: callback("fdatasync", calls.fdatasync, 1),
  fdatasyncSync: sync("fdatasyncSync", calls.fdatasync, 1),
  fstat: callback("fstat", fstat, 1, 1),
  fstatSync: sync("fstatSync", fstat, 1),
  fsync: callback("fsync", calls.fsync, 1),
  fsyncSync: sync("fsyncSync", calls.fsync, 1),
  ftruncate: callback("ftruncate", ftruncate, 1, 1),
  ftruncateSync: sync("ftruncateSync", ftruncate, 1),
  futimes: callback("futimes", futimes, 3),
  futimesSync: sync("futimesSync", futimes, 3),
  read,
  readSync,
  readv: vectorCallback("readv", readvOf, "bytesRead"),
  readvSync: sync("readvSync", readvOf, 3),
  write,
  writeSync: named(writeSync, "writeSync", 5),
  writev: vectorCallback("writev", writevOf, "bytesWritten"),
  writevSync: sync("writevSync", writevOf, 3),
};

return { calls, functions };
})();
