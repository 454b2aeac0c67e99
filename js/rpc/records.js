// What each call needs some of, as classes without a prototype that an author reaches: a literal with `__proto__: null` is a hash table to
// V8, and each of its members costs a call of the runtime.
(function () {
const { primordials } = __bootstrap;
const { ObjectDefineProperty, ObjectSetPrototypeOf } = primordials;

// What is copied for a message: the value, what crosses as a stub, and its streams.
class Copied {
  constructor(value, slots, streams) {
    this.value = value;
    this.slots = slots;
    this.streams = streams;
  }
}

// The same for an op. `given` are numbers, to be taken back where it fails, and `passed` the nodes of stubs in it.
class Prepared {
  constructor(value, list, given, passed) {
    this.value = value;
    this.list = list;
    this.given = given;
    this.passed = passed;
  }
}

// A call that waits for its answer.
class Waiting {
  constructor(node, resolve, reject) {
    this.node = node;
    this.resolve = resolve;
    this.reject = reject;
  }
}

// What an event has given to others: an object, what finds one for each call, or the result of a call.
class Given {
  constructor(object, instance, find) {
    this.object = object;
    this.instance = instance;
    this.find = find;
    this.answer = null;
    this.dispose = null;
    // The number of the work for the result, 0 once it is done, and what fails the calls of the result that wait for it.
    this.running = 0;
    this.waiting = null;
  }
}

// What is called. An exported object's functions take what is in `environment`.
class Callee {
  constructor(object, instance, reserved, environment = undefined) {
    this.object = object;
    this.instance = instance;
    this.reserved = reserved;
    this.environment = environment;
    this.promise = undefined;
  }
}

// What a path leads to, and what it is a member of.
class Member {
  constructor(value, self) {
    this.value = value;
    this.self = self;
  }
}

// What an event gives and waits for: each a map, once there is something.
class Tables {
  constructor() {
    this.calls = null;
    this.exports = null;
  }
}

class Descriptor {
  constructor(value, enumerable) {
    this.value = value;
    this.writable = true;
    this.enumerable = enumerable;
    this.configurable = true;
  }
}

const CLASSES = [Copied, Prepared, Waiting, Given, Callee, Member, Tables, Descriptor];
for (let i = 0; i < CLASSES.length; i++) ObjectSetPrototypeOf(CLASSES[i].prototype, null);

// Defines an own property, whatever setters an author has put into prototypes.
const define = (object, key, value, enumerable) => ObjectDefineProperty(object, key, new Descriptor(value, enumerable));

return { Callee, Copied, define, Given, Member, Prepared, Tables, Waiting };
})();
