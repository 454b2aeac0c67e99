// https://nodejs.org/docs/latest-v22.x/api/fs.html#class-fsdir
(function () {
const { core, primordials } = __bootstrap;
const { PromiseReject, PromiseResolve, SymbolAsyncDispose, SymbolAsyncIterator, SymbolDispose } = primordials;
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { validateFunction, validateUint32 } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { getOptions } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const stats = core.loadExtScript("ext:workerd_lite/node/fs/stats.js");
const { attempt, fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { store } = core.loadExtScript("ext:workerd_lite/node/fs/store.js");

class Dir {
  #path;
  #encoding;
  #recursive;
  // Directories whose entries are still to be given, and those of the first of them.
  #folders;
  #entries = null;
  #next = 0;
  #closed = false;
  // Whose files they are: to another event it is no open directory.
  #store = store();

  constructor(path, options) {
    if (path === undefined || options === undefined) throw new errors.ERR_MISSING_ARGS("path", "options");
    this.#path = path;
    this.#encoding = options.encoding;
    this.#recursive = options.recursive;
    // Fails where there is none.
    this.#entries = { __proto__: null, path, list: stats.entries("opendir", path), after: null };
    this.#folders = this.#entries;
  }

  get path() {
    if (!(#path in this)) throw new errors.ERR_INVALID_THIS("Dir");
    return this.#path;
  }

  #own(syscall) {
    if (this.#store !== store()) attempt(syscall, undefined, undefined, () => fail("EBADF"));
  }

  #entry() {
    if (this.#closed) throw new errors.ERR_DIR_CLOSED();
    this.#own("readdir");
    while (this.#entries !== null) {
      const { list, path } = this.#entries;
      list: {
        if (list === null) {
          this.#entries.list = stats.entries("opendir", path);
          this.#next = 0;
          break list;
        }
        if (this.#next >= list.length) {
          this.#entries = this.#entries.after;
          break list;
        }
        const entry = stats.dirent(list[this.#next++], path, this.#encoding);
        if (this.#recursive && entry.isDirectory()) {
          const base = path[path.length - 1] === "/" ? path : `${path}/`;
          this.#folders.after = { __proto__: null, path: base + list[this.#next - 1].name, list: null, after: null };
          this.#folders = this.#folders.after;
        }
        return entry;
      }
    }
    return null;
  }

  readSync() {
    return this.#entry();
  }

  read(callback = undefined) {
    if (callback === undefined) {
      try {
        return PromiseResolve(this.#entry());
      } catch (error) {
        return PromiseReject(error);
      }
    }
    validateFunction(callback, "callback");
    if (this.#closed) throw new errors.ERR_DIR_CLOSED();
    nextTick(() => {
      let entry;
      try {
        entry = this.#entry();
      } catch (error) {
        return callback(error);
      }
      callback(null, entry);
    });
  }

  closeSync() {
    if (this.#closed) throw new errors.ERR_DIR_CLOSED();
    this.#own("closedir");
    this.#closed = true;
    this.#entries = this.#folders = null;
  }

  close(callback = undefined) {
    if (callback === undefined) {
      try {
        this.closeSync();
        return PromiseResolve();
      } catch (error) {
        return PromiseReject(error);
      }
    }
    validateFunction(callback, "callback");
    let failure = null;
    try {
      this.closeSync();
    } catch (error) {
      failure = error;
    }
    nextTick(callback, failure);
  }

  async *entries() {
    try {
      for (let entry; (entry = this.#entry()) !== null;) yield entry;
    } finally {
      if (!this.#closed) this.closeSync();
    }
  }

  [SymbolAsyncIterator]() {
    return this.entries();
  }

  [SymbolDispose]() {
    if (!this.#closed) this.closeSync();
  }

  async [SymbolAsyncDispose]() {
    if (!this.#closed) this.closeSync();
  }
}

function opendir(path, given) {
  path = args.path(path);
  const { bufferSize = 32, encoding, recursive } = getOptions(given, { __proto__: null, encoding: "utf8" });
  validateUint32(bufferSize, "options.bufferSize", true);
  return () => new Dir(path, { __proto__: null, encoding, recursive: !!recursive });
}

return { Dir, opendir };
})();
