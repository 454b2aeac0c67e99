// `process.nextTick()`: deno_core runs its ticks before promises' reactions, in each turn of its loop. It keeps them in an array with holes, whose
// setters and getters an author may have put into `Array.prototype`: so the ticks are ours, and what deno_core keeps is one that runs them all.
(function () {
const { core, primordials } = __bootstrap;
const { ReflectApply } = primordials;
const { getAsyncContext, setAsyncContext } = core;
const { exception } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { RUN_TICKS, setTicks } = core.loadExtScript("ext:workerd_lite/worker/ticks.js");

let first = null;
let last = null;
let running = false;

function nextTick(callback, ...args) {
  if (typeof callback !== "function") validateFunction(callback, "callback");
  const tick = { __proto__: null, args, callback, context: getAsyncContext(), next: null };
  if (last === null) {
    first = tick;
    if (!running) core.queueNextTick(RUN_TICKS);
  } else {
    last.next = tick;
  }
  last = tick;
}

// Those too that are added meanwhile.
function runTicks() {
  const before = getAsyncContext();
  running = true;
  while (first !== null) {
    const { args, callback, context, next } = first;
    first = next;
    if (next === null) last = null;
    setAsyncContext(context);
    try {
      ReflectApply(callback, undefined, args);
    } catch (thrown) {
      exception(thrown);
    }
  }
  running = false;
  setAsyncContext(before);
}

setTicks(runTicks);

return { nextTick };
})();
