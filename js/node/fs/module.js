// `node:fs`: https://nodejs.org/docs/latest-v22.x/api/fs.html
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, Promise, SymbolDispose, SymbolFor } = primordials;
const { Dirent, getOptions, Stats, toUnixTimestamp } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { callback, named, promise, sync } = core.loadExtScript("ext:workerd_lite/node/fs/forms.js");
const { functions } = core.loadExtScript("ext:workerd_lite/node/fs/io.js");
const { Dir, opendir } = core.loadExtScript("ext:workerd_lite/node/fs/dir.js");
const { open, openAsBlob } = core.loadExtScript("ext:workerd_lite/node/fs/open.js");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const calls = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const tree = core.loadExtScript("ext:workerd_lite/node/fs/tree.js");
const whole = core.loadExtScript("ext:workerd_lite/node/fs/whole.js");
const { constants, promises } = core.loadExtScript("ext:workerd_lite/node/fs/promises.js");
const globs = () => core.loadExtScript("ext:deno_node/_fs/_fs_glob.ts");

function existsSync(path) {
  try {
    path = args.path(path);
  } catch {
    return false;
  }
  return calls.exists(path);
}

function exists(path, done) {
  validateFunction(done, "cb");
  nextTick(() => done(existsSync(path)));
}
ObjectDefineProperty(exists, SymbolFor("nodejs.util.promisify.custom"), {
  __proto__: null,
  value: (path) => new Promise((resolve) => exists(path, resolve)),
});

// Nobody changes these files but the event itself.
function unwatched(name) {
  const refuse = unavailable(`fs.${name}`);
  return named((path, options = undefined) => {
    getOptions(options);
    args.path(path, name === "watch" ? "filename" : "path");
    refuse();
  }, name, 3);
}

// Of Node 24: the folder goes with the scope that it was made in.
function mkdtempDisposableSync(prefix, options = undefined) {
  const path = fs.mkdtempSync(prefix, options);
  const remove = () => fs.rmSync(path, { __proto__: null, recursive: true, force: true });
  return { __proto__: null, path, remove, [SymbolDispose]: remove };
}

const realpath = callback("realpath", tree.realpath, 1, 1);
realpath.native = callback("native", tree.realpathNative, 1, 1);
const realpathSync = sync("realpathSync", tree.realpath, 2);
realpathSync.native = sync("native", tree.realpathNative, 2);

const fs = {
  access: callback("access", tree.access, 1, 1),
  accessSync: sync("accessSync", tree.access, 2),
  appendFile: callback("appendFile", whole.appendFile, 2, 1),
  appendFileSync: sync("appendFileSync", whole.appendFile, 3),
  chmod: callback("chmod", tree.chmod, 2),
  chmodSync: sync("chmodSync", tree.chmod, 2),
  chown: callback("chown", tree.chown, 3),
  chownSync: sync("chownSync", tree.chown, 3),
  ...functions,
  copyFile: callback("copyFile", whole.copyFile, 2, 1),
  copyFileSync: sync("copyFileSync", whole.copyFile, 3),
  cp: callback("cp", tree.cp, 2, 1),
  cpSync: sync("cpSync", tree.cpSync, 3),
  exists,
  existsSync,
  glob: named((pattern, options, done) => globs().glob(pattern, options, done), "glob", 3),
  globSync: named((pattern, options) => globs().globSync(pattern, options), "globSync", 2),
  lchmod: undefined,
  lchmodSync: undefined,
  lchown: callback("lchown", tree.lchown, 3),
  lchownSync: sync("lchownSync", tree.lchown, 3),
  link: callback("link", tree.link, 2),
  linkSync: sync("linkSync", tree.link, 2),
  lstat: callback("lstat", tree.lstat, 1, 1),
  lstatSync: sync("lstatSync", tree.lstat, 2),
  lutimes: callback("lutimes", tree.lutimes, 3),
  lutimesSync: sync("lutimesSync", tree.lutimes, 3),
  mkdir: callback("mkdir", tree.mkdir, 1, 1),
  mkdirSync: sync("mkdirSync", tree.mkdir, 2),
  mkdtempDisposableSync,
  mkdtemp: callback("mkdtemp", tree.mkdtemp, 1, 1),
  mkdtempSync: sync("mkdtempSync", tree.mkdtemp, 2),
  open: callback("open", open, 1, 2),
  openAsBlob: promise("openAsBlob", openAsBlob, 1),
  openSync: sync("openSync", open, 3),
  opendir: callback("opendir", opendir, 1, 1, "callback"),
  opendirSync: sync("opendirSync", opendir, 2),
  readFile: callback("readFile", whole.readFile, 1, 1),
  readFileSync: sync("readFileSync", whole.readFile, 2),
  readdir: callback("readdir", tree.readdir, 1, 1),
  readdirSync: sync("readdirSync", tree.readdir, 2),
  readlink: callback("readlink", tree.readlink, 1, 1),
  readlinkSync: sync("readlinkSync", tree.readlink, 2),
  realpath,
  realpathSync,
  rename: callback("rename", tree.rename, 2),
  renameSync: sync("renameSync", tree.rename, 2),
  rm: callback("rm", tree.rm, 1, 1),
  rmSync: sync("rmSync", tree.rm, 2),
  rmdir: callback("rmdir", tree.rmdir, 1, 1),
  rmdirSync: sync("rmdirSync", tree.rmdir, 2),
  stat: callback("stat", tree.stat, 1, 1),
  statSync: sync("statSync", tree.stat, 2),
  statfs: callback("statfs", tree.statfs, 1, 1),
  statfsSync: sync("statfsSync", tree.statfs, 2),
  symlink: callback("symlink", tree.symlink, 2, 1),
  symlinkSync: sync("symlinkSync", tree.symlink, 3),
  truncate: callback("truncate", whole.truncate, 1, 1),
  truncateSync: sync("truncateSync", whole.truncate, 2),
  unlink: callback("unlink", tree.unlink, 1),
  unlinkSync: sync("unlinkSync", tree.unlink, 1),
  unwatchFile: named((path) => void args.path(path), "unwatchFile", 2),
  utimes: callback("utimes", tree.utimes, 3),
  utimesSync: sync("utimesSync", tree.utimes, 3),
  watch: unwatched("watch"),
  watchFile: unwatched("watchFile"),
  writeFile: callback("writeFile", whole.writeFile, 2, 1),
  writeFileSync: sync("writeFileSync", whole.writeFile, 3),
  Dir,
  Dirent,
  Stats,
  // Of Node 24.
  Utf8Stream: unavailable("fs.Utf8Stream"),
  F_OK: 0,
  R_OK: 4,
  W_OK: 2,
  X_OK: 1,
  constants,
  promises,
  _toUnixTimestamp: toUnixTimestamp,
};

// Streams take the place of methods that others may have replaced on this very object, as Node's do.
const STREAMS = ["createReadStream", "createWriteStream", "ReadStream", "WriteStream"];
for (let i = 0; i < STREAMS.length; i++) {
  const name = STREAMS[i];
  let own;
  const get = () => own ??= core.loadExtScript("ext:deno_node/internal/fs/streams.mjs")[name];
  const set = (value) => own = value;
  ObjectDefineProperty(fs, name, { __proto__: null, get, set, enumerable: true, configurable: true });
}
ObjectDefineProperty(fs, "FileReadStream", { __proto__: null, get: () => fs.ReadStream, enumerable: true, configurable: true });
ObjectDefineProperty(fs, "FileWriteStream", { __proto__: null, get: () => fs.WriteStream, enumerable: true, configurable: true });

return fs;
})();
