// https://nodejs.org/docs/latest-v22.x/api/fs.html#promises-api
(function () {
const { core, primordials } = __bootstrap;
const { SymbolAsyncDispose, SymbolAsyncIterator, SymbolIterator } = primordials;
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { stringToFlags } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { named, promise, tick } = core.loadExtScript("ext:workerd_lite/node/fs/forms.js");
const { FileHandle, descriptorOf, use } = core.loadExtScript("ext:workerd_lite/node/fs/handle.js");
const { opendir } = core.loadExtScript("ext:workerd_lite/node/fs/dir.js");
const { open } = core.loadExtScript("ext:workerd_lite/node/fs/open.js");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const calls = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const descriptors = core.loadExtScript("ext:workerd_lite/node/fs/descriptors.js");
const tree = core.loadExtScript("ext:workerd_lite/node/fs/tree.js");
const whole = core.loadExtScript("ext:workerd_lite/node/fs/whole.js");

// A path, or a handle in its place.
function withHandle(name, call, length) {
  const form = async (file, ...given) => {
    if (descriptorOf(file) === undefined) {
      // Numbers are no files here.
      file = args.path(file);
      const run = call(file, given[0], given[1]);
      await tick();
      return run();
    }
    return use(file, name, (fd) => call(fd, given[0], given[1])());
  };
  return named(form, name, length);
}

const isStream = (data) =>
  data !== null && typeof data === "object" && !args.isView(data) && (typeof data[SymbolAsyncIterator] === "function" || typeof data[SymbolIterator] === "function");

// Data that comes by and by: a stream or whatever can be iterated.
async function writeStream(fd, data, encoding, signal) {
  whole.check(signal);
  for await (const chunk of data) {
    whole.check(signal);
    whole.writeAll(fd, args.data(chunk, encoding));
  }
}

const writeWhole = withHandle("writeFile", whole.writeFile, 3);

async function writeFile(file, data, given = undefined) {
  if (!isStream(data)) return writeWhole(file, data, given);
  const { encoding, flag, mode, signal } = args.options(given, { __proto__: null, encoding: "utf8", mode: 0o666, flag: "w" });
  await tick();
  if (descriptorOf(file) !== undefined) return use(file, "writeFile", (fd) => writeStream(fd, data, encoding, signal));
  file = args.path(file);
  const flags = stringToFlags(flag, "options.flag");
  const bits = args.mode(mode, 0o666);
  whole.check(signal);
  const fd = calls.open(file, flags, bits);
  try {
    await writeStream(fd, data, encoding, signal);
  } finally {
    descriptors.close(fd);
  }
}

async function* glob(pattern, options = undefined) {
  const { globPromise } = core.loadExtScript("ext:deno_node/_fs/_fs_glob.ts");
  yield* globPromise(pattern, options);
}

async function lchmod() {
  throw new errors.ERR_METHOD_NOT_IMPLEMENTED("lchmod()");
}

// Node 22 has the rest.
const { EXTENSIONLESS_FORMAT_JAVASCRIPT: _javascript, EXTENSIONLESS_FORMAT_WASM: _wasm, ...known } = fsConstants;
const constants = { __proto__: null, ...known };

// Of Node 24: the folder goes with the scope that it was made in.
async function mkdtempDisposable(prefix, options = undefined) {
  const path = await promises.mkdtemp(prefix, options);
  const remove = () => promises.rm(path, { __proto__: null, recursive: true, force: true });
  return { __proto__: null, path, remove, [SymbolAsyncDispose]: remove };
}

const promises = {
  access: promise("access", tree.access, 2),
  appendFile: withHandle("appendFile", whole.appendFile, 3),
  chmod: promise("chmod", tree.chmod, 2),
  chown: promise("chown", tree.chown, 3),
  constants,
  copyFile: promise("copyFile", whole.copyFile, 3),
  cp: promise("cp", tree.cp, 3),
  glob,
  lchmod,
  lchown: promise("lchown", tree.lchown, 3),
  link: promise("link", tree.link, 2),
  lstat: promise("lstat", tree.lstat, 2),
  lutimes: promise("lutimes", tree.lutimes, 3),
  mkdir: promise("mkdir", tree.mkdir, 2),
  mkdtempDisposable,
  mkdtemp: promise("mkdtemp", tree.mkdtemp, 2),
  open: promise("open", (path, flags, mode) => {
    const run = open(path, flags, mode);
    return () => new FileHandle(run());
  }, 3),
  opendir: promise("opendir", opendir, 2),
  readFile: withHandle("readFile", whole.readFile, 2),
  readdir: promise("readdir", tree.readdir, 2),
  readlink: promise("readlink", tree.readlink, 2),
  realpath: promise("realpath", tree.realpathNative, 2),
  rename: promise("rename", tree.rename, 2),
  rm: promise("rm", tree.rm, 2),
  rmdir: promise("rmdir", tree.rmdir, 2),
  stat: promise("stat", tree.stat, 2),
  statfs: promise("statfs", tree.statfs, 2),
  symlink: promise("symlink", tree.symlink, 3),
  truncate: promise("truncate", whole.truncate, 2),
  unlink: promise("unlink", tree.unlink, 1),
  utimes: promise("utimes", tree.utimes, 3),
  watch: unavailable("fs.promises.watch"),
  writeFile: named(writeFile, "writeFile", 3),
};

return { constants, promises };
})();
