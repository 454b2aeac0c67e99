// Timers belong to the event that set them and end with it, as on Workers.
(function () {
const { core, primordials } = __bootstrap;
const { Error, FunctionPrototypeCall, ReflectApply, SafeArrayIterator, TypeError } = primordials;
const timers = core.loadExtScript("ext:deno_web/02_timers.js");
const { currentContext, forgetTimer } = core.loadExtScript("ext:workerd_lite/worker/context.js");

function ownContext(name, callback) {
  if (typeof callback !== "function") {
    throw new TypeError(`Failed to execute '${name}': the callback must be a function`);
  }
  const context = currentContext();
  if (context === undefined) {
    throw new Error(
      "Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a " +
        "timeout, and generating random values are not allowed within global scope. To fix this error, perform " +
        "this operation within a handler.",
    );
  }
  return context;
}

function setTimeout(callback, delay = 0, ...args) {
  const context = ownContext("setTimeout", callback);
  if (context.ended) return 0;
  const id = FunctionPrototypeCall(timers.setTimeout, this, () => {
    forgetTimer(context, id);
    ReflectApply(callback, globalThis, args);
  }, delay);
  context.ownTimer(id);
  return id;
}

function setInterval(callback, delay = 0, ...args) {
  const context = ownContext("setInterval", callback);
  if (context.ended) return 0;
  const id = FunctionPrototypeCall(
    timers.setInterval,
    this,
    callback,
    delay,
    ...new SafeArrayIterator(args),
  );
  context.ownTimer(id);
  return id;
}

function clear(id) {
  const context = currentContext();
  if (context !== undefined) forgetTimer(context, id);
}

function clearTimeout(id = 0) {
  clear(id);
  FunctionPrototypeCall(timers.clearTimeout, this, id);
}

function clearInterval(id = 0) {
  clear(id);
  FunctionPrototypeCall(timers.clearInterval, this, id);
}

return { clearInterval, clearTimeout, setInterval, setTimeout };
})();
