// System calls that take paths: https://pubs.opengroup.org/onlinepubs/9799919799/functions/contents.html. Each fails with an error of Node's.
(function () {
const { core, primordials } = __bootstrap;
const { MapPrototypeGetSize, SafeMapIterator, StringPrototypeSlice } = primordials;
const { op_clock_now } = core.ops;
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_TRUNC, W_OK, X_OK } = fsConstants;
const { attempt, fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { insert, isDevice, isDirectory, isFile, isLink, made, remove, unlinked, S_IFDIR, S_IFLNK, S_IFREG } = core.loadExtScript(
  "ext:workerd_lite/node/fs/nodes.js",
);
const { resize } = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");
const { store } = core.loadExtScript("ext:workerd_lite/node/fs/store.js");
const { find, pathOf, walk } = core.loadExtScript("ext:workerd_lite/node/fs/walk.js");

// What is nobody's to change. Devices may be written, and no more.
function mayChange(node) {
  if (node.fixed) fail("EPERM");
}

// A new node in the directory where a walk ended.
function add(end, kind, mode) {
  mayChange(end.up.node);
  const { quota } = end.up.node;
  const node = made(kind, mode, quota);
  try {
    insert(end.up.node, end.name, node);
  } catch (full) {
    quota.nodes--;
    throw full;
  }
  return node;
}

function access(path, mode) {
  attempt("access", path, undefined, () => {
    const node = find(store(), path);
    if (mode & W_OK && node.fixed && !isDevice(node)) fail("EPERM");
    if (mode & X_OK && !isDirectory(node) && (node.mode & 0o111) === 0) fail("EPERM");
  });
}

function exists(path) {
  try {
    return walk(store(), path, true).node !== undefined;
  } catch {
    return false;
  }
}

const stat = (path) => attempt("stat", path, undefined, () => find(store(), path));
const lstat = (path) => attempt("lstat", path, undefined, () => find(store(), path, false));

// A descriptor's number.
function open(path, flags, mode) {
  return attempt("open", path, undefined, () => {
    const own = store();
    const exclusive = (flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0;
    const end = walk(own, path, (flags & O_NOFOLLOW) === 0 && !exclusive);
    let { node } = end;
    if (node === undefined) {
      if ((flags & O_CREAT) === 0) fail("ENOENT");
      if (end.slash) fail("EISDIR");
      node = add(end, S_IFREG, mode & ~store().umask);
    } else {
      if (exclusive) fail("EEXIST");
      if (isLink(node)) fail("ELOOP");
      const writes = (flags & 3) !== 0 || (flags & O_TRUNC) !== 0;
      if (isDirectory(node) && (writes || (flags & O_CREAT) !== 0)) fail("EISDIR");
      if (!isDirectory(node) && (flags & O_DIRECTORY) !== 0) fail("ENOTDIR");
      if (writes && node.fixed && !isDevice(node)) fail("EPERM");
      if ((flags & O_TRUNC) !== 0 && isFile(node)) resize(node, 0);
    }
    return own.open(node, flags);
  });
}

function mkdir(path, mode) {
  attempt("mkdir", path, undefined, () => {
    const end = walk(store(), path, false);
    if (end.node !== undefined) fail("EEXIST");
    add(end, S_IFDIR, mode & ~store().umask);
  });
}

// Names and nodes of a directory, in the order that they were made.
function list(syscall, path, visit) {
  attempt(syscall, path, undefined, () => {
    const own = store();
    const node = find(own, path);
    if (!isDirectory(node)) fail("ENOTDIR");
    for (const entry of new SafeMapIterator(own.entries(node))) visit(entry[0], entry[1]);
  });
}

function rmdir(path) {
  attempt("rmdir", path, undefined, () => {
    const end = walk(store(), path, false);
    const { node } = end;
    if (node === undefined) fail("ENOENT");
    if (!isDirectory(node)) fail("ENOTDIR");
    if (end.up === null) fail("EBUSY");
    mayChange(end.up.node);
    if (StringPrototypeSlice(path, -2) === "/." || path === ".") fail("EINVAL");
    if (MapPrototypeGetSize(node.entries) > 0) fail("ENOTEMPTY");
    remove(end.up.node, end.name);
    unlinked(node);
  });
}

function unlink(path) {
  attempt("unlink", path, undefined, () => {
    const own = store();
    const end = walk(own, path, false);
    const { node } = end;
    if (node === undefined) fail("ENOENT");
    if (isDirectory(node)) fail(node.fixed ? "EPERM" : "EISDIR");
    mayChange(end.up.node);
    remove(end.up.node, end.name);
    unlinked(node);
    own.release(node);
  });
}

function rename(from, to) {
  attempt("rename", from, to, () => {
    const own = store();
    const source = walk(own, from, false);
    const { node } = source;
    if (node === undefined) fail("ENOENT");
    if (source.up === null) fail("EBUSY");
    mayChange(source.up.node);
    const target = walk(own, to, false);
    if (target.slash && !isDirectory(node)) fail("ENOTDIR");
    if (target.up === null) fail("EBUSY");
    mayChange(target.up.node);
    for (let at = target.up; at !== null; at = at.up) {
      if (at.node === node) fail("EINVAL");
    }
    const old = target.node;
    if (old === node) return;
    if (old !== undefined) {
      if (isDirectory(node) && !isDirectory(old)) fail("ENOTDIR");
      if (!isDirectory(node) && isDirectory(old)) fail("EISDIR");
      if (isDirectory(old) && MapPrototypeGetSize(old.entries) > 0) fail("ENOTEMPTY");
      remove(target.up.node, target.name);
      unlinked(old);
      own.release(old);
    }
    remove(source.up.node, source.name);
    insert(target.up.node, target.name, node);
    node.ctime = op_clock_now();
  });
}

function link(from, to) {
  attempt("link", from, to, () => {
    const own = store();
    const source = walk(own, from, false);
    const { node } = source;
    if (node === undefined) fail("ENOENT");
    if (isDirectory(node) || node.fixed) fail("EPERM");
    const end = walk(own, to, false);
    if (end.node !== undefined) fail("EEXIST");
    if (end.slash) fail("ENOENT");
    mayChange(end.up.node);
    insert(end.up.node, end.name, node);
    node.nlink++;
    node.ctime = op_clock_now();
  });
}

function symlink(target, path) {
  attempt("symlink", target, path, () => {
    if (target === "") fail("ENOENT");
    const length = core.byteLength(target);
    if (length >= 4096) fail("ENAMETOOLONG");
    const end = walk(store(), path, false);
    if (end.node !== undefined) fail("EEXIST");
    if (end.slash) fail("ENOENT");
    const node = add(end, S_IFLNK, 0o777);
    node.target = target;
    node.size = length;
    try {
      node.quota.name(length);
    } catch (full) {
      node.target = "";
      remove(end.up.node, end.name);
      unlinked(node);
      throw full;
    }
  });
}

function readlink(path) {
  return attempt("readlink", path, undefined, () => {
    const node = find(store(), path, false);
    if (!isLink(node)) fail("EINVAL");
    return node.target;
  });
}

function realpath(path, syscall) {
  return attempt(syscall, path, undefined, () => {
    const end = walk(store(), path, true);
    if (end.node === undefined) fail("ENOENT");
    return pathOf(end);
  });
}

// Changes what is known of a file besides its content.
function change(syscall, path, follow, changes) {
  attempt(syscall, path, undefined, () => {
    const node = find(store(), path, follow);
    mayChange(node);
    changes(node);
    node.ctime = op_clock_now();
  });
}

return { access, change, exists, link, list, lstat, mayChange, mkdir, open, readlink, realpath, rename, rmdir, stat, symlink, unlink };
})();
