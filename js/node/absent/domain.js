// https://nodejs.org/docs/latest-v22.x/api/domain.html, as Workers have it: what a domain runs, runs; it catches nothing.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectSetPrototypeOf, ReflectApply } = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");

class Domain extends EventEmitter {
  // Node has a list of what was added. Nothing is kept here.
  members = undefined;

  _errorHandler(error) {
    throw error;
  }

  add() {}

  bind(callback) {
    return callback;
  }

  enter() {}

  exit() {}

  intercept(callback) {
    return callback;
  }

  remove() {}

  run(callback, ...args) {
    return ReflectApply(callback, this, args);
  }
}

const createDomain = () => new Domain();

// A function in Node, and a domain on Workers: this is both.
const create = () => new Domain();
ObjectSetPrototypeOf(create, Domain.prototype);

return { default: { Domain, active: null, create, createDomain } };
})();
