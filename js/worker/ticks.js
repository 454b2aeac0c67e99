// The one tick that deno_core's queue ever holds: it runs those of `process.nextTick()`.
(function () {
const { core } = __bootstrap;

// As deno_core has it.
const SLOTS = 2048;

let ticks = () => {};

const RUN_TICKS = { __proto__: null, asyncId: 0, triggerAsyncId: 0, snapshot: undefined, callback: () => ticks(), args: undefined };

function setTicks(run) {
  ticks = run;
}

// While the snapshot is made: each slot of the queue becomes the array's own. One that is a hole would be read and written through `Array.prototype`, where an
// author may have put a tick of theirs, with any event that they like.
function fillQueue() {
  for (let i = 0; i < SLOTS; i++) {
    core.queueNextTick(RUN_TICKS);
    core.processTicksAndRejections();
  }
}

return { RUN_TICKS, fillQueue, setTicks };
})();
