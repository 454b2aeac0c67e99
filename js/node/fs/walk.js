// From a path to a node, by POSIX's rules: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap04.html#tag_04_16
(function () {
const { core, primordials } = __bootstrap;
const { StringPrototypeSplit } = primordials;
const { fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { isDirectory, isLink } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");

// Linux's limits, in bytes, and its number of links.
const LONGEST_PATH = 4096;
const LONGEST_NAME = 255;
const MOST_LINKS = 40;

// UTF-8 has at most three bytes for a unit.
const isLonger = (text, most) => text.length * 3 > most && core.byteLength(text) > most;

// The names of a path before those of `rest`, as a list that is linked.
function names(path, rest) {
  const parts = StringPrototypeSplit(path, "/");
  for (let i = parts.length - 1; i >= 0; i--) {
    if (parts[i] !== "" && parts[i] !== ".") rest = { __proto__: null, name: parts[i], next: rest };
  }
  return rest;
}

// Whether a path says that it is a directory's.
function endsAsDirectory(path) {
  const { length } = path;
  return path[length - 1] === "/" || path === "." || (path[length - 1] === "." && path[length - 2] === "/");
}

const step = (node, name, up) => ({ __proto__: null, node, name, up });

// Gives the last step, `{ node, name, up }`. `node` is undefined where only the last name is not there: `slash` then says that a directory was
// meant. A symbolic link at the end is followed where `follow` says so.
function walk(store, path, follow) {
  if (path === "") fail("ENOENT");
  if (isLonger(path, LONGEST_PATH - 1)) fail("ENAMETOOLONG");
  const root = step(store.root, "", null);
  let at = root;
  let pending = names(path, null);
  if (path[0] !== "/") pending = names(store.cwd, pending);
  let slash = endsAsDirectory(path);
  let links = 0;
  while (pending !== null) {
    const { name } = pending;
    pending = pending.next;
    if (!isDirectory(at.node)) fail("ENOTDIR");
    if (name === "..") {
      at = at.up ?? at;
      continue;
    }
    if (isLonger(name, LONGEST_NAME)) fail("ENAMETOOLONG");
    const node = store.child(at.node, name);
    if (node === undefined) {
      if (pending !== null) fail("ENOENT");
      return { __proto__: null, node, name, up: at, slash };
    }
    if (isLink(node) && (pending !== null || follow || slash)) {
      links++;
      if (links > MOST_LINKS) fail("ELOOP");
      if (pending === null && endsAsDirectory(node.target)) slash = true;
      pending = names(node.target, pending);
      if (node.target[0] === "/") at = root;
      continue;
    }
    at = step(node, name, at);
  }
  if (slash && !isDirectory(at.node)) fail("ENOTDIR");
  return at;
}

// The node at a path.
function find(store, path, follow = true) {
  return walk(store, path, follow).node ?? fail("ENOENT");
}

// The path of a step, without symbolic links.
function pathOf(at) {
  let path = "";
  for (; at.up !== null; at = at.up) path = `/${at.name}${path}`;
  return path === "" ? "/" : path;
}

return { find, pathOf, walk };
})();
