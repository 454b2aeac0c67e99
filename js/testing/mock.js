// The part of node:test's `mock` that needs no module loader: https://nodejs.org/api/test.html#class-mocktracker
(function () {
class MockFunctionContext {
  #calls = [];
  #once = new Map();
  #restore;

  constructor(implementation, restore) {
    this.implementation = implementation;
    this.#restore = restore;
  }

  get calls() {
    return [...this.#calls];
  }

  callCount() {
    return this.#calls.length;
  }

  mockImplementation(implementation) {
    this.implementation = implementation;
  }

  mockImplementationOnce(implementation, onCall = this.#calls.length) {
    this.#once.set(onCall, implementation);
  }

  resetCalls() {
    this.#calls = [];
  }

  restore() {
    this.#restore();
  }

  call(target, self, args) {
    const index = this.#calls.length;
    const implementation = this.#once.get(index) ?? this.implementation;
    const call = { arguments: args, error: undefined, result: undefined, stack: new Error(), target, this: self };
    this.#calls.push(call);
    try {
      call.result = target === undefined ? Reflect.apply(implementation, self, args) : Reflect.construct(implementation, args, target);
      return call.result;
    } catch (error) {
      call.error = error;
      throw error;
    }
  }
}

class MockTracker {
  #contexts = [];

  #track(original, implementation, restore) {
    const context = new MockFunctionContext(implementation, restore ?? (() => context.mockImplementation(original)));
    this.#contexts.push(context);
    return new Proxy(original, {
      apply: (_target, self, args) => context.call(undefined, self, args),
      construct: (_target, args, target) => context.call(target, undefined, args),
      get: (target, key, receiver) => (key === "mock" ? context : Reflect.get(target, key, receiver)),
    });
  }

  fn(original = function () {}, implementation = original) {
    return this.#track(original, typeof implementation === "function" ? implementation : original);
  }

  method(object, name, implementation, options = {}) {
    if (typeof implementation === "object") [implementation, options] = [undefined, implementation];
    let holder = object;
    while (holder !== null && !Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder);
    const descriptor = holder && Object.getOwnPropertyDescriptor(holder, name);
    if (!descriptor) throw Object.assign(new TypeError(`there is no method ${String(name)} to mock`), { code: "ERR_INVALID_ARG_VALUE" });
    const place = options.getter ? "get" : options.setter ? "set" : "value";
    const original = descriptor[place];
    const restore = () => (holder === object ? Object.defineProperty(object, name, descriptor) : delete object[name]);
    const mocked = this.#track(original, implementation ?? original, restore);
    Object.defineProperty(object, name, { ...descriptor, configurable: true, [place]: mocked });
    return mocked;
  }

  getter(object, name, implementation, options) {
    return this.method(object, name, implementation, { ...options, getter: true });
  }

  setter(object, name, implementation, options) {
    return this.method(object, name, implementation, { ...options, setter: true });
  }

  reset() {
    this.restoreAll();
    this.#contexts = [];
  }

  restoreAll() {
    for (const context of this.#contexts) context.restore();
  }
}

return { MockTracker };
})();
