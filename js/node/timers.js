// https://nodejs.org/docs/latest-v22.x/api/timers.html: objects over the timers of the event that sets them. `ref` and `unref` are remembered and no more: an event
// ends with its response and what waitUntil() is given, whatever its timers.
(function () {
const { core, primordials } = __bootstrap;
const {
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectDefineProperty,
  Promise,
  PromiseReject,
  ReflectApply,
  SafeMap,
  SafePromisePrototypeFinally,
  Symbol,
  SymbolFor,
  SymbolToPrimitive,
} = primordials;
const {
  clearTimeout: clearWebTimeout,
  setInterval: setWebInterval,
  setTimeout: setWebTimeout,
} = core.loadExtScript("ext:workerd_lite/worker/timers.js");
const { validateAbortSignal, validateBoolean, validateFunction, validateNumber, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { AbortError } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const custom = SymbolFor("nodejs.util.promisify.custom");

// By the number that a timer is cleared by.
const known = new SafeMap();
const LONGEST = 2 ** 31 - 1;

function milliseconds(after) {
  const number = after * 1;
  return number >= 1 && number <= LONGEST ? number : 1;
}

class Timeout {
  #id = 0;
  #callback;
  #args;
  #refed = true;
  #done = false;

  constructor(callback, after, args, repeats) {
    this.#callback = callback;
    this.#args = args;
    this._idleTimeout = milliseconds(after);
    this._repeat = repeats ? this._idleTimeout : null;
    this.#start();
  }

  #start() {
    this.#done = false;
    const run = () => {
      if (this._repeat === null) this.#forget();
      ReflectApply(this.#callback, this, this.#args);
    };
    this.#id = this._repeat === null ? setWebTimeout(run, this._idleTimeout) : setWebInterval(run, this._idleTimeout);
  }

  #forget() {
    this.#done = true;
    MapPrototypeDelete(known, this.#id);
  }

  static clear(timeout) {
    if (timeout.#done) return;
    clearWebTimeout(timeout.#id);
    timeout.#forget();
  }

  static is(value) {
    return typeof value === "object" && value !== null && #id in value;
  }

  ref() {
    this.#refed = true;
    return this;
  }

  unref() {
    this.#refed = false;
    return this;
  }

  hasRef() {
    return this.#refed;
  }

  refresh() {
    if (this.#done && this.#id === 0) return this;
    clearWebTimeout(this.#id);
    this.#forget();
    this.#start();
    return this;
  }

  close() {
    Timeout.clear(this);
    return this;
  }

  [SymbolToPrimitive]() {
    if (!this.#done) MapPrototypeSet(known, this.#id, this);
    return this.#id;
  }

  [Symbol.dispose]() {
    Timeout.clear(this);
  }
}

class Immediate {
  #id;
  #refed = true;

  constructor(callback, args) {
    this.#id = setWebTimeout(() => ReflectApply(callback, this, args), 0);
  }

  static clear(immediate) {
    clearWebTimeout(immediate.#id);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #id in value;
  }

  ref() {
    this.#refed = true;
    return this;
  }

  unref() {
    this.#refed = false;
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
  const found = MapPrototypeGet(known, +timeout);
  if (found !== undefined) Timeout.clear(found);
  else clearWebTimeout(+timeout);
}

function clearImmediate(immediate) {
  if (Immediate.is(immediate)) Immediate.clear(immediate);
}

// A promise that `start(settle)` settles, unless `options.signal` is aborted before.
function abortable(value, options, start, clear) {
  try {
    validateObject(options, "options");
    if (options.signal !== undefined) validateAbortSignal(options.signal, "options.signal");
    if (options.ref !== undefined) validateBoolean(options.ref, "options.ref");
  } catch (error) {
    return PromiseReject(error);
  }
  const { signal } = options;
  if (signal?.aborted) return PromiseReject(new AbortError(undefined, { cause: signal.reason }));
  let onAbort;
  const promise = new Promise((resolve, reject) => {
    const timer = start(() => resolve(value));
    if (signal === undefined) return;
    onAbort = () => {
      clear(timer);
      reject(new AbortError(undefined, { cause: signal.reason }));
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
      if (after !== undefined) validateNumber(after, "delay");
    } catch (error) {
      return PromiseReject(error);
    }
    return abortable(value, options, (settle) => setTimeout(settle, after), clearTimeout);
  },

  setImmediate(value = undefined, options = {}) {
    return abortable(value, options, (settle) => setImmediate(settle), clearImmediate);
  },

  async *setInterval(after = undefined, value = undefined, options = {}) {
    validateObject(options, "options");
    if (after !== undefined) validateNumber(after, "delay");
    const { signal } = options;
    if (signal !== undefined) validateAbortSignal(signal, "options.signal");
    if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
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
      throw new AbortError(undefined, { cause: signal?.reason });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  },

  scheduler: {
    wait: (delay, options = undefined) => promises.setTimeout(delay, undefined, options),
    yield: () => promises.setImmediate(),
  },
};

const define = (target, value) => ObjectDefineProperty(target, custom, { __proto__: null, enumerable: true, get: () => value });
define(setTimeout, promises.setTimeout);
define(setImmediate, promises.setImmediate);

const exported = {
  setTimeout,
  clearTimeout,
  setImmediate,
  clearImmediate,
  setInterval,
  clearInterval: clearTimeout,
  promises,
};
return { ...exported, default: exported };
})();
