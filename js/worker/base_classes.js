// The base classes of `cloudflare:workers`. Only WorkerEntrypoint can be called here; the others can be extended, so that
// a module that also holds Durable Objects or Workflows loads.
(function () {
const { primordials } = __bootstrap;
const { TypeError } = primordials;

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

function refused(name) {
  return class {
    constructor() {
      throw new TypeError(`${name} is not supported by workerd-lite: call entrypoints with fetch()`);
    }
  };
}

return {
  DurableObject,
  RpcPromise: refused("RpcPromise"),
  RpcProperty: refused("RpcProperty"),
  RpcStub: refused("RpcStub"),
  RpcTarget,
  ServiceStub: refused("ServiceStub"),
  WorkerEntrypoint,
  WorkflowEntrypoint,
};
})();
