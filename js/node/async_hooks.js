// https://nodejs.org/docs/latest-v22.x/api/async_context.html, on V8's continuation data: `{ event, stores }`, where `event` is ours and `stores` are the
// author's, by the storage that they are of. What restores stores leaves the event as it is: no script gets into another event.
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  ObjectDefineProperty,
  ObjectFreeze,
  ReflectApply,
  Symbol,
} = primordials;
const { getAsyncContext, setAsyncContext } = core;
const { validateFunction, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { codes, ERR_ASYNC_CALLBACK, ERR_INVALID_ASYNC_ID } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { newAsyncId } = core.loadExtScript("ext:workerd_lite/node/async_ids.js");

const { compatibility } = core.loadExtScript("ext:workerd_lite/worker/compatibility.js");

// What takes the stores along is its event's alone, as on Workers. Throws in another one; what was made outside of events is everybody's.
function boundToEvent() {
  const event = compatibility.snapshotsAreBound ? getAsyncContext()?.event : undefined;
  return () => {
    if (event === undefined || getAsyncContext()?.event === event) return;
    throw new Error("Cannot call this AsyncLocalStorage bound function outside of the request in which it was created.");
  };
}

const currentStores = () => getAsyncContext()?.stores;

function enter(stores) {
  const before = getAsyncContext();
  setAsyncContext({ __proto__: null, event: before?.event, stores });
  return before;
}

function runWith(stores, callback, self, args) {
  const before = enter(stores);
  try {
    return ReflectApply(callback, self, args);
  } finally {
    setAsyncContext(before);
  }
}

// The resource whose scope is run in, synchronously.
const ROOT = {};
let running = { __proto__: null, id: 1, trigger: 0, resource: ROOT };

class AsyncLocalStorage {
  #key = Symbol("store");
  #default;
  #name = "";
  #enabled = true;

  constructor(options = undefined) {
    if (options === null || (options !== undefined && typeof options !== "object")) {
      throw new codes.ERR_INVALID_ARG_TYPE("options", "Object", options);
    }
    if (options?.name !== undefined) {
      validateString(options.name, "options.name");
      this.#name = options.name;
    }
    this.#default = options?.defaultValue;
  }

  get name() {
    return this.#name;
  }

  static bind(callback) {
    validateFunction(callback, "fn");
    const check = boundToEvent();
    const checked = function (...args) {
      check();
      return ReflectApply(callback, this, args);
    };
    ObjectDefineProperty(checked, "length", { __proto__: null, configurable: true, value: callback.length });
    return AsyncResource.bind(checked, callback.name);
  }

  static snapshot() {
    const stores = currentStores();
    const check = boundToEvent();
    return function (callback, ...args) {
      validateFunction(callback, "callback");
      check();
      return runWith(stores, callback, this, args);
    };
  }

  #with(store) {
    const stores = { __proto__: null, ...currentStores() };
    stores[this.#key] = { __proto__: null, store };
    return stores;
  }

  run(store, callback, ...args) {
    this.#enabled = true;
    return runWith(this.#with(store), callback, null, args);
  }

  exit(callback, ...args) {
    const stores = { __proto__: null, ...currentStores() };
    stores[this.#key] = { __proto__: null, store: undefined };
    return runWith(stores, callback, null, args);
  }

  enterWith(store) {
    this.#enabled = true;
    enter(this.#with(store));
  }

  disable() {
    this.#enabled = false;
  }

  getStore() {
    if (!this.#enabled) return undefined;
    const entry = currentStores()?.[this.#key];
    return entry === undefined ? this.#default : entry.store;
  }
}

class AsyncResource {
  #stores = currentStores();
  #id = newAsyncId();
  #trigger;

  constructor(type, options = undefined) {
    validateString(type, "type");
    const trigger = typeof options === "number" ? options : options?.triggerAsyncId ?? running.id;
    if (typeof trigger !== "number" || trigger % 1 !== 0 || trigger < -1) {
      throw new ERR_INVALID_ASYNC_ID("triggerAsyncId", trigger);
    }
    this.#trigger = trigger;
  }

  asyncId() {
    return this.#id;
  }

  triggerAsyncId() {
    return this.#trigger;
  }

  emitDestroy() {
    return this;
  }

  runInAsyncScope(callback, self, ...args) {
    return this.#run(callback, self, args);
  }

  #run(callback, self, args) {
    const before = running;
    running = { __proto__: null, id: this.#id, trigger: this.#trigger, resource: this };
    try {
      return runWith(this.#stores, callback, self, args);
    } finally {
      running = before;
    }
  }

  bind(callback, self = undefined) {
    validateFunction(callback, "fn");
    const resource = this;
    const bound = function (...args) {
      return resource.#run(callback, self === undefined ? this : self, args);
    };
    ObjectDefineProperty(bound, "length", { __proto__: null, configurable: true, enumerable: false, value: callback.length, writable: false });
    // Deprecated (DEP0172), and still there in Node 22.
    ObjectDefineProperty(bound, "asyncResource", { __proto__: null, configurable: true, enumerable: true, value: resource, writable: true });
    return bound;
  }

  static bind(callback, type = undefined, self = undefined) {
    return new AsyncResource(type || callback?.name || "bound-anonymous-fn").bind(callback, self);
  }
}

// Nothing is told to hooks: as on Workers.
class AsyncHook {
  enable() {
    return this;
  }

  disable() {
    return this;
  }
}

function createHook(callbacks) {
  const names = ["init", "before", "after", "destroy", "promiseResolve"];
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const callback = callbacks[name];
    if (callback !== undefined && typeof callback !== "function") throw new ERR_ASYNC_CALLBACK(`hook.${name}`);
  }
  return new AsyncHook();
}

const exported = {
  AsyncLocalStorage,
  AsyncResource,
  asyncWrapProviders: ObjectFreeze({ __proto__: null }),
  createHook,
  executionAsyncId: () => running.id,
  executionAsyncResource: () => running.resource,
  triggerAsyncId: () => running.trigger,
};
return { ...exported, default: exported };
})();
