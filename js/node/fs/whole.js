// `readFile()`, `writeFile()` and their like, in all forms: each takes its arguments and gives what is to be run.
(function () {
const { core, primordials } = __bootstrap;
const { MathMin, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, Uint8Array } = primordials;
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const { stringToFlags } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const calls = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const descriptors = core.loadExtScript("ext:workerd_lite/node/fs/descriptors.js");
const { part } = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");

const LARGEST = 2 ** 31 - 1;
const CHUNK = 512 * 1024;

function check(signal) {
  if (signal?.aborted) throw new errors.AbortError(undefined, { cause: signal.reason });
}

function readAll(descriptor) {
  const length = descriptors.rest(descriptor);
  if (length > LARGEST) throw new errors.ERR_FS_FILE_TOO_LARGE(length);
  let bytes;
  try {
    bytes = new Uint8Array(length);
  } catch {
    throw systemError("ENOMEM", "read");
  }
  let done = 0;
  while (done < length) {
    const count = descriptors.read(descriptor, part(bytes, done, length - done), null);
    if (count === 0) break;
    done += count;
  }
  return Buffer.from(TypedArrayPrototypeGetBuffer(bytes), 0, done);
}

function writeAll(descriptor, bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  // A piece at a time, so that the script can be stopped between them.
  for (let done = 0; done < length;) done += descriptors.write(descriptor, part(bytes, done, MathMin(CHUNK, length - done)), null);
}

// Runs with a descriptor, which is the caller's own or one that is opened for it.
function within(file, flags, mode, run) {
  if (typeof file === "number") return run(file);
  const descriptor = calls.open(file, flags, mode);
  try {
    return run(descriptor);
  } finally {
    descriptors.close(descriptor);
  }
}

const fileOf = (value) => args.isDescriptor(value) ? value : args.path(value);

function readFile(file, given) {
  const { encoding, flag, signal } = args.options(given, { __proto__: null, encoding: null, flag: "r" });
  file = fileOf(file);
  const flags = stringToFlags(flag, "options.flag");
  return () => {
    check(signal);
    const bytes = within(file, flags, 0o666, readAll);
    return encoding && encoding !== "buffer" ? bytes.toString(encoding) : bytes;
  };
}

const WRITE = { __proto__: null, encoding: "utf8", mode: 0o666, flag: "w", flush: false };

function writeFile(file, data, given, defaults = WRITE) {
  const { encoding, flag, flush, mode, signal } = args.options(given, defaults);
  args.flag(flush, "options.flush");
  const bytes = args.data(data, encoding);
  file = fileOf(file);
  const flags = stringToFlags(flag || defaults.flag, "options.flag");
  const permissions = args.mode(mode, 0o666);
  return () => {
    check(signal);
    within(file, flags, permissions, (descriptor) => writeAll(descriptor, bytes));
  };
}

const appendFile = (file, data, given) => writeFile(file, data, given, { ...WRITE, __proto__: null, flag: "a" });

function truncate(path, length = 0) {
  if (args.isDescriptor(path)) return core.loadExtScript("ext:workerd_lite/node/fs/io.js").calls.ftruncate(path, length);
  path = args.path(path);
  length = args.length(length);
  return () => {
    const descriptor = calls.open(path, 2, 0o666);
    try {
      descriptors.truncate(descriptor, length);
    } finally {
      descriptors.close(descriptor);
    }
  };
}

function copyFile(from, to, mode) {
  const { getValidMode } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
  from = args.path(from, "src");
  to = args.path(to, "dest");
  mode = getValidMode(mode, "copyFile");
  return () => core.loadExtScript("ext:workerd_lite/node/fs/copy.js").copyFile(from, to, mode);
}

return { appendFile, check, copyFile, readFile, truncate, writeAll, writeFile };
})();
