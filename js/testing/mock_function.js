// Functions and properties that record what is done with them: https://nodejs.org/api/test.html#class-mockfunctioncontext
(function () {
const { core } = __bootstrap;
const { invalidValue, needFunction, needInteger } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

class MockFunctionContext {
  #calls = [];
  #once = new Map();
  #implementation;
  #restore;
  #times;

  // `restore()` puts back what was mocked, after so many calls at the latest.
  constructor(implementation, restore, times) {
    this.#implementation = implementation;
    this.#restore = restore;
    this.#times = times;
  }

  get calls() {
    return [...this.#calls];
  }

  callCount() {
    return this.#calls.length;
  }

  mockImplementation(implementation) {
    needFunction(implementation, "implementation");
    this.#implementation = implementation;
  }

  mockImplementationOnce(implementation, onCall = undefined) {
    needFunction(implementation, "implementation");
    const next = this.#calls.length;
    const call = onCall ?? next;
    needInteger(call, "onCall", next);
    this.#once.set(call, implementation);
  }

  resetCalls() {
    this.#calls = [];
  }

  restore() {
    this.#restore(this);
  }

  // Not by name: the context's own methods are node:test's.
  static call(context, perform, record) {
    const index = context.#calls.length;
    const implementation = context.#once.get(index) ?? context.#implementation;
    if (index + 1 === context.#times) context.restore();
    context.#once.delete(index);
    let result;
    let error;
    try {
      result = perform(implementation);
      return result;
    } catch (thrown) {
      error = thrown;
      throw thrown;
    } finally {
      context.#calls.push({ error, result, stack: new Error(), ...record(result) });
    }
  }
}

function mocked(original, context) {
  return new Proxy(original, {
    apply: (_target, self, args) =>
      MockFunctionContext.call(context, (fn) => Reflect.apply(fn, self, args), () => ({ arguments: args, target: undefined, this: self })),
    construct: (target, args, newTarget) =>
      MockFunctionContext.call(context, (fn) => Reflect.construct(fn, args, newTarget), (result) => ({ arguments: args, target, this: result })),
    get: (target, key, receiver) => (key === "mock" ? context : Reflect.get(target, key, receiver)),
  });
}

// https://nodejs.org/api/test.html#class-mockpropertycontext
class MockPropertyContext {
  #object;
  #name;
  #descriptor;
  #original;
  #value;
  #accesses = [];
  #once = new Map();

  constructor(object, name, replacement) {
    this.#object = object;
    this.#name = name;
    this.#descriptor = Object.getOwnPropertyDescriptor(object, name);
    if (this.#descriptor === undefined) throw invalidValue("propertyName", name, "is not a property of the object");
    this.#original = object[name];
    this.#value = replacement.length > 0 ? replacement[0] : this.#original;
    const { configurable, enumerable } = this.#descriptor;
    const get = () => this.#access("get", this.#value);
    Object.defineProperty(object, name, { configurable, enumerable, get, set: (value) => this.mockImplementation(value) });
  }

  #access(type, usual) {
    const index = this.#accesses.length;
    const value = this.#once.has(index) ? this.#once.get(index) : usual;
    this.#once.delete(index);
    this.#accesses.push({ type, value, stack: new Error() });
    return value;
  }

  get accesses() {
    return [...this.#accesses];
  }

  accessCount() {
    return this.#accesses.length;
  }

  mockImplementation(value) {
    if (!this.#descriptor.writable) throw invalidValue("propertyName", this.#name, "cannot be set");
    this.#value = this.#access("set", value);
  }

  mockImplementationOnce(value, onAccess = undefined) {
    const next = this.#accesses.length;
    const access = onAccess ?? next;
    needInteger(access, "onAccess", next);
    this.#once.set(access, value);
  }

  resetAccesses() {
    this.#accesses = [];
  }

  restore() {
    const { get, set, ...descriptor } = this.#descriptor;
    const accessor = get !== undefined || set !== undefined;
    Object.defineProperty(this.#object, this.#name, accessor ? this.#descriptor : { ...descriptor, value: this.#original });
  }
}

return { MockFunctionContext, MockPropertyContext, mocked };
})();
