// Time-outs of sockets, over the timers of the event that sets them.
(function () {
const { core, primordials } = __bootstrap;
const { NumberIsFinite, Symbol } = primordials;
const { validateNumber } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { ERR_OUT_OF_RANGE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { clearTimeout } = core.loadExtScript("ext:workerd_lite/node/timers.js");

const LONGEST = 2 ** 31 - 1;

function getTimerDuration(msecs, name) {
  validateNumber(msecs, name);
  if (msecs < 0 || !NumberIsFinite(msecs)) throw new ERR_OUT_OF_RANGE(name, "a non-negative finite number", msecs);
  return msecs > LONGEST ? LONGEST : msecs;
}

return { getTimerDuration, kDestroy: Symbol("destroy"), kTimeout: Symbol("timeout"), suspendTimeout: clearTimeout };
})();
