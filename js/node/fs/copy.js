// `copyFile()` and `cp()`: https://nodejs.org/docs/latest-v22.x/api/fs.html#fscpsyncsrc-dest-options
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush, MathMin, StringPrototypeStartsWith, Uint8Array } = primordials;
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { COPYFILE_EXCL, O_CREAT, O_EXCL, O_TRUNC, O_WRONLY } = fsConstants;
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { dirname, isAbsolute, join, resolve } = core.loadExtScript("ext:deno_node/path/mod.ts");
const { attempt, fail, systemError } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const calls = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const { part, readAt, writeAt } = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");
const { isDevice, isDirectory, isFile, isLink } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");
const { find, walk } = core.loadExtScript("ext:workerd_lite/node/fs/walk.js");
const { store } = core.loadExtScript("ext:workerd_lite/node/fs/store.js");
const { entries } = core.loadExtScript("ext:workerd_lite/node/fs/stats.js");
const descriptors = core.loadExtScript("ext:workerd_lite/node/fs/descriptors.js");

const PIECE = 512 * 1024;

function copyFile(from, to, mode) {
  attempt("copyfile", from, to, () => {
    const own = store();
    const source = find(own, from);
    if (isDirectory(source)) fail("EISDIR");
    if (isDevice(source) && source.device !== "null") fail("EINVAL");
    const end = walk(own, to, true);
    if (end.node === source) {
      if (mode & COPYFILE_EXCL) fail("EEXIST");
      return;
    }
    if (end.node !== undefined && isDirectory(end.node)) fail("EISDIR");
    let descriptor;
    try {
      descriptor = calls.open(to, O_WRONLY | O_CREAT | (mode & COPYFILE_EXCL ? O_EXCL : O_TRUNC), source.mode & 0o777);
    } catch (error) {
      throw systemError(error.code, "copyfile", from, to);
    }
    try {
      const target = own.description(descriptor).node;
      const piece = new Uint8Array(MathMin(PIECE, source.size));
      for (let done = 0; isFile(source) && done < source.size;) {
        const count = readAt(source, done, piece);
        if (!isDevice(target)) writeAt(target, done, part(piece, 0, count));
        done += count;
      }
    } finally {
      descriptors.close(descriptor);
    }
  });
}

function refuse(name, message, path, code, errno) {
  throw new errors[name]({ __proto__: null, message, path, syscall: "cp", errno, code });
}

function statOf(path, dereference) {
  const { node } = walkOr(path, dereference);
  return node;
}

function walkOr(path, follow) {
  try {
    return walk(store(), path, follow);
  } catch {
    return { __proto__: null, node: undefined };
  }
}

function checkPair(from, to, options) {
  const source = options.dereference ? calls.stat(from) : calls.lstat(from);
  const target = statOf(to, options.dereference);
  if (target !== undefined) {
    if (source === target) refuse("ERR_FS_CP_EINVAL", "src and dest cannot be the same", to, "EINVAL", 22);
    if (isDirectory(source) && !isDirectory(target)) {
      refuse("ERR_FS_CP_DIR_TO_NON_DIR", `cannot overwrite non-directory ${to} with directory ${from}`, to, "EISDIR", 21);
    }
    if (!isDirectory(source) && isDirectory(target)) {
      refuse("ERR_FS_CP_NON_DIR_TO_DIR", `cannot overwrite directory ${to} with non-directory ${from}`, to, "ENOTDIR", 20);
    }
  }
  if (isDirectory(source) && StringPrototypeStartsWith(`${resolve(to)}/`, `${resolve(from)}/`)) {
    refuse("ERR_FS_CP_EINVAL", `cannot copy ${from} to a subdirectory of self ${to}`, to, "EINVAL", 22);
  }
  return { __proto__: null, source, target };
}

function times(from, to) {
  const { atime, mtime } = from;
  calls.change("utime", to, true, (node) => {
    node.atime = atime;
    node.mtime = mtime;
  });
}

function copyLink(from, to, target, options) {
  let text = calls.readlink(from);
  if (!options.verbatimSymlinks && !isAbsolute(text)) text = resolve(dirname(from), text);
  if (target !== undefined) {
    if (!isLink(target)) throw systemError("EEXIST", "symlink", text, to);
    calls.unlink(to);
  }
  calls.symlink(text, to);
}

function copyOne(from, to, options, pending) {
  const { source, target } = checkPair(from, to, options);
  if (isDirectory(source)) {
    if (!options.recursive) refuse("ERR_FS_EISDIR", `Recursive option not enabled, cannot copy a directory: ${from}`, from, "EISDIR", 21);
    if (target === undefined) calls.mkdir(to, source.mode & 0o777 | 0o700);
    const here = entries("opendir", from);
    for (let i = 0; i < here.length; i++) ArrayPrototypePush(pending, { __proto__: null, from: join(from, here[i].name), to: join(to, here[i].name) });
    return;
  }
  if (isLink(source)) return copyLink(from, to, target, options);
  if (isDevice(source)) refuse("ERR_FS_CP_UNKNOWN", `cannot copy an unknown file type: ${to}`, to, "EINVAL", 22);
  if (target !== undefined) {
    if (!options.force) {
      if (options.errorOnExist) refuse("ERR_FS_CP_EEXIST", `${to} already exists`, to, "EEXIST", 17);
      return;
    }
    calls.unlink(to);
  }
  copyFile(from, to, options.mode);
  if (options.preserveTimestamps) times(source, to);
}

function parents(to) {
  const missing = [];
  for (let folder = dirname(resolve(to)); !calls.exists(folder); folder = dirname(folder)) ArrayPrototypePush(missing, folder);
  for (let i = missing.length - 1; i >= 0; i--) calls.mkdir(missing[i], 0o777);
}

// `wanted(from, to)` says what is copied, at once.
function cpSync(from, to, options) {
  const pending = [{ __proto__: null, from, to }];
  for (let i = 0; i < pending.length; i++) {
    const next = pending[i];
    if (options.filter !== undefined) {
      const wanted = options.filter(next.from, next.to);
      if (core.isPromise(wanted)) throw new errors.ERR_INVALID_RETURN_VALUE("boolean", "filter", wanted);
      if (!wanted) continue;
    }
    if (i === 0) {
      checkPair(from, to, options);
      parents(to);
    }
    copyOne(next.from, next.to, options, pending);
  }
}

// The same where the filter may give promises.
async function cp(from, to, options) {
  const pending = [{ __proto__: null, from, to }];
  for (let i = 0; i < pending.length; i++) {
    const next = pending[i];
    if (options.filter !== undefined && !(await options.filter(next.from, next.to))) continue;
    if (i === 0) {
      checkPair(from, to, options);
      parents(to);
    }
    copyOne(next.from, next.to, options, pending);
  }
}

return { copyFile, cp, cpSync };
})();
