// Contents of regular files in memory, in pages: what was never written takes none. A page is an ArrayBuffer, and so counts for the isolate's
// `buffers_mb`; an event's files may have half of that.
(function () {
const { core, primordials } = __bootstrap;
const {
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  MathMin,
  SafeMapIterator,
  TypedArrayPrototypeFill,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeSet,
  Uint8Array,
} = primordials;
const { op_node_module_read } = core.ops;
const { fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { touched } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");

const PAGE = 64 * 1024;
const SMALLEST = 256;

// As large as Node reads at once, and as its `readFile()` takes.
const LARGEST = 2 ** 31 - 1;

// A part of an array, without asking it for anything.
function part(bytes, start, length) {
  return new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + start, length);
}

function allocated(quota, length) {
  if (quota.bytes + length > quota.most) fail("ENOSPC");
  let page;
  try {
    page = new Uint8Array(length);
  } catch {
    fail("ENOSPC");
  }
  quota.bytes += length;
  return page;
}

// The page of a number, with room for so many bytes.
function page(node, index, needed) {
  const old = MapPrototypeGet(node.pages, index);
  const had = old === undefined ? 0 : TypedArrayPrototypeGetByteLength(old);
  if (had >= needed) return old;
  let length = had === 0 ? SMALLEST : had;
  while (length < needed) length *= 2;
  const grown = allocated(node.quota, length);
  if (old !== undefined) TypedArrayPrototypeSet(grown, old);
  node.quota.bytes -= had;
  MapPrototypeSet(node.pages, index, grown);
  return grown;
}

// Fills `target` from a position on; gives how many bytes there were.
function readAt(node, position, target) {
  const length = MathMin(TypedArrayPrototypeGetByteLength(target), node.size - position);
  if (length <= 0) return 0;
  if (node.module >= 0) return op_node_module_read(node.module, position, target);
  for (let done = 0; done < length;) {
    const offset = (position + done) % PAGE;
    const count = MathMin(PAGE - offset, length - done);
    const found = MapPrototypeGet(node.pages, (position + done - offset) / PAGE);
    const there = found === undefined ? 0 : MathMin(count, TypedArrayPrototypeGetByteLength(found) - offset);
    if (there > 0) TypedArrayPrototypeSet(target, part(found, offset, there), done);
    if (there < count) TypedArrayPrototypeFill(target, 0, done + (there > 0 ? there : 0), done + count);
    done += count;
  }
  return length;
}

// Writes what there is room for; fails where there is none.
function writeAt(node, position, bytes) {
  const wanted = TypedArrayPrototypeGetByteLength(bytes);
  if (wanted === 0) return 0;
  const length = MathMin(wanted, LARGEST - position);
  if (length <= 0) fail("EFBIG");
  for (let done = 0; done < length;) {
    const offset = (position + done) % PAGE;
    const count = MathMin(PAGE - offset, length - done);
    TypedArrayPrototypeSet(page(node, (position + done - offset) / PAGE, offset + count), part(bytes, done, count), offset);
    done += count;
    if (position + done > node.size) node.size = position + done;
  }
  touched(node);
  return length;
}

function resize(node, size) {
  if (size > LARGEST) fail("EFBIG");
  if (size < node.size) {
    const last = (size - size % PAGE) / PAGE;
    for (const entry of new SafeMapIterator(node.pages)) {
      const { 0: index, 1: bytes } = entry;
      if (index > last || (index === last && size % PAGE === 0)) {
        MapPrototypeDelete(node.pages, index);
        node.quota.bytes -= TypedArrayPrototypeGetByteLength(bytes);
      } else if (index === last) {
        TypedArrayPrototypeFill(bytes, 0, MathMin(size % PAGE, TypedArrayPrototypeGetByteLength(bytes)));
      }
    }
  }
  node.size = size;
  touched(node);
}

// A file without names that nobody has open.
function freed(node) {
  if (node.pages === null) return;
  for (const entry of new SafeMapIterator(node.pages)) node.quota.bytes -= TypedArrayPrototypeGetByteLength(entry[1]);
  node.pages = null;
}

// How many bytes a file's pages take.
function taken(node) {
  if (node.pages === null) return node.size;
  let bytes = 0;
  for (const entry of new SafeMapIterator(node.pages)) bytes += TypedArrayPrototypeGetByteLength(entry[1]);
  return bytes;
}

return { freed, part, readAt, resize, taken, writeAt };
})();
