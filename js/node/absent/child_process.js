// https://nodejs.org/docs/latest-v22.x/api/child_process.html: there are no processes. Arguments are looked at before that is said.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayIsArray, SymbolDispose } = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateFunction, validateObject, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const missing = (value) => value === undefined || value === null;

class ChildProcess extends EventEmitter {
  constructor() {
    super();
    throw failure("child_process.ChildProcess");
  }
}
const { prototype } = ChildProcess;
for (const name of ["disconnect", "kill", "ref", "send", "spawn", "unref"]) prototype[name] = unavailable(`child_process.ChildProcess.${name}`);
prototype[SymbolDispose] = unavailable("child_process.ChildProcess.dispose");

function optional(value, validate, name) {
  if (!missing(value)) validate(value, name);
}

// `(file, args, options)`, of which `args` may be left out.
function validateRun(file, args, options) {
  validateString(file, "file");
  if (ArrayIsArray(args)) return optional(options, validateObject, "options");
  if (!missing(args) && typeof args !== "object") throw new ERR_INVALID_ARG_TYPE("args", ["Array", "Object"], args);
  if (missing(args)) optional(options, validateObject, "options");
}

const child_process = {
  ChildProcess,
  _forkChild: unavailable("child_process._forkChild"),
  exec(command, options = undefined, callback = undefined) {
    validateString(command, "command");
    if (typeof options === "function") throw failure("child_process.exec");
    optional(options, validateObject, "options");
    optional(callback, validateFunction, "callback");
    throw failure("child_process.exec");
  },
  execFile(file, args = undefined, options = undefined, callback = undefined) {
    if (typeof args === "function") args = undefined;
    if (typeof options === "function") options = undefined;
    validateRun(file, args, options);
    optional(callback, validateFunction, "callback");
    throw failure("child_process.execFile");
  },
  execFileSync(file, args = undefined, options = undefined) {
    validateRun(file, args, options);
    throw failure("child_process.execFileSync");
  },
  execSync(command, options = undefined) {
    validateString(command, "command");
    optional(options, validateObject, "options");
    throw failure("child_process.execSync");
  },
  fork(modulePath, args = undefined, options = undefined) {
    validateRun(modulePath, args, options);
    throw failure("child_process.fork");
  },
  spawn: unavailable("child_process.spawn"),
  spawnSync(file, args = undefined, options = undefined) {
    validateRun(file, args, options);
    throw failure("child_process.spawnSync");
  },
};

return { default: child_process };
})();
