// Time-outs of sockets, over the timers of the event that sets them.
(function () {
const { core, primordials } = __bootstrap;
const { NumberIsFinite, ObjectDefineProperty, Symbol } = primordials;
const { validateNumber } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { ERR_OUT_OF_RANGE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { clearTimeout, Timeout } = core.loadExtScript("ext:workerd_lite/node/timers.js");

const LONGEST = 2 ** 31 - 1;

function getTimerDuration(msecs, name) {
  validateNumber(msecs, name);
  if (msecs < 0 || !NumberIsFinite(msecs)) throw new ERR_OUT_OF_RANGE(name, "a non-negative finite number", msecs);
  return msecs > LONGEST ? LONGEST : msecs;
}

// Node's servers end a timer of a socket's by this.
const kDestroy = Symbol("destroy");
ObjectDefineProperty(Timeout.prototype, kDestroy, {
  __proto__: null,
  configurable: true,
  enumerable: false,
  value() {
    clearTimeout(this);
  },
  writable: true,
});

return { getTimerDuration, kDestroy, kTimeout: Symbol("timeout"), suspendTimeout: clearTimeout };
})();
