// `process.nextTick()`: deno_core runs these before promises' reactions, in each turn of its loop.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush } = primordials;
const { setAfterCall } = core.loadExtScript("ext:workerd_lite/worker/dispatch.js");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");

// deno_core's own turn would come to the timers first.
setAfterCall(core.runNextTicks);

function nextTick(callback, ...rest) {
  validateFunction(callback, "callback");
  let args;
  if (rest.length > 0) {
    args = [];
    for (let i = 0; i < rest.length; i++) ArrayPrototypePush(args, rest[i]);
  }
  core.queueNextTick({ __proto__: null, asyncId: 0, triggerAsyncId: 0, snapshot: core.getAsyncContext(), callback, args });
}

return { nextTick };
})();
