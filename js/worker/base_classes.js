// The base classes of `cloudflare:workers`. Only WorkerEntrypoint can be called here; the others can be extended, so that
// a module that also holds Durable Objects or Workflows loads.
(function () {
const { primordials } = __bootstrap;
const { Error, TypeError } = primordials;

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

function unconstructible() {
  return class {
    constructor() {
      throw new TypeError("Illegal constructor");
    }
  };
}

return {
  DurableObject,
  RpcError,
  RpcPromise: unconstructible(),
  RpcProperty: unconstructible(),
  RpcStub,
  RpcTarget,
  ServiceStub: unconstructible(),
  setMakeStub,
  WorkerEntrypoint,
  WorkflowEntrypoint,
};
})();
