// node:test's `mock`: https://nodejs.org/api/test.html#class-mocktracker
(function () {
const { core } = __bootstrap;
const { MockFunctionContext, MockPropertyContext, mocked } = core.loadExtScript("ext:workerd_lite/testing/mock_function.js");
const { mockModule } = core.loadExtScript("ext:workerd_lite/testing/mock_module.js");
const { MockTimers } = core.loadExtScript("ext:workerd_lite/testing/mock_timers.js");
const { invalidType, invalidValue, needBoolean, needFunction, needInteger, needKey, needObject } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

function needTimes(times) {
  if (times !== Infinity) needInteger(times, "options.times", 1);
}

function found(object, name) {
  for (let holder = object; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, name);
    if (descriptor !== undefined) return { descriptor, inherited: holder !== object };
  }
  return { descriptor: undefined, inherited: false };
}

class MockTracker {
  #mocks = [];
  #timers;

  get timers() {
    return (this.#timers ??= new MockTimers());
  }

  fn(original = function () {}, implementation = original, options = {}) {
    if (original !== null && typeof original === "object") [original, options] = [function () {}, original];
    if (typeof implementation === "object" && implementation !== null) {
      if (implementation !== options) options = implementation;
      implementation = original;
    }
    needFunction(original, "original");
    needFunction(implementation, "implementation");
    needObject(options, "options");
    const { times = Infinity } = options;
    needTimes(times);
    const context = new MockFunctionContext(implementation, (self) => self.mockImplementation(original), times);
    this.#mocks.push(context);
    return mocked(original, context);
  }

  method(object, name, implementation = undefined, options = {}) {
    needKey(name, "methodName");
    if (typeof object !== "function" && (typeof object !== "object" || object === null)) throw invalidType("object", "of type object", object);
    if (implementation !== null && typeof implementation === "object") [implementation, options] = [undefined, implementation];
    if (implementation !== undefined) needFunction(implementation, "implementation");
    needObject(options, "options");
    const { getter = false, setter = false, times = Infinity } = options;
    needBoolean(getter, "options.getter");
    needBoolean(setter, "options.setter");
    needTimes(times);
    if (getter && setter) throw invalidValue("options.setter", setter, "cannot be used with 'options.getter'");
    const { descriptor, inherited } = found(object, name);
    const place = getter ? "get" : setter ? "set" : "value";
    const original = descriptor?.[place];
    if (typeof original !== "function") throw invalidValue("methodName", original, "must be a method");
    const restore = () => (inherited ? delete object[name] : Object.defineProperty(object, name, descriptor));
    const context = new MockFunctionContext(implementation ?? original, restore, times);
    const mock = mocked(original, context);
    Object.defineProperty(object, name, { ...descriptor, [place]: mock });
    this.#mocks.push(context);
    return mock;
  }

  getter(object, name, implementation = undefined, options = {}) {
    return this.#accessor("getter", object, name, implementation, options);
  }

  setter(object, name, implementation = undefined, options = {}) {
    return this.#accessor("setter", object, name, implementation, options);
  }

  #accessor(which, object, name, implementation, options) {
    if (implementation !== null && typeof implementation === "object") [implementation, options] = [undefined, implementation];
    needObject(options, "options");
    const wanted = options[which] ?? true;
    if (wanted === false) throw invalidValue(`options.${which}`, wanted, "cannot be false");
    return this.method(object, name, implementation, { ...options, [which]: wanted });
  }

  property(object, name, ...replacement) {
    needObject(object, "object");
    needKey(name, "propertyName");
    const context = new MockPropertyContext(object, name, replacement);
    this.#mocks.push(context);
    return new Proxy(object, { get: (target, key, receiver) => (key === "mock" ? context : Reflect.get(target, key, receiver)) });
  }

  module(specifier, options = {}) {
    const context = mockModule(specifier, options);
    this.#mocks.push(context);
    return context;
  }

  reset() {
    this.restoreAll();
    this.#timers?.reset();
    this.#mocks = [];
  }

  restoreAll() {
    // The first mock of a name has kept what was there before all of them.
    for (const context of this.#mocks.toReversed()) context.restore();
  }
}

return { MockTracker };
})();
