// The base classes of `cloudflare:workers`. Only WorkerEntrypoint can be called here; the others can be extended, so that
// a module that also holds Durable Objects or Workflows loads.
(function () {
const { core, primordials } = __bootstrap;
const { Error, ObjectDefineProperty, ObjectSetPrototypeOf, SymbolToStringTag, TypeError } = primordials;

const { refuseClones } = core.loadExtScript("ext:workerd_lite/worker/cloning.js");

class WorkerEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class DurableObject {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class WorkflowEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class RpcTarget {}
refuseClones(RpcTarget.prototype);

// What a policy's method may fail with so that its agent reads why.
class RpcError extends Error {
  get name() {
    return "RpcError";
  }
}

let makeStub;

// Scripts of `js/rpc` set it, which rest on these classes.
function setMakeStub(fn) {
  makeStub = fn;
}

class RpcStub {
  constructor(object) {
    return makeStub(object);
  }
}

const fixed = (value) => ({ __proto__: null, value, configurable: true });

// `tag` is what workerd calls it inside.
function unconstructible(name, tag = name) {
  // No class: whoever calls it without `new` is told the same.
  const made = function () {
    throw new TypeError("Illegal constructor");
  };
  ObjectDefineProperty(made, "name", fixed(name));
  ObjectDefineProperty(made.prototype, SymbolToStringTag, fixed(tag));
  return made;
}

ObjectDefineProperty(RpcStub.prototype, SymbolToStringTag, fixed("JsRpcStub"));

const ServiceStub = unconstructible("Fetcher");

// Of `ctx.exports`.
const LoopbackServiceStub = unconstructible("LoopbackServiceStub");
ObjectSetPrototypeOf(LoopbackServiceStub.prototype, ServiceStub.prototype);

return {
  DurableObject,
  LoopbackServiceStub,
  RpcError,
  RpcPromise: unconstructible("RpcPromise", "JsRpcPromise"),
  RpcProperty: unconstructible("RpcProperty", "JsRpcProperty"),
  RpcStub,
  RpcTarget,
  ServiceStub,
  setMakeStub,
  WorkerEntrypoint,
  WorkflowEntrypoint,
};
})();
