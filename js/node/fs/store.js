// The trees: `/bundle` holds the worker's modules and `/dev` devices, both the same for all; `/tmp` and descriptors are an event's own, and gone
// when it ends. Outside of an event `/tmp` can not be written.
(function () {
const { core, primordials } = __bootstrap;
const { MapPrototypeDelete, MapPrototypeGet, MapPrototypeGetSize, MapPrototypeSet, SafeMap, StringPrototypeSplit } = primordials;
const { op_node_module_files, op_node_files_most } = core.ops;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { freed } = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");
const { Quota, child, fixed, made, S_IFCHR, S_IFDIR, S_IFREG } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");

const bundle = fixed(S_IFDIR, 0o555);
let filled = false;

// The modules by the names that they have in the project.
function fill() {
  filled = true;
  const files = op_node_module_files();
  for (let i = 0; i < files.length; i++) {
    const { 0: path, 1: size } = files[i];
    const names = StringPrototypeSplit(path, "/");
    let at = bundle;
    for (let j = 0; j < names.length - 1; j++) {
      let next = child(at, names[j]);
      if (next === undefined) {
        next = fixed(S_IFDIR, 0o555);
        MapPrototypeSet(at.entries, names[j], next);
      }
      at = next;
      if (at.entries === null) break;
    }
    if (at.entries === null) continue;
    const file = fixed(S_IFREG, 0o444);
    file.module = i;
    file.size = size;
    MapPrototypeSet(at.entries, names[names.length - 1], file);
  }
}

function device(name) {
  const node = fixed(S_IFCHR, 0o666);
  node.device = name;
  return node;
}

const dev = fixed(S_IFDIR, 0o555);
const DEVICES = ["full", "null", "random", "zero"];
for (let i = 0; i < DEVICES.length; i++) MapPrototypeSet(dev.entries, DEVICES[i], device(DEVICES[i]));
MapPrototypeSet(dev.entries, "urandom", child(dev, "random"));

const STANDARD = [device("stdin"), device("stdout"), device("stderr")];
const MOST_OPEN = 1024;

// No two events of an isolate have a descriptor's number in common.
let lastDescriptor = 2;

class Description {
  node = null;
  flags = 0;
  position = 0;

  constructor(node, flags) {
    this.node = node;
    this.flags = flags;
  }
}

class Store {
  quota = null;
  root = fixed(S_IFDIR, 0o555);
  // The current directory, without symbolic links, and the bits that a new node's mode has not: Linux's usual ones.
  cwd = "/bundle";
  umask = 0o022;
  #open = new SafeMap();
  #opened = new SafeMap();

  constructor(writable) {
    this.quota = new Quota(writable ? op_node_files_most() : 0);
    let tmp;
    if (writable) {
      tmp = made(S_IFDIR, 0o1777, this.quota);
    } else {
      tmp = fixed(S_IFDIR, 0o555);
    }
    MapPrototypeSet(this.root.entries, "bundle", bundle);
    MapPrototypeSet(this.root.entries, "dev", dev);
    MapPrototypeSet(this.root.entries, "tmp", tmp);
    for (let i = 0; i < 3; i++) MapPrototypeSet(this.#open, i, new Description(STANDARD[i], i === 0 ? 0 : 1));
  }

  // What a directory has by a name.
  child(directory, name) {
    if (directory === bundle && !filled) fill();
    const found = child(directory, name);
    if (found !== undefined || directory !== this.root) return found;
    // `import.meta.url` says modules' places without `/bundle`.
    return this.child(bundle, name);
  }

  entries(directory) {
    if (directory === bundle && !filled) fill();
    return directory.entries;
  }

  open(node, flags) {
    if (MapPrototypeGetSize(this.#open) >= MOST_OPEN) fail("EMFILE");
    do {
      lastDescriptor = lastDescriptor >= 0x7fff_ffff ? 3 : lastDescriptor + 1;
    } while (MapPrototypeGet(this.#open, lastDescriptor) !== undefined);
    MapPrototypeSet(this.#open, lastDescriptor, new Description(node, flags));
    MapPrototypeSet(this.#opened, node, (MapPrototypeGet(this.#opened, node) ?? 0) + 1);
    return lastDescriptor;
  }

  description(descriptor) {
    return MapPrototypeGet(this.#open, descriptor) ?? fail("EBADF");
  }

  close(descriptor) {
    const { node } = this.description(descriptor);
    MapPrototypeDelete(this.#open, descriptor);
    const others = (MapPrototypeGet(this.#opened, node) ?? 1) - 1;
    if (others > 0) {
      MapPrototypeSet(this.#opened, node, others);
    } else {
      MapPrototypeDelete(this.#opened, node);
      this.release(node);
    }
  }

  // Where it has no name and nobody has it open, a file's content is gone.
  release(node) {
    if (node.nlink === 0 && MapPrototypeGet(this.#opened, node) === undefined) freed(node);
  }
}

let outside;

// The current event's.
function store() {
  const context = currentContext();
  if (context === undefined) return outside ??= new Store(false);
  return context.files ??= new Store(!context.ended);
}

return { store };
})();
