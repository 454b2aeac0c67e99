// `env.LOADER`: loads workers from code, and gives stubs of them.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/worker-loader/
(function () {
const { core, primordials } = __bootstrap;
const { op_loader_entrypoint, op_loader_fetch, op_loader_find, op_loader_give, op_loader_load } = core.ops;
const {
  JSONStringify,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  Promise,
  PromisePrototypeThen,
  SafeArrayIterator,
  SafeMap,
  TypeError,
} = primordials;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { newEntrypoint } = core.loadExtScript("ext:workerd_lite/rpc/stub.js");
const { readProps } = core.loadExtScript("ext:workerd_lite/loader/given.js");
const { limitsOf, readCode } = core.loadExtScript("ext:workerd_lite/loader/code.js");

const LONGEST_ID = 1024;
const secret = {};

function start(context, binding, id, code) {
  const { settings, contents, env, markers, given } = readCode(context, code);
  return op_loader_load(context.id, binding, id, settings, contents, env, markers, given);
}

// Callbacks of get() under way, by binding and id: `{ outcome }` each, a promise of `{ number }`, `{ error }` or, where the event that
// called it has ended before, `{}`.
const loading = new SafeMap();

async function loadNamed(binding, id, callback) {
  for (;;) {
    const known = op_loader_find(binding, id);
    if (known !== 0) return known;
    const key = `${binding} ${id}`;
    const under = MapPrototypeGet(loading, key);
    const { error, failed, number } = under === undefined ? await call(key, binding, id, callback) : await under.outcome;
    if (failed) throw error;
    if (number !== undefined) return number;
  }
}

function call(key, binding, id, callback) {
  const context = requireContext();
  let settle;
  const entry = { __proto__: null, outcome: new Promise((resolve) => settle = resolve) };
  MapPrototypeSet(loading, key, entry);
  const finish = (outcome) => {
    if (MapPrototypeGet(loading, key) === entry) MapPrototypeDelete(loading, key);
    settle(outcome);
  };
  context.atEnd(() => finish({ __proto__: null, failed: false }));
  PromisePrototypeThen(
    given(context, binding, id, callback),
    (number) => finish({ __proto__: null, failed: false, number }),
    (error) => finish({ __proto__: null, failed: true, error }),
  );
  return entry.outcome;
}

async function given(context, binding, id, callback) {
  const code = await callback();
  return start(context, binding, id, code);
}

// Where a stub's worker is: a number, or a promise of one. One that was put away is loaded again, by its callback.
class Place {
  #number;
  #again;
  // Whether the worker outlives the event.
  isNamed;

  constructor(number, again, isNamed) {
    this.#number = number;
    this.#again = again;
    this.isNamed = isNamed;
  }

  // Asks for it, and leaves what is wrong to the first call.
  begin() {
    const number = this.#again();
    this.#number = number;
    if (typeof number !== "number") PromisePrototypeThen(number, undefined, () => {});
  }

  number() {
    const first = this.#number;
    if (this.#again === null) return first;
    if (typeof first !== "number") {
      this.#number = 0;
      return first;
    }
    return this.#again();
  }
}

function entrypoint(place, name, options) {
  if (name !== undefined && name !== null && typeof name !== "string") throw new TypeError("getEntrypoint(): expected the name of an export");
  const { limits, props } = options ?? {};
  const bounds = limitsOf(limits, "limits");
  if (bounds.memoryMb !== null || bounds.wallMs !== null) {
    throw new TypeError("limits: an entrypoint has cpuMs and subRequests; memoryMb and wallMs are the worker's");
  }
  const exported = name === undefined || name === null || name === "default" ? null : name;
  const { given: stubs, textAt } = readProps(requireContext(), props);
  // What a call says, by the worker's number: a worker that is loaded anew is given the stubs again.
  let said = "";
  let saidTo = 0;
  let saidBy = null;
  const callOf = (number) => {
    const context = stubs.length === 0 ? null : requireContext();
    if (saidTo === number && saidBy === context) return said;
    const first = context === null ? 0 : op_loader_give(context.id, number, place.isNamed, JSONStringify(stubs));
    said = JSONStringify(ObjectSetPrototypeOf([exported, textAt(first), bounds.cpuMs, bounds.subRequests], null));
    saidTo = number;
    saidBy = context;
    return said;
  };
  const send = (number) => (context, cancel, method, url, headers, body) =>
    op_loader_fetch(context.id, cancel, method, url, headers, body, number, callOf(number));
  const fetch = async (input, init = undefined) => {
    webidl.requiredArguments(input === undefined ? 0 : 1, 1, "Failed to execute 'fetch' on 'Fetcher'");
    let number = place.number();
    if (typeof number !== "number") number = await number;
    return await fetchThrough(send(number), input, init);
  };
  const begin = (context) => {
    const open = (number) => op_loader_entrypoint(context.id, number, callOf(number));
    const number = place.number();
    return typeof number === "number" ? open(number) : PromisePrototypeThen(number, open);
  };
  const given = () => {
    const number = place.number();
    if (typeof number !== "number") throw new TypeError("a worker that is still being loaded can not be given to another: await a call of it first");
    return { __proto__: null, loaded: ObjectSetPrototypeOf([number, callOf(number)], null) };
  };
  return newEntrypoint(begin, fetch, given);
}

class WorkerStub {
  #place;

  constructor(key, place) {
    if (key !== secret) throw new TypeError("Illegal constructor");
    this.#place = place;
  }

  getEntrypoint(name = undefined, options = undefined) {
    return entrypoint(this.#place, name, options);
  }

  getDurableObjectClass() {
    throw new TypeError("getDurableObjectClass(): Durable Objects are not supported by workerd-lite");
  }

  // Its default entrypoint's.
  async fetch(input, init = undefined) {
    webidl.requiredArguments(arguments.length, 1, "Failed to execute 'fetch' on 'WorkerStub'");
    return await entrypoint(this.#place, null, null).fetch(input, init);
  }
}

function named(verb, work) {
  try {
    return work();
  } catch (error) {
    if (typeof error === "object" && error !== null && typeof error.message === "string") {
      throw new TypeError(`${verb}: ${error.message}`);
    }
    throw error;
  }
}

class WorkerLoader {
  #binding;

  constructor(key, binding) {
    if (key !== secret) throw new TypeError("Illegal constructor");
    this.#binding = binding;
  }

  // A worker of this code, which lives as long as the event that loads it.
  load(code) {
    const context = requireContext();
    const number = named("load()", () => start(context, this.#binding, null, code));
    return new WorkerStub(secret, new Place(number, null, false));
  }

  // The worker of this id, or a new one of the code that `callback` gives.
  get(id, callback) {
    const context = requireContext();
    if (typeof callback !== "function") throw new TypeError("get(): expected a function that gives a WorkerCode");
    const binding = this.#binding;
    let again;
    if (id === undefined || id === null) {
      let once;
      again = () => once ??= given(context, binding, null, callback);
    } else {
      if (typeof id !== "string" || id.length === 0 || id.length > LONGEST_ID) {
        throw new TypeError(`get(): expected an id of 1 to ${LONGEST_ID} characters, or null`);
      }
      again = () => {
        const known = op_loader_find(binding, id);
        return known !== 0 ? known : loadNamed(binding, id, callback);
      };
    }
    const place = new Place(0, again, id !== undefined && id !== null);
    place.begin();
    return new WorkerStub(secret, place);
  }
}

// None of these is data. V8 asks for this property of each object that it serializes.
for (const { prototype } of new SafeArrayIterator([WorkerLoader, WorkerStub])) {
  ObjectDefineProperty(prototype, core.hostObjectBrand, {
    __proto__: null,
    value() {
      throw new DOMException("a loader or a loaded worker can not be cloned", "DataCloneError");
    },
  });
}

function newLoader(binding) {
  return new WorkerLoader(secret, binding);
}

return { newLoader };
})();
