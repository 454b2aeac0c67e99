// Stubs: what a caller holds. Each property is awaitable and callable, and a call of a result that is still to come is sent at once.
// https://developers.cloudflare.com/workers/runtime-apis/rpc/
(function () {
const { core, primordials } = __bootstrap;
const { op_rpc_call, op_rpc_decode, op_rpc_drop, op_rpc_dup, op_rpc_encode, op_rpc_fetch, op_rpc_loopback, op_rpc_read_result, op_rpc_watch } = core.ops;
const {
  ArrayPrototypePush,
  Error,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectHasOwn,
  ObjectPrototype,
  ObjectSetPrototypeOf,
  Promise,
  PromisePrototypeCatch,
  PromisePrototypeThen,
  PromiseReject,
  ReflectApply,
  ReflectGetPrototypeOf,
  SafeMap,
  SafeWeakMap,
  SymbolDispose,
  TypeError,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const { Proxy } = globalThis;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { contextOf, requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const classes = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");
const { CUSTOM, opaque } = core.loadExtScript("ext:workerd_lite/worker/inspect.js");
const { copyArguments, copyValue, isTarget, MARKERS, setNodeOf } = core.loadExtScript("ext:workerd_lite/rpc/copy.js");
const { define, Given, Prepared, Tables, Waiting } = core.loadExtScript("ext:workerd_lite/rpc/records.js");
const { errorOf, Making, sendStreams } = core.loadExtScript("ext:workerd_lite/rpc/objects.js");

// Kinds of targets, as the ops have them.
const SERVICE = 0;
const STUB = 1;
const ANSWER = 2;

const PROTOTYPES = {
  __proto__: null,
  stub: classes.RpcStub.prototype,
  promise: classes.RpcPromise.prototype,
  property: classes.RpcProperty.prototype,
  service: classes.ServiceStub.prototype,
  loopback: classes.LoopbackServiceStub.prototype,
};

// Names that every object has, which stand for nothing elsewhere.
const LOCAL = { __proto__: null };
const LOCALS = primordials.ReflectOwnKeys(ObjectPrototype);
for (let i = 0; i < LOCALS.length; i++) LOCAL[LOCALS[i]] = true;

const nodes = new SafeWeakMap();
const nodeOf = (value) => WeakMapPrototypeGet(nodes, value);
setNodeOf(nodeOf);

let lastCall = 0;
let lastExport = 0;

// What a stub stands for, and the handler of its proxy. Without a prototype that an author reaches: what is not here is nowhere.
class Node {
  constructor(type) {
    this.type = type;
    this.kind = STUB;
    this.id = 0;
    this.context = null;
    this.parent = null;
    this.name = "";
    this.promise = null;
    this.value = undefined;
    this.state = "open";
    this.fetch = null;
    this.find = null;
    this.withProps = null;
    // Methods that are no calls, by their names: a test's.
    this.handlers = null;
    // Gives the number of a stub for one call, or a promise of it: a loaded worker's.
    this.begin = null;
    // What a loaded worker can be given it by.
    this.given = undefined;
    // A call that is not sent yet: what settles once it is.
    this.sending = null;
    // Whether it may be a function: what a loaded worker was given.
    this.callable = false;
  }

  get(_target, key) {
    const own = ownMember(this, key);
    if (own !== null) return own;
    if (ObjectHasOwn(LOCAL, key)) return key === "__proto__" ? PROTOTYPES[this.type] : PROTOTYPES[this.type][key];
    const property = new Node("property");
    property.parent = this;
    property.name = key;
    return wrap(property);
  }

  apply(_target, _self, args) {
    if (this.type === "loopback" && this.withProps !== null) return this.withProps(args[0]);
    if ((this.type === "service" && !this.callable) || this.type === "loopback") {
      throw new TypeError("a service is not a function: call one of its methods");
    }
    return wrap(send(this, args));
  }

  set() {
    return false;
  }

  has(_target, key) {
    return typeof key === "string" && key !== "then";
  }

  ownKeys() {
    return [];
  }

  getOwnPropertyDescriptor() {
    return undefined;
  }

  defineProperty() {
    return false;
  }

  deleteProperty() {
    return false;
  }

  getPrototypeOf() {
    return PROTOTYPES[this.type];
  }

  setPrototypeOf() {
    return false;
  }

  preventExtensions() {
    return false;
  }
}
ObjectSetPrototypeOf(Node.prototype, null);

// Behind all of them. No trap lets anything through to it.
const TARGET = () => {};
const SERVICE_TARGET = { __proto__: null };

// Whoever inspects one sees only what it is.
const inspect = opaque((stub) => PROTOTYPES[nodeOf(stub).type].constructor.name);
define(TARGET, CUSTOM, inspect, false);
define(SERVICE_TARGET, CUSTOM, inspect, false);

function wrap(node) {
  const stub = new Proxy(node.type === "service" && !node.callable ? SERVICE_TARGET : TARGET, node);
  WeakMapPrototypeSet(nodes, stub, node);
  return stub;
}

function newStub(context, id) {
  const node = new Node("stub");
  node.context = context;
  node.id = id;
  return node;
}

function newService(id, fetch, callable = false) {
  const node = new Node("service");
  node.callable = callable;
  node.kind = SERVICE;
  node.id = id;
  node.fetch = fetch;
  node.given = () => ({ __proto__: null, service: id });
  return wrap(node);
}

// What a loaded worker was given, by its place.
function newGiven(place, fetch) {
  return newService(place, fetch, true);
}

// An entrypoint of a loaded worker.
function newEntrypoint(begin, fetch, given) {
  const node = new Node("service");
  node.fetch = fetch;
  node.begin = begin;
  node.given = given;
  return wrap(node);
}

// `fetch()` of a service.
function fetchOf(service) {
  const send = (context, cancel, method, url, headers, body) => op_rpc_fetch(context.id, cancel, method, url, headers, body, service);
  return async (...asked) => {
    webidl.requiredArguments(asked.length, 1, "Failed to execute 'fetch' on 'Fetcher'");
    return await fetchThrough(send, asked[0], asked[1]);
  };
}

// An entrypoint of the module's own. `find` makes an instance for an event; `withProps` gives the same one with other props, where it may.
function newLoopback(find, fetch, withProps) {
  const node = new Node("loopback");
  node.find = find;
  node.fetch = fetch;
  node.withProps = withProps;
  return wrap(node);
}

function tables(context) {
  if (context.rpc === null) context.rpc = new Tables();
  return context.rpc;
}

function callsOf(context) {
  return tables(context).calls ??= new SafeMap();
}

function exportsOf(context) {
  return tables(context).exports ??= new SafeMap();
}

// What an event gives to others from now on. Gives its number.
function give(context, object, instance) {
  const number = ++lastExport;
  MapPrototypeSet(exportsOf(context), number, new Given(object, instance, null));
  return number;
}

// The same of an entrypoint: each call has a new instance of it.
function offer(context, node) {
  const number = ++lastExport;
  const find = () => node.find(context);
  MapPrototypeSet(exportsOf(context), number, new Given(null, false, find));
  return number;
}

// A value for an op.
function prepare(context, value) {
  return prepareCopied(context, copyValue(value));
}

function prepareCopied(context, copied) {
  const stubs = [];
  const given = [];
  const passed = [];
  for (let i = 0; i < copied.slots.length; i++) {
    const { node, object, instance } = copied.slots[i];
    if (node === undefined) {
      const number = give(context, object, instance);
      ArrayPrototypePush(given, number);
      ArrayPrototypePush(stubs, 1);
      ArrayPrototypePush(stubs, number);
    } else if (node.type === "loopback") {
      const number = offer(context, node);
      ArrayPrototypePush(given, number);
      ArrayPrototypePush(stubs, 1);
      ArrayPrototypePush(stubs, number);
    } else {
      check(node, context);
      if (node.type === "stub") ArrayPrototypePush(passed, node);
      ArrayPrototypePush(stubs, node.type === "service" ? 2 : 0);
      ArrayPrototypePush(stubs, node.id);
    }
  }
  const streams = copied.streams.length === 0 ? undefined : sendStreams(context, copied.streams, encode);
  const list = stubs.length === 0 && streams === undefined ? undefined : [stubs, streams];
  return new Prepared(copied.value, list, given, passed);
}

// A value that takes nothing along, as bytes. Where it can not be written, it is an AbortError.
function encode(value) {
  let copied;
  try {
    copied = copyValue(value);
  } catch {
    // Something of an author's.
  }
  if (copied === undefined || copied.slots.length > 0 || copied.streams.length > 0) {
    copied = copyValue(new DOMException("The operation was aborted", "AbortError"));
  }
  return op_rpc_encode(copied.value, MARKERS);
}

const decode = (bytes) => op_rpc_decode(bytes, makerOf([], []));

function takeBack(context, given) {
  for (let i = 0; i < given.length; i++) MapPrototypeDelete(exportsOf(context), given[i]);
}

function check(node, context) {
  if (node.type !== "service" && node.type !== "loopback" && node.context !== context) {
    throw new Error(
      "Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response bodies, and others) " +
        "created in the context of one request handler cannot be accessed from a different request's handler. This is a " +
        "limitation of Cloudflare Workers which allows us to improve overall performance.",
    );
  }
  if (node.state === "disposed") {
    throw new Error(node.type === "promise" ? "RPC promise used after being disposed." : "RPC stub used after being disposed.");
  }
}

// The result of a call that has come may be asked for more: it is a stub then, or its members are.
function settledRoot(node, context) {
  const { value } = node;
  const own = (typeof value === "object" && value !== null) || typeof value === "function" ? nodeOf(value) : undefined;
  if (own !== undefined) {
    check(own, context);
    return own;
  }
  if (typeof value !== "object" || value === null) throw new TypeError("Can't pipeline on RPC that did not return an object.");
  return newStub(context, op_rpc_loopback(context.id, give(context, value, true)));
}

// Sends a call, or asks for a property without arguments. Gives the node of its promise.
function send(node, args) {
  const sent = new Node("promise");
  sent.kind = ANSWER;
  const path = [];
  try {
    const context = requireContext();
    sent.context = context;
    let root = node;
    while (root.type === "property") {
      ArrayPrototypePush(path, root.name);
      root = root.parent;
    }
    const names = [];
    for (let i = path.length - 1; i >= 0; i--) ArrayPrototypePush(names, path[i]);
    check(root, context);
    if (root.type === "promise") {
      PromisePrototypeCatch(root.promise, () => {});
      if (root.state === "resolved") root = settledRoot(root, context);
    }
    const prepared = args === undefined ? null : prepareCopied(context, copyArguments(args));
    const id = ++lastCall;
    sent.id = id;
    const call = (kind, target) => {
      try {
        op_rpc_call(context.id, kind, target, id, names, prepared === null ? undefined : prepared.value, MARKERS, prepared?.list);
      } catch (error) {
        if (prepared !== null) takeBack(context, prepared.given);
        throw error;
      }
    };
    // A stub for this call alone.
    const callOnce = (target) => {
      try {
        call(STUB, target);
      } finally {
        op_rpc_drop(context.id, STUB, target);
      }
    };
    if (root.sending !== null) {
      sent.sending = PromisePrototypeThen(root.sending, () => call(root.kind, root.id));
    } else if (root.type === "loopback") {
      callOnce(op_rpc_loopback(context.id, offer(context, root)));
    } else if (root.begin === null) {
      call(root.kind, root.id);
    } else {
      const target = root.begin(context);
      if (typeof target === "number") callOnce(target);
      else sent.sending = PromisePrototypeThen(target, callOnce);
    }
    sent.promise = new Promise((resolve, reject) => {
      MapPrototypeSet(callsOf(context), id, new Waiting(sent, resolve, reject));
      if (sent.sending === null) return;
      PromisePrototypeThen(sent.sending, () => sent.sending = null, (error) => {
        MapPrototypeDelete(callsOf(context), id);
        sent.state = "failed";
        reject(error);
      });
    });
  } catch (error) {
    sent.promise = PromiseReject(error);
    sent.state = "failed";
  }
  return sent;
}

function disposeNode(node) {
  if (node.state === "disposed") return;
  const before = node.state;
  node.state = "disposed";
  if (node.type === "stub") {
    if (!node.context.ended) op_rpc_drop(node.context.id, STUB, node.id);
  } else if (node.type === "promise" && before === "resolved") {
    disposeValue(node.value);
  }
}

function disposeValue(value) {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
  const dispose = value[SymbolDispose];
  if (typeof dispose === "function") ReflectApply(dispose, value, []);
}

const promiseOf = (node) => (node.type === "property" ? send(node, undefined).promise : node.promise);

// Calls back with why, once a stub can be called no longer; of a promise once it has failed, or what it brought can be called no longer.
function whenBroken(node, callback) {
  if (typeof callback !== "function") throw new TypeError("onRpcBroken(): expected a function");
  if (node.type === "promise") {
    PromisePrototypeThen(node.promise, (value) => {
      const own = typeof value === "object" || typeof value === "function" ? nodeOf(value) : undefined;
      if (own !== undefined && own.state !== "disposed") whenBroken(own, callback);
    }, callback);
    return;
  }
  const context = requireContext();
  check(node, context);
  const id = ++lastCall;
  op_rpc_watch(context.id, STUB, node.id, id);
  const broken = new Promise((resolve, reject) => {
    MapPrototypeSet(callsOf(context), id, new Waiting(new Node("watch"), resolve, reject));
  });
  PromisePrototypeThen(broken, undefined, callback);
}

// What a stub has beside the names of what it stands for.
function ownMember(node, key) {
  const { type } = node;
  if (key === SymbolDispose) return type === "property" ? undefined : () => disposeNode(node);
  if (typeof key === "symbol") return PROTOTYPES[type][key];
  if (type === "promise" || type === "property") {
    if (key === "then") return (fulfilled, rejected) => PromisePrototypeThen(promiseOf(node), fulfilled, rejected);
    if (key === "catch") return (rejected) => PromisePrototypeCatch(promiseOf(node), rejected);
    if (key === "finally") {
      return (last) => primordials.PromisePrototypeFinally(promiseOf(node), last);
    }
  }
  if (key === "then") return undefined;
  if (node.handlers !== null && ObjectHasOwn(node.handlers, key)) return node.handlers[key];
  if (type === "stub" && key === "dup") {
    return () => {
      const context = requireContext();
      check(node, context);
      return wrap(newStub(context, op_rpc_dup(context.id, node.id)));
    };
  }
  if ((type === "stub" || type === "promise") && key === "onRpcBroken") return (callback) => whenBroken(node, callback);
  if ((type === "service" || type === "loopback") && key === "fetch") return node.fetch;
  return null;
}

// What makes the stubs and streams of a message that is read. `group` takes the stubs' nodes. Any number may stand in the bytes.
function stubsFor(context, group) {
  return (ids, rids) => {
    const made = [];
    for (let i = 0; i < ids.length; i++) {
      const node = newStub(context, ids[i]);
      ArrayPrototypePush(group, node);
      ArrayPrototypePush(made, wrap(node));
    }
    return makerOf(made, rids);
  };
}

function makerOf(made, rids) {
  let making;
  return (kind, plain) => {
    if (kind === 0) {
      if (typeof plain !== "number" || !ObjectHasOwn(made, plain)) throw new TypeError("the message can not be read");
      return made[plain];
    }
    making ??= new Making(rids, decode);
    return making.make(kind, plain);
  };
}

function disposeAll(group) {
  for (let i = 0; i < group.length; i++) disposeNode(group[i]);
}

function pending(event, call) {
  const context = contextOf(event);
  if (context === undefined || context.rpc === null || context.rpc.calls === null) return undefined;
  const found = MapPrototypeGet(context.rpc.calls, call);
  MapPrototypeDelete(context.rpc.calls, call);
  return found;
}

// Rust calls these two with the answer to a call.
function resolveCall(event, call, disposer) {
  const waits = pending(event, call);
  if (waits === undefined) return;
  const { node, resolve, reject } = waits;
  const group = [];
  let value;
  try {
    value = op_rpc_read_result(event, call, stubsFor(node.context, group));
  } catch (error) {
    node.state = "failed";
    reject(error);
    return;
  }
  if (typeof value === "object" && value !== null) {
    const dispose = () => {
      disposeAll(group);
      if (disposer && !node.context.ended) op_rpc_drop(event, ANSWER, call);
      disposer = false;
    };
    define(value, SymbolDispose, dispose, false);
  }
  if (node.state === "disposed") disposeValue(value);
  else node.state = "resolved";
  node.value = value;
  resolve(value);
}

// `bytes` are what was thrown, where it has crossed.
function rejectCall(event, call, name, message, bytes) {
  const waits = pending(event, call);
  if (waits === undefined) return;
  waits.node.state = "failed";
  let thrown;
  if (bytes !== null) {
    try {
      thrown = decode(bytes);
    } catch {
      // Its name and message stand.
    }
  }
  if (typeof thrown !== "object" || thrown === null) thrown = errorOf(name, message);
  // As Workers mark what was thrown elsewhere.
  define(thrown, "remote", true, true);
  waits.reject(thrown);
}

function makeStub(object) {
  const context = requireContext();
  const isObject = typeof object === "object" && object !== null;
  let instance = null;
  if (typeof object === "function" && nodeOf(object) === undefined) instance = true;
  else if (isObject && isTarget(object)) instance = false;
  else if (isObject && ReflectGetPrototypeOf(object) === ObjectPrototype) instance = true;
  if (instance === null) {
    throw new TypeError("RpcStubs can only wrap plain objects, functions, and RpcTarget derivatives.");
  }
  return wrap(newStub(context, op_rpc_loopback(context.id, give(context, object, instance))));
}
classes.setMakeStub(makeStub);

return { check, disposeAll, exportsOf, fetchOf, give, newEntrypoint, newGiven, newLoopback, newService, nodeOf, prepare, rejectCall, resolveCall, stubsFor, takeBack };
})();
