// node:test's `mock.timers`: timers and `Date` of the test file alone, which move when the test says so.
// https://nodejs.org/api/test.html#class-mocktimers
(function () {
const { core } = __bootstrap;
const { AbortController, AbortSignal } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { invalidState, invalidType, invalidValue, needNumber } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

const APIS = ["setTimeout", "setInterval", "setImmediate", "Date", "scheduler.wait", "AbortSignal.timeout"];
// The longest delay that timers have: milliseconds.
const LONGEST = 2 ** 31 - 1;
// What is mocked now, of all trackers of the file.
const enabled = new Set();
let lastId = 2 ** 40;

class MockTimers {
  #now = 0;
  // In the order in which they fall due.
  #queue = [];
  #restores = [];
  #order = 0;

  enable(options = {}) {
    if (enabled.has(this)) throw invalidState("MockTimers is already enabled!");
    let { apis = APIS, now = 0 } = { ...options };
    if (!Array.isArray(apis)) throw invalidType("options.apis", "an instance of Array", apis);
    for (const api of apis) if (!APIS.includes(api)) throw invalidValue("options.apis", api, `option ${String(api)} is not supported`);
    if (now instanceof Date) now = now.getTime();
    needNumber(now, "initialTime");
    if (!(now >= 0)) throw invalidValue("now", now, `epoch must be a positive integer received ${now}`);
    const others = [...enabled];
    if (apis.includes("Date") && others.some((timers) => timers.mocks("Date"))) throw invalidState("Date is already being mocked!");
    this.#now = now;
    this.apis = apis;
    for (const api of new Set(apis)) this.#replace(api);
    enabled.add(this);
  }

  mocks(api) {
    return this.apis.includes(api);
  }

  tick(time = 1) {
    this.#need();
    needNumber(time, "time");
    this.#advance(time);
  }

  runAll() {
    this.#need();
    const last = this.#queue.at(-1);
    if (last !== undefined) this.#advance(Math.max(0, last.due - this.#now));
  }

  setTime(time = 0) {
    needNumber(time, "time");
    if (!(time >= 0)) throw invalidValue("time", time, "positive integer");
    this.#need();
    this.#now = time;
  }

  reset() {
    if (!enabled.delete(this)) return;
    for (const restore of this.#restores.reverse()) restore();
    this.#restores = [];
    this.#queue = [];
    this.#now = 0;
  }

  [Symbol.dispose]() {
    this.reset();
  }

  #need() {
    if (!enabled.has(this)) throw invalidState("You should enable MockTimers first by calling the .enable function");
  }

  #advance(time) {
    if (!(time >= 0)) throw invalidValue("time", time, "positive integer");
    this.#now += time;
    while (this.#queue.length > 0 && this.#queue[0].due <= this.#now) {
      const timer = this.#queue[0];
      try {
        Reflect.apply(timer.callback, undefined, timer.args);
      } finally {
        // Its callback may have cleared it, or reset all.
        if (this.#remove(timer) && timer.interval !== undefined) {
          timer.due += Math.max(timer.interval, 1);
          this.#insert(timer);
        }
      }
    }
  }

  #insert(timer) {
    const later = (other) => other.due > timer.due || (other.due === timer.due && other.order > timer.order);
    const place = this.#queue.findIndex(later);
    this.#queue.splice(place < 0 ? this.#queue.length : place, 0, timer);
  }

  #remove(timer) {
    const place = this.#queue.indexOf(timer);
    if (place >= 0) this.#queue.splice(place, 1);
    return place >= 0;
  }

  #add(repeats, callback, delay, args) {
    if (typeof callback !== "function") throw invalidType("callback", "of type function", callback);
    delay = Number(delay);
    if (!(delay <= LONGEST)) delay = 1;
    const timer = { id: lastId++, order: this.#order++, callback, args, due: this.#now + delay, interval: repeats ? delay : undefined };
    this.#insert(timer);
    return timer.id;
  }

  // Those that were set before are real, and are cleared as such.
  #clear(id, real) {
    const timer = this.#queue.find((timer) => timer.id === id);
    if (timer === undefined) return Reflect.apply(real, globalThis, [id]);
    this.#remove(timer);
  }

  #put(object, name, value) {
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    // Some globals are made when they are first read.
    const { enumerable = true, writable = true } = descriptor ?? {};
    Object.defineProperty(object, name, { configurable: true, enumerable, writable, value });
    this.#restores.push(() => (descriptor === undefined ? delete object[name] : Object.defineProperty(object, name, descriptor)));
  }

  #replace(api) {
    const { clearInterval, clearTimeout } = globalThis;
    const clear = (real) => (id) => this.#clear(id, real);
    switch (api) {
      case "setTimeout":
        this.#put(globalThis, "setTimeout", (callback, delay = 1, ...args) => this.#add(false, callback, delay, args));
        this.#put(globalThis, "clearTimeout", clear(clearTimeout));
        break;
      case "setInterval":
        this.#put(globalThis, "setInterval", (callback, delay = 1, ...args) => this.#add(true, callback, delay, args));
        this.#put(globalThis, "clearInterval", clear(clearInterval));
        break;
      case "setImmediate":
        this.#put(globalThis, "setImmediate", (callback, ...args) => this.#add(false, callback, -1, args));
        this.#put(globalThis, "clearImmediate", clear(globalThis.clearImmediate ?? (() => {})));
        break;
      case "Date":
        this.#put(globalThis, "Date", this.#date(globalThis.Date));
        break;
      case "scheduler.wait":
        this.#put(globalThis.scheduler, "wait", (delay, options) => this.#wait(delay, options));
        break;
      case "AbortSignal.timeout":
        this.#put(AbortSignal, "timeout", (delay) => this.#timeoutSignal(delay));
    }
  }

  #date(Native) {
    const timers = this;
    function MockDate(...args) {
      if (new.target === undefined) return new Native(timers.#now).toString();
      return Reflect.construct(Native, args.length === 0 ? [timers.#now] : args, new.target === MockDate ? Native : new.target);
    }
    const { prototype, ...statics } = Object.getOwnPropertyDescriptors(Native);
    Object.defineProperties(MockDate, statics);
    MockDate.now = function now() {
      return timers.#now;
    };
    MockDate.toString = () => Function.prototype.toString.call(Native);
    Object.defineProperty(MockDate, "isMock", { value: true, enumerable: true });
    MockDate.prototype = prototype.value;
    return MockDate;
  }

  async #wait(delay, { signal = undefined } = {}) {
    signal?.throwIfAborted();
    await new Promise((resolve, reject) => {
      const id = this.#add(false, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, delay, []);
      const onAbort = () => {
        this.#clear(id, () => {});
        reject(signal.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #timeoutSignal(delay) {
    const controller = new AbortController();
    const late = () => controller.abort(new DOMException("Signal timed out.", "TimeoutError"));
    this.#add(false, late, delay, []);
    return controller.signal;
  }
}

// `t.clock.advance()` moves all time there is, and so what is mocked, too.
function tickAll(milliseconds) {
  for (const timers of [...enabled]) timers.tick(milliseconds);
}

return { MockTimers, tickAll };
})();
