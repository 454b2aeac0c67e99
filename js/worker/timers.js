// Timers belong to the event that set them and end with it, as on Workers.
(function () {
const { core, primordials } = __bootstrap;
const { FunctionPrototypeCall, ReflectApply, TypeError } = primordials;
const timers = core.loadExtScript("ext:deno_web/02_timers.js");
const { currentContext, forgetTimer, requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { exception } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");

function ownContext(name, callback) {
  if (typeof callback !== "function") {
    throw new TypeError(`Failed to execute '${name}': the callback must be a function`);
  }
  return requireContext();
}

// An exception is reported while the event that set the timer is the current one.
function run(callback, args) {
  try {
    ReflectApply(callback, globalThis, args);
  } catch (thrown) {
    exception(thrown);
  }
}

function setTimeout(callback, delay = 0, ...args) {
  const context = ownContext("setTimeout", callback);
  if (context.ended) return 0;
  const id = FunctionPrototypeCall(timers.setTimeout, this, () => {
    forgetTimer(context, id);
    run(callback, args);
  }, delay);
  context.ownTimer(id);
  return id;
}

function setInterval(callback, delay = 0, ...args) {
  const context = ownContext("setInterval", callback);
  if (context.ended) return 0;
  const id = FunctionPrototypeCall(timers.setInterval, this, () => run(callback, args), delay);
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
