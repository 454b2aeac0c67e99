// `process.nextTick()`: deno_core runs these before promises' reactions, in each turn of its loop.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush } = primordials;
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");

// A literal with `__proto__: null` is a dictionary, and dear. Fields are defined, so no setter of an author's sees them.
class Tick {
  asyncId = 0;
  triggerAsyncId = 0;
  snapshot = undefined;
  callback = undefined;
  args = undefined;

  constructor(callback, args) {
    this.snapshot = core.getAsyncContext();
    this.callback = callback;
    this.args = args;
  }
}

function nextTick(callback, ...rest) {
  if (typeof callback !== "function") validateFunction(callback, "callback");
  let args;
  if (rest.length > 0) {
    args = [];
    for (let i = 0; i < rest.length; i++) ArrayPrototypePush(args, rest[i]);
  }
  core.queueNextTick(new Tick(callback, args));
}

return { nextTick };
})();
