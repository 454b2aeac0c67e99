// Failures of connections, in Node's form.
(function () {
const { primordials } = __bootstrap;
const { Error, ObjectAssign, ObjectDefineProperty } = primordials;

const ERRNO = { __proto__: null, EADDRINUSE: -98, ECONNREFUSED: -111, ECONNRESET: -104, ENOENT: -2, EPIPE: -32, EAI_AGAIN: -3001, ENOTFOUND: -3008 };

// `what` and `why`, a sentence of ours, follow Node's words.
function systemError(syscall, code, what, details, why = undefined) {
  const error = new Error(`${syscall} ${code}${what === "" ? "" : ` ${what}`}${why === undefined ? "" : `: ${why}`}`);
  return ObjectAssign(error, { errno: ERRNO[code], code, syscall, ...details });
}

function refused(address, port, why, cause = undefined) {
  const error = systemError("connect", "ECONNREFUSED", `${address}:${port}`, { address, port }, why);
  if (cause !== undefined) ObjectDefineProperty(error, "cause", { __proto__: null, value: cause, writable: true, enumerable: false, configurable: true });
  return error;
}

function reset(why = undefined) {
  return systemError("read", "ECONNRESET", "", {}, why);
}

return { refused, reset, systemError };
})();
