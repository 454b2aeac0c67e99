// The calls that change or read the tree, in all forms: each takes its arguments and gives what is to be run.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush, TypedArrayPrototypeGetLength, Uint8Array } = primordials;
const { op_node_fill_random } = core.ops;
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateBoolean, validateInteger } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const utils = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { dirname, resolve } = core.loadExtScript("ext:deno_node/path/mod.ts");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const calls = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const { isDirectory } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");
const stats = core.loadExtScript("ext:workerd_lite/node/fs/stats.js");

function access(path, mode) {
  path = args.path(path);
  mode = utils.getValidMode(mode, "access");
  return () => calls.access(path, mode);
}

function chmod(path, mode, follow = true, syscall = "chmod") {
  path = args.path(path);
  const bits = args.mode(mode);
  return () =>
    calls.change(syscall, path, follow, (node) => {
      node.mode = (node.mode & ~0o7777) | (bits & 0o7777);
    });
}

function owner(value, name) {
  validateInteger(value, name, -1, utils.kMaxUserId);
  return value;
}

function chown(path, uid, gid, follow = true, syscall = "chown") {
  path = args.path(path);
  owner(uid, "uid");
  owner(gid, "gid");
  return () =>
    calls.change(syscall, path, follow, (node) => {
      if (uid !== -1) node.uid = uid;
      if (gid !== -1) node.gid = gid;
    });
}

function utimes(path, atime, mtime, follow = true, syscall = "utime") {
  path = args.path(path);
  atime = args.time(atime);
  mtime = args.time(mtime);
  return () =>
    calls.change(syscall, path, follow, (node) => {
      node.atime = atime;
      node.mtime = mtime;
    });
}

function link(from, to) {
  from = args.path(from, "existingPath");
  to = args.path(to, "newPath");
  return () => calls.link(from, to);
}

function symlink(target, path, type) {
  utils.stringToSymlinkType(type);
  target = args.path(target, "target");
  path = args.path(path);
  return () => calls.symlink(target, path);
}

function readlink(path, given) {
  const { encoding } = utils.getOptions(given);
  path = args.path(path);
  return () => stats.encoded(calls.readlink(path), encoding);
}

function realpath(path, given, syscall = "lstat") {
  const { encoding } = utils.getOptions(given);
  path = args.path(path);
  return () => stats.encoded(calls.realpath(path, syscall), encoding);
}

function rename(from, to) {
  from = args.path(from, "oldPath");
  to = args.path(to, "newPath");
  return () => calls.rename(from, to);
}

function unlink(path) {
  path = args.path(path);
  return () => calls.unlink(path);
}

// The first that is made, where parents are; nothing where all are there.
function mkdirs(path, mode) {
  const missing = [];
  // As it is written: what comes before `..` is made too.
  let folder = path;
  for (;;) {
    let node;
    try {
      node = calls.stat(folder);
    } catch (error) {
      if (error.code !== "ENOENT") throw systemError(error.code, "mkdir", path);
    }
    if (node !== undefined) {
      if (isDirectory(node)) break;
      throw systemError(missing.length === 0 ? "EEXIST" : "ENOTDIR", "mkdir", path);
    }
    ArrayPrototypePush(missing, folder);
    folder = dirname(folder);
  }
  for (let i = missing.length - 1; i >= 0; i--) {
    try {
      calls.mkdir(missing[i], mode);
    } catch (error) {
      if (error.code !== "EEXIST" || i === 0) throw systemError(error.code, "mkdir", path);
    }
  }
  return missing.length === 0 ? undefined : resolve(missing[missing.length - 1]);
}

function mkdir(path, given) {
  let mode = 0o777;
  let recursive = false;
  if (typeof given === "number" || typeof given === "string") {
    mode = args.mode(given);
  } else if (given) {
    if (given.recursive !== undefined) {
      recursive = given.recursive;
      validateBoolean(recursive, "options.recursive");
    }
    if (given.mode !== undefined) mode = args.mode(given.mode);
  }
  path = args.path(path);
  return () => recursive ? mkdirs(path, mode) : calls.mkdir(path, mode);
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function mkdtemp(prefix, given) {
  const { encoding } = utils.getOptions(given);
  prefix = args.path(prefix, "prefix");
  utils.warnOnNonPortableTemplate(prefix);
  return () => {
    for (let tries = 0;; tries++) {
      const random = new Uint8Array(6);
      op_node_fill_random(random);
      let path = prefix;
      for (let i = 0; i < TypedArrayPrototypeGetLength(random); i++) path += LETTERS[random[i] % LETTERS.length];
      try {
        calls.mkdir(path, 0o700);
      } catch (error) {
        if (error.code === "EEXIST" && tries < 100) continue;
        throw systemError(error.code, "mkdtemp", `${prefix}XXXXXX`);
      }
      return stats.encoded(path, encoding);
    }
  };
}

function readdir(path, given) {
  const options = utils.getOptions(given);
  path = args.path(path);
  if (options.recursive !== undefined && options.recursive !== null) validateBoolean(options.recursive, "options.recursive");
  const { encoding, recursive, withFileTypes } = options;
  return () => stats.read(path, { __proto__: null, encoding, recursive: !!recursive, withFileTypes: !!withFileTypes });
}

// A directory and all that is in it, without recursion: it may be deep.
function removeTree(path) {
  const folders = [path];
  for (let i = 0; i < folders.length; i++) {
    const here = stats.entries("scandir", folders[i]);
    for (let j = 0; j < here.length; j++) {
      const inner = `${folders[i]}/${here[j].name}`;
      if (isDirectory(calls.lstat(inner))) ArrayPrototypePush(folders, inner);
      else calls.unlink(inner);
    }
  }
  for (let i = folders.length - 1; i >= 0; i--) calls.rmdir(folders[i]);
}

function rmdir(path, given) {
  path = args.path(path);
  const { recursive } = utils.validateRmdirOptions(given);
  if (recursive) utils.emitRecursiveRmdirWarning();
  return () => {
    if (!recursive) return calls.rmdir(path);
    if (!isDirectory(calls.lstat(path))) throw systemError("ENOTDIR", "rmdir", path);
    removeTree(path);
  };
}

const RM = { __proto__: null, recursive: false, force: false, retryDelay: 100, maxRetries: 0 };

function rm(path, given) {
  path = args.path(path);
  const { force, recursive } = utils.validateRmdirOptions(given, RM);
  validateBoolean(force, "options.force");
  return () => {
    let node;
    try {
      node = calls.lstat(path);
    } catch (error) {
      if (force && error.code === "ENOENT") return;
      throw error;
    }
    if (!isDirectory(node)) return calls.unlink(path);
    if (!recursive) throw new errors.ERR_FS_EISDIR({ __proto__: null, code: "EISDIR", message: "is a directory", path, syscall: "rm", errno: 21 });
    removeTree(path);
  };
}

function stat(path, given, follow = true) {
  const { bigint, throwIfNoEntry } = args.stats(given);
  path = args.path(path);
  return () => {
    let node;
    try {
      node = follow ? calls.stat(path) : calls.lstat(path);
    } catch (error) {
      if (throwIfNoEntry === false && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
      throw error;
    }
    return stats.stats(node, !!bigint);
  };
}

function statfs(path, given) {
  const { bigint } = args.stats(given);
  path = args.path(path);
  return () => {
    let node;
    try {
      node = calls.stat(path);
    } catch (error) {
      throw systemError(error.code, "statfs", path);
    }
    return stats.statfs(node, !!bigint);
  };
}

function cpOptions(from, to, given) {
  const options = utils.validateCpOptions(given);
  return { __proto__: null, from: args.path(from, "src"), to: args.path(to, "dest"), options };
}

function cpSync(from, to, given) {
  const checked = cpOptions(from, to, given);
  return () => core.loadExtScript("ext:workerd_lite/node/fs/copy.js").cpSync(checked.from, checked.to, checked.options);
}

function cp(from, to, given) {
  const checked = cpOptions(from, to, given);
  return () => core.loadExtScript("ext:workerd_lite/node/fs/copy.js").cp(checked.from, checked.to, checked.options);
}

const nofollow = (call, syscall) => (...given) => {
  const count = call === chmod ? 2 : 3;
  return count === 2 ? call(given[0], given[1], false, syscall) : call(given[0], given[1], given[2], false, syscall);
};

return {
  access,
  chmod: (path, mode) => chmod(path, mode),
  chown: (path, uid, gid) => chown(path, uid, gid),
  cp,
  cpSync,
  lchmod: nofollow(chmod, "lchmod"),
  lchown: nofollow(chown, "lchown"),
  link,
  lstat: (path, options) => stat(path, options, false),
  lutimes: nofollow(utimes, "lutime"),
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  realpath: (path, options) => realpath(path, options),
  realpathNative: (path, options) => realpath(path, options, "realpath"),
  rename,
  rm,
  rmdir,
  stat: (path, options) => stat(path, options),
  statfs,
  symlink,
  unlink,
  utimes: (path, atime, mtime) => utimes(path, atime, mtime),
};
})();
