// Timers belong to the event that set them and end with it, as on Workers: a number is a timer's within that event, and in another it is none.
(function () {
const { core, primordials } = __bootstrap;
const { FunctionPrototypeCall, ReflectApply, TypeError } = primordials;
const timers = core.loadExtScript("ext:deno_web/02_timers.js");
const { currentContext, forgetTimer, requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { clearTimer, soon } = core.loadExtScript("ext:workerd_lite/worker/soon.js");
const { exception } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");

function ownContext(name, callback) {
  if (typeof callback !== "function") {
    throw new TypeError(`Failed to execute '${name}': the callback must be a function`);
  }
  return requireContext();
}

// deno's timers take the low 32 bits, and what is more than 31 for a moment. On Workers what is longer is longer: no event lasts as long.
const LONGEST = 2 ** 31 - 1;

function milliseconds(delay) {
  const number = +delay;
  return number > LONGEST ? LONGEST : number;
}

// An exception is reported while the event that set the timer is the current one.
function run(callback, args) {
  try {
    ReflectApply(callback, globalThis, args);
  } catch (thrown) {
    exception(thrown);
  }
}

// `isTimer` is false for an immediate.
function runSoon(context, callback, args, isTimer) {
  const id = soon(() => {
    forgetTimer(context, id);
    run(callback, args);
  }, isTimer);
  context.ownTimer(id);
  return id;
}

function setTimeout(callback, delay = 0, ...args) {
  const context = ownContext("setTimeout", callback);
  if (context.ended) return 0;
  const after = milliseconds(delay);
  if (!(after >= 1) && (this === undefined || this === globalThis)) return runSoon(context, callback, args, true);
  const id = FunctionPrototypeCall(timers.setTimeout, this, () => {
    forgetTimer(context, id);
    run(callback, args);
  }, after);
  context.ownTimer(id);
  return id;
}

// For `setImmediate()`: a function to call, and no arguments.
function setImmediate(callback) {
  const context = ownContext("setImmediate", callback);
  return context.ended ? 0 : runSoon(context, callback, [], false);
}

function setInterval(callback, delay = 0, ...args) {
  const context = ownContext("setInterval", callback);
  if (context.ended) return 0;
  const id = FunctionPrototypeCall(timers.setInterval, this, () => run(callback, args), milliseconds(delay));
  context.ownTimer(id);
  return id;
}

// The number of a timer that an event has, otherwise that of none. Numbers are those of all events of the isolate, and of what is timed for them.
function numberIn(context, id) {
  id |= 0;
  return context !== undefined && forgetTimer(context, id) ? id : 0;
}

function clearTimeout(id = 0) {
  if (this !== undefined && this !== null && this !== globalThis) throw new TypeError("Illegal invocation");
  clearTimer(numberIn(currentContext(), id));
}

function clearInterval(id = 0) {
  FunctionPrototypeCall(clearTimeout, this, id);
}

// For who holds a timer itself, and knows whose it is.
function clearTimerOf(context, id) {
  clearTimer(numberIn(context, id));
}

return { clearInterval, clearTimeout, clearTimerOf, setImmediate, setInterval, setTimeout };
})();
