// What `stat()` and `readdir()` give: https://nodejs.org/docs/latest-v22.x/api/fs.html#class-fsstats
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush, ArrayPrototypeSort, BigInt, MathCeil, MathFloor, ObjectDefineProperty, SafeMapIterator } = primordials;
const { BigIntStats, Dirent, Stats } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { UV_DIRENT_CHAR, UV_DIRENT_DIR, UV_DIRENT_FILE, UV_DIRENT_LINK } = fsConstants;
const { isDevice, isDirectory, isLink, MOST_NODES } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");
const { taken } = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");
const { list } = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");

const DEVICE = 1;
const BLOCK = 4096;

// Node 22 has this beside `parentPath`.
ObjectDefineProperty(Dirent.prototype, "path", {
  __proto__: null,
  get() {
    return this.parentPath;
  },
  set(value) {
    ObjectDefineProperty(this, "path", { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  },
  configurable: true,
});

function links(node) {
  if (!isDirectory(node)) return node.nlink;
  let count = 2;
  for (const entry of new SafeMapIterator(node.entries)) {
    if (isDirectory(entry[1])) count++;
  }
  return count;
}

function stats(node, bigint) {
  const size = isDirectory(node) ? BLOCK : node.size;
  const blocks = MathCeil(taken(node) / 512);
  if (!bigint) {
    return new Stats(
      DEVICE, node.mode, links(node), node.uid, node.gid, isDevice(node) ? DEVICE : 0, BLOCK, node.ino, size, blocks,
      node.atime, node.mtime, node.ctime, node.birthtime,
    );
  }
  const ns = (milliseconds) => BigInt(MathFloor(milliseconds * 1000)) * 1000n;
  return new BigIntStats(
    BigInt(DEVICE), BigInt(node.mode), BigInt(links(node)), BigInt(node.uid), BigInt(node.gid), isDevice(node) ? BigInt(DEVICE) : 0n, BigInt(BLOCK),
    BigInt(node.ino), BigInt(size), BigInt(blocks), ns(node.atime), ns(node.mtime), ns(node.ctime), ns(node.birthtime),
  );
}

// https://nodejs.org/docs/latest-v22.x/api/fs.html#class-fsstatfs
class StatFs {
  constructor(type, bsize, blocks, bfree, bavail, files, ffree) {
    this.type = type;
    this.bsize = bsize;
    this.blocks = blocks;
    this.bfree = bfree;
    this.bavail = bavail;
    this.files = files;
    this.ffree = ffree;
  }
}

// Linux's number of tmpfs.
const TMPFS = 0x0102_1994;

function statfs(node, bigint) {
  const { quota } = node;
  const blocks = quota === null ? 0 : MathFloor(quota.most / BLOCK);
  const free = quota === null ? 0 : MathFloor((quota.most - quota.bytes) / BLOCK);
  const of = bigint ? BigInt : (number) => number;
  const files = quota === null ? 0 : MOST_NODES;
  return new StatFs(of(TMPFS), of(BLOCK), of(blocks), of(free), of(free), of(files), of(quota === null ? 0 : MOST_NODES - quota.nodes));
}

function kind(node) {
  if (isDirectory(node)) return UV_DIRENT_DIR;
  if (isLink(node)) return UV_DIRENT_LINK;
  return isDevice(node) ? UV_DIRENT_CHAR : UV_DIRENT_FILE;
}

const encoded = (text, encoding) => {
  if (encoding === undefined || encoding === null || encoding === "utf8" || encoding === "utf-8") return text;
  const bytes = Buffer.from(text);
  return encoding === "buffer" ? bytes : bytes.toString(encoding);
};

const byName = (one, other) => one.name < other.name ? -1 : one.name > other.name ? 1 : 0;

// A directory's entries as plain objects, in the order of their names.
function entries(syscall, path) {
  const found = [];
  list(syscall, path, (name, node) => ArrayPrototypePush(found, { __proto__: null, name, kind: kind(node) }));
  return ArrayPrototypeSort(found, byName);
}

const dirent = ({ name, kind }, path, encoding) => new Dirent(encoded(name, encoding), kind, path);

// As `readdir()` gives them.
function read(path, options) {
  const { encoding, recursive, withFileTypes } = options;
  const found = [];
  const folders = [{ __proto__: null, path, prefix: "" }];
  for (let i = 0; i < folders.length; i++) {
    const folder = folders[i];
    const here = entries("scandir", folder.path);
    for (let j = 0; j < here.length; j++) {
      const entry = here[j];
      const name = folder.prefix + entry.name;
      ArrayPrototypePush(found, withFileTypes ? dirent(entry, folder.path, encoding) : encoded(name, encoding));
      if (recursive && entry.kind === UV_DIRENT_DIR) {
        const base = folder.path[folder.path.length - 1] === "/" ? folder.path : `${folder.path}/`;
        ArrayPrototypePush(folders, { __proto__: null, path: base + entry.name, prefix: `${name}/` });
      }
    }
  }
  return found;
}

return { dirent, encoded, entries, read, statfs, stats, StatFs };
})();
