// What runs in the isolate's next turn, without a timer's millisecond: immediates, and timers of no time. In between, whatever else the
// isolate and its thread have to do gets its turn.
(function () {
const { core, primordials } = __bootstrap;
const { MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, MathMax, MathMin, SafeMap } = primordials;
const { clearTimeout, setTimeout } = core.loadExtScript("ext:deno_web/02_timers.js");
const { clearImmediate, getAsyncContext, immediateRefCount, kRefed, queueImmediate, setAsyncContext } = core;
const { op_timer_now } = core.ops;

// Their numbers, by which they are cleared, are above those of deno's timers, which count from 1.
const FIRST = 2 ** 30;
let last = 0;

// By number: what deno_core has in its queue, or the number of a timer.
const pending = new SafeMap();

// Of deno_core's form; every member is its own, where an author might have put one into `Object.prototype`.
class Immediate {
  _idleNext = null;
  _idlePrev = null;
  _onImmediate;
  _argv = undefined;
  _destroyed = false;
  asyncId = 0;
  triggerAsyncId = 0;
  [kRefed] = true;

  constructor(callback) {
    this._onImmediate = callback;
  }
}

// Timers of no time run in the next turn so many times, and once more for each millisecond that passes: what waits for something by
// setting one again and again takes no more CPU time than in Node.js, which has a millisecond between them.
const AT_ONCE = 32;
let left = AT_ONCE;
let counted = 0;

// How many wait for a timer, and how many for the next turn. Timers that are set after others come after them.
let delayed = 0;
let queued = 0;

// A time that is the same for so many of them is one that a test has stopped: it goes on when nothing is left to do, so timers are set.
const SAME = 1000;
let same = 0;

function count() {
  const now = op_timer_now();
  if (now === counted) {
    same++;
  } else {
    same = 0;
    left = MathMin(AT_ONCE, left + now - counted);
    counted = now;
  }
}

function mayRunAtOnce(isTimer) {
  count();
  if (same > SAME) return false;
  // Immediates wait for no timer, as in Node.
  if (!isTimer) return true;
  if (delayed > 0 || left < 1) return false;
  left--;
  return true;
}

function queue(id, callback) {
  const context = getAsyncContext();
  const immediate = new Immediate(() => {
    queued--;
    MapPrototypeDelete(pending, id);
    const before = getAsyncContext();
    setAsyncContext(context);
    try {
      callback();
    } finally {
      setAsyncContext(before);
    }
  });
  queued++;
  immediateRefCount(true);
  queueImmediate(immediate);
  MapPrototypeSet(pending, id, immediate);
}

// Calls a function that does not throw, with what V8 carries through promises. Gives a number.
function soon(callback, isTimer) {
  const id = FIRST + (last = (last + 1) % FIRST);
  if (mayRunAtOnce(isTimer)) {
    queue(id, callback);
    return id;
  }
  delayed++;
  MapPrototypeSet(pending, id, setTimeout(() => {
    delayed--;
    count();
    left = MathMax(0, left - 1);
    // Timers have their part of a turn first.
    if (queued > 0) return queue(id, callback);
    MapPrototypeDelete(pending, id);
    callback();
  }, 1));
  return id;
}

// Clears one of these, or a timer of deno's.
function clearTimer(id) {
  if (id < FIRST) return clearTimeout(id);
  const found = MapPrototypeGet(pending, id);
  if (found === undefined) return;
  MapPrototypeDelete(pending, id);
  if (typeof found === "number") {
    delayed--;
    clearTimeout(found);
  } else {
    queued--;
    clearImmediate(found);
  }
}

return { clearTimer, soon };
})();
