// What the tree in memory is made of. No node is ever given to a script: all that a node may be asked for is its own property, so that nothing
// that a script puts on a prototype is met. Classes declare all their fields for that: an assignment to one that is not there yet would call a setter.
(function () {
const { core, primordials } = __bootstrap;
const { MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, SafeMap } = primordials;
const { op_clock_now } = core.ops;
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } = fsConstants;
const { fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");

let lastInode = 1;

class Node {
  mode = 0;
  atime = 0;
  mtime = 0;
  ctime = 0;
  birthtime = 0;
  ino = lastInode++;
  nlink = 1;
  uid = 0;
  gid = 0;
  // Whether only reading is allowed.
  fixed = false;
  // Of a directory, by name.
  entries = null;
  // Of a regular file: pieces by their number.
  pages = null;
  size = 0;
  // Of a module's file: its number in the worker's graph.
  module = -1;
  // Of a symbolic link.
  target = "";
  // Of a device.
  device = "";
  // What its memory counts for; null of what is not an event's.
  quota = null;

  constructor(mode, quota, time) {
    this.mode = mode;
    this.quota = quota;
    this.atime = this.mtime = this.ctime = this.birthtime = time;
  }
}

const isKind = (node, kind) => (node.mode & S_IFMT) === kind;
const isDirectory = (node) => isKind(node, S_IFDIR);
const isFile = (node) => isKind(node, S_IFREG);
const isLink = (node) => isKind(node, S_IFLNK);
const isDevice = (node) => isKind(node, S_IFCHR);

// How much of everything that is no content an event's files may have.
const MOST_NODES = 16_384;
const MOST_TEXT = 4 * 1024 * 1024;

// What an event's files take.
class Quota {
  nodes = 0;
  // Bytes of names and of symbolic links' targets.
  text = 0;
  // Bytes of contents, and how many there may be.
  bytes = 0;
  most = 0;

  constructor(most) {
    this.most = most;
  }

  name(more) {
    if (this.text + more > MOST_TEXT) fail("ENOSPC");
    this.text += more;
  }
}

// A new node of an event.
function made(kind, mode, quota) {
  if (quota.nodes >= MOST_NODES) fail("ENOSPC");
  quota.nodes++;
  const node = new Node(kind | (mode & 0o7777), quota, op_clock_now());
  if (kind === S_IFDIR) node.entries = new SafeMap();
  if (kind === S_IFREG) node.pages = new SafeMap();
  return node;
}

// A directory of everybody's, or a file in one.
function fixed(kind, mode) {
  const node = new Node(kind | mode, null, 0);
  node.fixed = true;
  if (kind === S_IFDIR) node.entries = new SafeMap();
  return node;
}

function touched(node) {
  node.mtime = node.ctime = op_clock_now();
}

function insert(directory, name, node) {
  if (directory.fixed) fail("EPERM");
  directory.quota.name(core.byteLength(name));
  MapPrototypeSet(directory.entries, name, node);
  touched(directory);
}

function remove(directory, name) {
  if (directory.fixed) fail("EPERM");
  if (!MapPrototypeDelete(directory.entries, name)) return;
  directory.quota.text -= core.byteLength(name);
  touched(directory);
}

const child = (directory, name) => MapPrototypeGet(directory.entries, name);

// A name less; without any, its memory counts no longer once nobody has it open.
function unlinked(node) {
  node.nlink--;
  node.ctime = op_clock_now();
  if (node.nlink > 0 && !isDirectory(node)) return;
  node.nlink = 0;
  node.quota.nodes--;
  if (isLink(node)) node.quota.text -= core.byteLength(node.target);
}

return { MOST_NODES, MOST_TEXT, Quota, child, fixed, insert, isDevice, isDirectory, isFile, isLink, made, remove, touched, unlinked, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG };
})();
