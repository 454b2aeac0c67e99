// https://nodejs.org/docs/latest-v22.x/api/timers.html: objects over the timers of the event that sets them. `ref` and `unref` are remembered and no more: an event
// ends with its response and what waitUntil() is given, whatever its timers.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectCreate,
  ObjectDefineProperty,
  Promise,
  PromiseReject,
  ReflectApply,
  SafeMap,
  SafeSet,
  SafeSetIterator,
  SafeWeakMap,
  SafePromisePrototypeFinally,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeHas,
  Symbol,
  SymbolFor,
  SymbolToPrimitive,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const {
  clearTimeout: clearWebTimeout,
  clearTimerOf,
  setImmediate: setWebImmediate,
  setInterval: setWebInterval,
  setTimeout: setWebTimeout,
} = core.loadExtScript("ext:workerd_lite/worker/timers.js");
// Their own clock, which stands still while a script computes.
const { op_clock_now } = core.ops;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const custom = SymbolFor("nodejs.util.promisify.custom");

// The globals are made of these functions: what checks and complains is loaded when there is something to complain of.
const errors = () => core.loadExtScript("ext:deno_node/internal/errors.ts");
const validators = () => {
  // The codes that validators complain with are there once this is.
  errors();
  return core.loadExtScript("ext:deno_node/internal/validators.mjs");
};

function validateFunction(value, name) {
  if (typeof value === "function") return;
  // The validators throw classes that this script fills in.
  core.loadExtScript("ext:deno_node/internal/errors.ts");
  validators().validateFunction(value, name);
}

// By event, and by the number that a timer is cleared by.
const known = new SafeWeakMap();
const LONGEST = 2 ** 31 - 1;

function checkOverflow(number) {
  if (number > LONGEST) {
    const text = `${number} does not fit into a 32-bit signed integer.\nTimeout duration was set to 1.`;
    core.loadExtScript("ext:workerd_lite/node/process.js").emitWarning(text, "TimeoutOverflowWarning");
  }
}

// The globals are these functions, as in Node. What is too long is a millisecond there, and as long as can be on Workers: so here.
function milliseconds(after) {
  const number = after * 1;
  if (number > LONGEST) return LONGEST;
  return number >= 1 ? number : 1;
}

// Which of an event's timers would not keep a process alive, and which are immediates.
function mark(context, kind, id) {
  if (context === undefined || context.ended) return;
  context[kind] ??= new SafeSet();
  SetPrototypeAdd(context[kind], id);
}

function unmark(context, kind, id) {
  if (context !== undefined && context[kind] !== null) SetPrototypeDelete(context[kind], id);
}

// https://nodejs.org/docs/latest-v22.x/api/process.html#processgetactiveresourcesinfo: the running event's own timers.
function activeTimers() {
  const found = [];
  const context = currentContext();
  if (context === undefined || context.timers === null) return found;
  for (const id of new SafeSetIterator(context.timers)) {
    if (context.unrefed !== null && SetPrototypeHas(context.unrefed, id)) continue;
    ArrayPrototypePush(found, context.immediates !== null && SetPrototypeHas(context.immediates, id) ? "Immediate" : "Timeout");
  }
  return found;
}

class Timeout {
  #id = 0;
  #args;
  #context;
  #refed = true;
  #done = false;
  // Of less than a millisecond: no time passes, as on Workers.
  #soon;

  constructor(callback, after, args, repeats) {
    this.#args = args;
    this._onTimeout = callback;
    this.#soon = !repeats && !(after * 1 >= 1);
    this._idleTimeout = this.#soon ? 1 : milliseconds(after);
    this._repeat = repeats ? this._idleTimeout : null;
    this.#start();
  }

  #start() {
    this.#done = false;
    const run = () => {
      const once = this._repeat === null;
      if (once) this.#forget();
      if (typeof this._onTimeout !== "function") return;
      ReflectApply(this._onTimeout, this, this.#args);
      // Whoever sets this makes an interval of it.
      if (once && this._repeat !== null && this.#done) this.#start();
    };
    const after = this.#soon && this._idleTimeout === 1 ? 0 : this._idleTimeout;
    this.#id = this._repeat === null ? setWebTimeout(run, after) : setWebInterval(run, this._idleTimeout);
    this._idleStart = op_clock_now();
    this.#context = currentContext();
    if (!this.#refed) mark(this.#context, "unrefed", this.#id);
  }

  #forget() {
    this.#done = true;
    unmark(this.#context, "unrefed", this.#id);
    const numbers = this.#context === undefined ? undefined : WeakMapPrototypeGet(known, this.#context);
    if (numbers !== undefined) MapPrototypeDelete(numbers, this.#id);
  }

  static clear(timeout) {
    if (timeout.#done) return;
    clearTimerOf(timeout.#context, timeout.#id);
    timeout.#forget();
  }

  // The running event's timer of a number.
  static numbered(number) {
    const context = currentContext();
    const numbers = context === undefined ? undefined : WeakMapPrototypeGet(known, context);
    return numbers === undefined ? undefined : MapPrototypeGet(numbers, number);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #id in value;
  }

  get _destroyed() {
    return this.#done;
  }

  ref() {
    if (!(#id in this)) return this;
    this.#refed = true;
    unmark(this.#context, "unrefed", this.#id);
    return this;
  }

  unref() {
    if (!(#id in this)) return this;
    this.#refed = false;
    if (!this.#done) mark(this.#context, "unrefed", this.#id);
    return this;
  }

  hasRef() {
    return this.#refed;
  }

  refresh() {
    if (this.#done && this.#id === 0) return this;
    clearTimerOf(this.#context, this.#id);
    this.#forget();
    this.#start();
    return this;
  }

  close() {
    Timeout.clear(this);
    return this;
  }

  [SymbolToPrimitive]() {
    if (!this.#done && this.#context !== undefined) {
      let numbers = WeakMapPrototypeGet(known, this.#context);
      if (numbers === undefined) WeakMapPrototypeSet(known, this.#context, numbers = new SafeMap());
      MapPrototypeSet(numbers, this.#id, this);
    }
    return this.#id;
  }

  [Symbol.dispose]() {
    Timeout.clear(this);
  }
}

class Immediate {
  #id;
  #context;
  #done = false;
  #refed = true;

  constructor(callback, args) {
    this._onImmediate = callback;
    this.#id = setWebImmediate(() => {
      this.#forget();
      if (typeof this._onImmediate === "function") ReflectApply(this._onImmediate, this, args);
    });
    this.#context = currentContext();
    mark(this.#context, "immediates", this.#id);
  }

  #forget() {
    this.#done = true;
    unmark(this.#context, "immediates", this.#id);
    unmark(this.#context, "unrefed", this.#id);
  }

  static clear(immediate) {
    clearTimerOf(immediate.#context, immediate.#id);
    immediate.#forget();
  }

  get _destroyed() {
    return this.#done;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #id in value;
  }

  ref() {
    if (!(#id in this)) return this;
    this.#refed = true;
    unmark(this.#context, "unrefed", this.#id);
    return this;
  }

  unref() {
    if (!(#id in this)) return this;
    this.#refed = false;
    if (!this.#done) mark(this.#context, "unrefed", this.#id);
    return this;
  }

  hasRef() {
    return this.#refed;
  }

  [Symbol.dispose]() {
    Immediate.clear(this);
  }
}

function setTimeout(callback, after, ...args) {
  validateFunction(callback, "callback");
  return new Timeout(callback, after, args, false);
}

function setInterval(callback, repeat, ...args) {
  validateFunction(callback, "callback");
  return new Timeout(callback, repeat, args, true);
}

function setImmediate(callback, ...args) {
  validateFunction(callback, "callback");
  return new Immediate(callback, args);
}

function clearTimeout(timeout) {
  if (Timeout.is(timeout)) return Timeout.clear(timeout);
  if (typeof timeout !== "number" && typeof timeout !== "string") return;
  const found = Timeout.numbered(+timeout);
  if (found !== undefined) Timeout.clear(found);
  else clearWebTimeout(+timeout);
}

function clearInterval(timeout) {
  clearTimeout(timeout);
}

function clearImmediate(immediate) {
  if (Immediate.is(immediate)) Immediate.clear(immediate);
}

// A promise that `start(settle)` settles, unless `options.signal` is aborted before.
function abortable(value, options, start, clear) {
  try {
    const { validateAbortSignal, validateBoolean, validateObject } = validators();
    validateObject(options, "options");
    if (options.signal !== undefined) validateAbortSignal(options.signal, "options.signal");
    if (options.ref !== undefined) validateBoolean(options.ref, "options.ref");
  } catch (error) {
    return PromiseReject(error);
  }
  const { signal } = options;
  if (signal?.aborted) return PromiseReject(new (errors().AbortError)(undefined, { cause: signal.reason }));
  let onAbort;
  const promise = new Promise((resolve, reject) => {
    const timer = start(() => resolve(value));
    if (signal === undefined) return;
    onAbort = () => {
      clear(timer);
      reject(new (errors().AbortError)(undefined, { cause: signal.reason }));
    };
    signal.addEventListener("abort", onAbort);
  });
  return onAbort === undefined
    ? promise
    : SafePromisePrototypeFinally(promise, () => signal.removeEventListener("abort", onAbort));
}

const promises = {
  setTimeout(after = undefined, value = undefined, options = {}) {
    try {
      if (after !== undefined) validators().validateNumber(after, "delay");
    } catch (error) {
      return PromiseReject(error);
    }
    return abortable(value, options, (settle) => setTimeout(settle, after), clearTimeout);
  },

  setImmediate(value = undefined, options = {}) {
    return abortable(value, options, (settle) => setImmediate(settle), clearImmediate);
  },

  async *setInterval(after = undefined, value = undefined, options = {}) {
    const { validateAbortSignal, validateBoolean, validateNumber, validateObject } = validators();
    validateObject(options, "options");
    if (after !== undefined) validateNumber(after, "delay");
    const { signal } = options;
    if (options.ref !== undefined) validateBoolean(options.ref, "options.ref");
    if (signal !== undefined) validateAbortSignal(signal, "options.signal");
    if (signal?.aborted) throw new (errors().AbortError)(undefined, { cause: signal.reason });
    let due = 0;
    let wake = null;
    const timer = setInterval(() => {
      due++;
      if (wake !== null) wake();
      wake = null;
    }, after);
    const onAbort = () => {
      clearTimeout(timer);
      if (wake !== null) wake();
      wake = null;
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal?.aborted) {
        if (due === 0) await new Promise((resolve) => wake = resolve);
        for (; due > 0; due--) yield value;
      }
      throw new (errors().AbortError)(undefined, { cause: signal?.reason });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  },

};

class Scheduler {
  constructor() {
    throw new (errors().ERR_ILLEGAL_CONSTRUCTOR)();
  }

  static of(object) {
    if (typeof object !== "object" || object === null || !(SCHEDULER in object)) throw new (errors().ERR_INVALID_THIS)("Scheduler");
  }

  wait(delay, options = undefined) {
    Scheduler.of(this);
    return promises.setTimeout(delay, undefined, options);
  }

  yield() {
    Scheduler.of(this);
    return promises.setImmediate();
  }
}
const SCHEDULER = Symbol("scheduler");
promises.scheduler = ObjectCreate(Scheduler.prototype);
ObjectDefineProperty(promises.scheduler, SCHEDULER, { __proto__: null, value: true });

const define = (target, value) => ObjectDefineProperty(target, custom, { __proto__: null, enumerable: true, get: () => value });
define(setTimeout, promises.setTimeout);
define(setImmediate, promises.setImmediate);

const { active, enroll, unenroll, unrefActive } = core.loadExtScript("ext:workerd_lite/node/timers_enroll.js").enrolling(Timeout, LONGEST, checkOverflow);

const exported = {
  setTimeout,
  clearTimeout,
  setImmediate,
  clearImmediate,
  setInterval,
  clearInterval,
  promises,
  enroll,
  unenroll,
  active,
  _unrefActive: unrefActive,
};
return { ...exported, activeTimers, default: exported, Timeout };
})();
