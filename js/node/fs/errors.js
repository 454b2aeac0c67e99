// Errors of the file system in Node's form: https://nodejs.org/docs/latest-v22.x/api/errors.html#class-systemerror
(function () {
const { primordials } = __bootstrap;
const { Error, ObjectDefineProperty } = primordials;

// Linux's numbers, with libuv's words.
const KNOWN = {
  __proto__: null,
  EBADF: [-9, "bad file descriptor"],
  EBUSY: [-16, "resource busy or locked"],
  EEXIST: [-17, "file already exists"],
  EFBIG: [-27, "file too large"],
  EINVAL: [-22, "invalid argument"],
  EISDIR: [-21, "illegal operation on a directory"],
  ELOOP: [-40, "too many symbolic links encountered"],
  EMFILE: [-24, "too many open files"],
  ENAMETOOLONG: [-36, "name too long"],
  ENOENT: [-2, "no such file or directory"],
  ENOMEM: [-12, "not enough memory"],
  ENOSPC: [-28, "no space left on device"],
  ENOSYS: [-38, "function not implemented"],
  ENOTDIR: [-20, "not a directory"],
  ENOTEMPTY: [-39, "directory not empty"],
  EPERM: [-1, "operation not permitted"],
  EXDEV: [-18, "cross-device link not permitted"],
};

function define(error, name, value) {
  ObjectDefineProperty(error, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

function systemError(code, syscall, path = undefined, dest = undefined) {
  const { 0: errno, 1: words } = KNOWN[code];
  let message = `${code}: ${words}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  const error = new Error(message);
  define(error, "errno", errno);
  define(error, "code", code);
  define(error, "syscall", syscall);
  if (path !== undefined) define(error, "path", path);
  if (dest !== undefined) define(error, "dest", dest);
  return error;
}

// What goes wrong below, where nobody knows yet which call and which path it was.
class Fault {
  #code;

  constructor(code) {
    this.#code = code;
  }

  static code(thrown) {
    return typeof thrown === "object" && thrown !== null && #code in thrown ? thrown.#code : undefined;
  }
}

function fail(code) {
  throw new Fault(code);
}

// Runs a system call's body, and names call and paths where it fails.
function attempt(syscall, path, dest, run) {
  try {
    return run();
  } catch (thrown) {
    const code = Fault.code(thrown);
    if (code === undefined) throw thrown;
    throw systemError(code, syscall, path, dest);
  }
}

return { attempt, fail, systemError };
})();
