// System calls that take descriptors. One that another event opened is none: `EBADF`.
(function () {
const { core, primordials } = __bootstrap;
const { MathMin, NumberMAX_SAFE_INTEGER, TypedArrayPrototypeFill, TypedArrayPrototypeGetByteLength } = primordials;
const { op_clock_now, op_node_fill_random, op_node_text } = core.ops;
const { fsConstants } = core.loadExtScript("ext:workerd_lite/node/fs_constants.js");
const { O_APPEND, O_RDONLY, O_WRONLY } = fsConstants;
const { attempt, fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { isDevice, isDirectory, isFile } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");
const contents = core.loadExtScript("ext:workerd_lite/node/fs/contents.js");
const { mayChange } = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const { store } = core.loadExtScript("ext:workerd_lite/node/fs/store.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

// As op_node_text() counts encodings.
const UTF8 = 0;
// As much as one call gives of a device without an end.
const PIECE = 1024 * 1024;

function readDevice(device, target) {
  if (device === "null" || device === "stdin") return 0;
  if (device === "stdout" || device === "stderr") fail("EBADF");
  const bytes = contents.part(target, 0, MathMin(TypedArrayPrototypeGetByteLength(target), PIECE));
  if (device === "random") {
    requireContext();
    op_node_fill_random(bytes);
  } else {
    TypedArrayPrototypeFill(bytes, 0);
  }
  return TypedArrayPrototypeGetByteLength(bytes);
}

function writeDevice(device, bytes) {
  if (device === "full") fail("ENOSPC");
  if (device === "stdin") fail("EBADF");
  if (device === "stdout" || device === "stderr") {
    const process = core.loadExtScript("ext:workerd_lite/node/process.js").default;
    process[device].write(op_node_text(bytes, 0, TypedArrayPrototypeGetByteLength(bytes), UTF8) ?? "");
  }
  return TypedArrayPrototypeGetByteLength(bytes);
}

// `position` is null where the descriptor's own is meant.
function read(descriptor, target, position) {
  return attempt("read", undefined, undefined, () => {
    const description = store().description(descriptor);
    const { node } = description;
    if ((description.flags & 3) === O_WRONLY) fail("EBADF");
    if (isDirectory(node)) fail("EISDIR");
    if (isDevice(node)) return readDevice(node.device, target);
    if (position !== null) return contents.readAt(node, position, target);
    const count = contents.readAt(node, description.position, target);
    description.position += count;
    return count;
  });
}

function write(descriptor, bytes, position) {
  return attempt("write", undefined, undefined, () => {
    const description = store().description(descriptor);
    const { node } = description;
    if ((description.flags & 3) === O_RDONLY) fail("EBADF");
    if (isDevice(node)) return writeDevice(node.device, bytes);
    const appends = (description.flags & O_APPEND) !== 0;
    const from = appends ? node.size : position ?? description.position;
    const count = contents.writeAt(node, from, bytes);
    if (position === null) description.position = from + count;
    return count;
  });
}

// What a call on a descriptor's node gives.
function on(syscall, descriptor, run) {
  return attempt(syscall, undefined, undefined, () => run(store().description(descriptor)));
}

const close = (descriptor) => attempt("close", undefined, undefined, () => store().close(descriptor));
const node = (syscall, descriptor) => on(syscall, descriptor, (description) => description.node);

function truncate(descriptor, length) {
  on("ftruncate", descriptor, (description) => {
    if ((description.flags & 3) === O_RDONLY || !isFile(description.node)) fail("EINVAL");
    contents.resize(description.node, length);
  });
}

function change(syscall, descriptor, changes) {
  on(syscall, descriptor, (description) => {
    mayChange(description.node);
    changes(description.node);
    description.node.ctime = op_clock_now();
  });
}

// How many bytes are left to be read: of a file as its size says, of a device without an end more than anybody may have.
function rest(descriptor) {
  return on("read", descriptor, (description) => {
    const { node } = description;
    if (isDirectory(node)) fail("EISDIR");
    if (isFile(node)) return node.size > description.position ? node.size - description.position : 0;
    return node.device === "null" || node.device === "stdin" ? 0 : NumberMAX_SAFE_INTEGER;
  });
}

return { change, close, node, read, rest, truncate, write };
})();
