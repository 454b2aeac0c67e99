// Calls that come in: what of an object may be reached, and what becomes of arguments and results.
// https://developers.cloudflare.com/workers/runtime-apis/rpc/visibility/
(function () {
const { core, primordials } = __bootstrap;
const { op_rpc_fail, op_rpc_read_arguments, op_rpc_reply } = core.ops;
const {
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  Error,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectHasOwn,
  ObjectPrototype,
  PromisePrototypeCatch,
  PromisePrototypeThen,
  PromiseWithResolvers,
  ReflectApply,
  ReflectGetPrototypeOf,
  SafeMap,
  SafeMapIterator,
  SymbolDispose,
  TypeError,
} = primordials;
const { contextOf, endContext, enterContext, startContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { ExecutionContext } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");
const { isTarget, MARKERS } = core.loadExtScript("ext:workerd_lite/rpc/copy.js");
const { entrypointOf, pretendedService } = core.loadExtScript("ext:workerd_lite/rpc/entrypoint.js");
const { failureOf } = core.loadExtScript("ext:workerd_lite/rpc/failure.js");
const { Callee, Given, Member } = core.loadExtScript("ext:workerd_lite/rpc/records.js");
const stubs = core.loadExtScript("ext:workerd_lite/rpc/stub.js");

const RESERVED = { __proto__: null, constructor: true, dup: true, onRpcBroken: true };

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

function missing(name) {
  throw new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

function member(object, name, instance, reserved) {
  if (reserved[name]) throw new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
  if (instance) {
    if (!ObjectHasOwn(object, name)) missing(name);
    return object[name];
  }
  // Members of the instance are not its class's.
  if (name === "__proto__" || ObjectHasOwn(object, name)) missing(name);
  const value = object[name];
  if (value === ObjectPrototype[name]) missing(name);
  return value;
}

// What a path leads to, and what it is a member of.
function follow(object, path, instance, reserved) {
  if (path.length === 0) return new Member(object, undefined);
  let inStub = false;
  for (let i = 0; i < path.length - 1; i++) {
    const name = path[i];
    const next = member(object, name, instance, reserved);
    reserved = RESERVED;
    if (!isObject(next)) missing(name);
    const node = stubs.nodeOf(next);
    if (node !== undefined) {
      if (node.type !== "stub" && !(inStub && node.type === "property")) missing(name);
      instance = false;
      inStub = true;
    } else if (ReflectGetPrototypeOf(next) === ObjectPrototype) instance = true;
    else if (isTarget(next)) instance = false;
    else if (typeof next === "function") instance = true;
    else missing(name);
    object = next;
  }
  return new Member(member(object, path[path.length - 1], instance, reserved), object);
}

// What a call brought, as what is called further.
function targetOf(value) {
  if (isObject(value)) {
    if (stubs.nodeOf(value) !== undefined || isTarget(value)) return new Callee(value, false, RESERVED);
    if (typeof value === "function" || ReflectGetPrototypeOf(value) === ObjectPrototype) {
      return new Callee(value, true, RESERVED);
    }
  }
  return new Callee({}, true, RESERVED);
}

function failed(context, running, thrown) {
  if (context.ended) return;
  const { name, message, told, stack, value } = failureOf(thrown);
  if (context.ended) return;
  if (context.called) context.responded = true;
  if (op_rpc_fail(context.id, running, name, message, told, stack, value, context.waiting === 0)) endContext(context.id);
}

// The disposer of a plain object is called here once nobody needs the result any longer, and does not cross.
function takeDisposer(value) {
  if (!isObject(value) || stubs.nodeOf(value) !== undefined || ReflectGetPrototypeOf(value) !== ObjectPrototype) return null;
  const dispose = value[SymbolDispose];
  delete value[SymbolDispose];
  return typeof dispose === "function" ? dispose : null;
}

function respond(context, running, answer, value) {
  if (context.ended) return;
  const dispose = takeDisposer(value);
  const prepared = stubs.prepare(context, value);
  const entry = MapPrototypeGet(stubs.exportsOf(context), answer);
  if (entry !== undefined && dispose !== null) entry.dispose = () => ReflectApply(dispose, value, []);
  if (context.called) context.responded = true;
  let ended;
  try {
    ended = op_rpc_reply(context.id, running, prepared.value, MARKERS, prepared.list, dispose !== null, context.waiting === 0);
  } catch (error) {
    stubs.takeBack(context, prepared.given);
    throw error;
  }
  if (ended) endContext(context.id);
  // Whoever called has them now.
  else stubs.disposeAll(prepared.passed);
}

// A ScheduledController has a function, which no message has. Nothing is tried again here in any case.
function addNoRetry(controller) {
  if (!isObject(controller) || ReflectGetPrototypeOf(controller) !== ObjectPrototype || ObjectHasOwn(controller, "noRetry")) return;
  controller.noRetry = () => {};
}

function invoke(context, running, target, path, property, group) {
  const { value, self } = follow(target.object, path, target.instance, target.reserved);
  if (property) return value;
  if (typeof value !== "function") throw new TypeError(`"${ArrayPrototypeJoin(path, ".")}" is not a function.`);
  const args = op_rpc_read_arguments(context.id, running, stubs.stubsFor(context, group));
  if (path.length === 1 && path[0] === "scheduled" && target.reserved.alarm === true) addNoRetry(args[0]);
  if (target.environment === undefined) return ReflectApply(value, self, args);
  // An exported object's functions take `(argument, env, ctx)`.
  if (value.length > 3) {
    throw new TypeError(
      `Cannot call handler function "${path[0]}" over RPC because it has the wrong number of arguments. A simple function handler ` +
        "can only be called over RPC if it has exactly the arguments (arg, env, ctx), where only the first argument comes from the " +
        "client. To support multi-argument RPC functions, use class-based syntax (extending WorkerEntrypoint) instead.",
    );
  }
  if (args.length !== 1) {
    throw new TypeError(
      `Attempted to call RPC function "${path[0]}" with the wrong number of arguments. When calling a top-level handler function ` +
        "that is not declared as part of a class, you must always send exactly one argument. In order to support variable numbers " +
        "of arguments, the server must use class-based syntax (extending WorkerEntrypoint) instead.",
    );
  }
  return ReflectApply(value, self, [args[0], target.environment.env, target.environment.ctx]);
}

// What only the call keeps that was begun last: where that is collected, nothing is left that could go on with it.
let kept;

function takeKept() {
  const begun = kept;
  kept = undefined;
  return begun;
}

// `find` gives what is called, or a promise of it. Calls of its result keep `work`, and not what runs for it.
async function run(context, running, answer, find, path, property) {
  const group = [];
  const entry = new Given(null, false, null);
  entry.running = running;
  MapPrototypeSet(stubs.exportsOf(context), answer, entry);
  const work = (async () => {
    const own = kept = { __proto__: null, isOver: false };
    try {
      const found = find();
      return await invoke(context, running, found.promise === undefined ? found : await found.promise, path, property, group);
    } finally {
      own.isOver = true;
    }
  })();
  entry.answer = work;
  PromisePrototypeCatch(work, () => {});
  try {
    respond(context, running, answer, await work);
  } catch (thrown) {
    failed(context, running, thrown);
  }
  entry.running = 0;
  entry.waiting = null;
  // What came as an argument is given back, unless it was duplicated.
  stubs.disposeAll(group);
}

let callers = [];
function setRpcCallers(list) {
  callers = list;
}

// The module's exports, once it has run.
let exported;

const named = new SafeMap();

// What makes an export that is called by its name.
function makerNamed(entrypoint) {
  const known = MapPrototypeGet(named, entrypoint);
  if (known !== undefined) return known;
  const { complaint, make } = entrypointOf(exported, entrypoint);
  if (complaint !== null) throw new TypeError(`the worker can not be called so: ${complaint}`);
  // What a test has in its place may be another the next time.
  if (pretendedService(entrypoint) === undefined) MapPrototypeSet(named, entrypoint, make);
  return make;
}

// Finds what is behind the doors of these callers; calls fail where nothing is. Gives null, or what is wrong.
function setDoors(namespace, list) {
  exported = namespace;
  let wrong = null;
  for (let i = 0; i < list.length; i++) {
    const { doors } = list[i];
    for (let j = 0; j < doors.length; j++) {
      const { complaint, make } = entrypointOf(namespace, doors[j].entrypoint);
      wrong ??= complaint;
      doors[j].make = complaint === null ? make : () => {
        throw new TypeError(complaint);
      };
    }
  }
  return wrong;
}

// One of the caller's ways in, on behalf of another agent where `agent` says so; or with `props` what is named.
function open(event, running, answer, path, property, caller, door, agent, entrypoint, props) {
  // Whoever calls a loaded worker is its loader.
  const known = callers[caller] ?? callers[0];
  const context = startContext(event, agent === null ? known : { __proto__: null, ...known, agent });
  context.called = true;
  const previous = enterContext(context);
  const find = () => {
    if (props !== null) return makerNamed(entrypoint)(new ExecutionContext(context, undefined, props), context.caller.env);
    const way = known.doors[door];
    return way.make(new ExecutionContext(context, undefined, way.props), context.caller.env);
  };
  run(context, running, answer, find, path, property);
  core.setAsyncContext(previous);
}

// What a call brought, for a call of it: fails where nothing can go on with the first.
function resultOf(entry) {
  if (entry.running === 0) return PromisePrototypeThen(entry.answer, targetOf);
  const { promise, resolve, reject } = PromiseWithResolvers();
  ArrayPrototypePush(entry.waiting ??= [], reject);
  PromisePrototypeThen(PromisePrototypeThen(entry.answer, targetOf), resolve, reject);
  return promise;
}

function call(event, running, answer, path, property, number) {
  const context = contextOf(event);
  if (context === undefined) return;
  const previous = enterContext(context);
  const entry = MapPrototypeGet(stubs.exportsOf(context), number);
  const find = () => {
    if (entry === undefined) throw new Error("The destination object for this RPC no longer exists.");
    if (entry.find !== null) return entry.find();
    if (entry.answer === null) return new Callee(entry.object, entry.instance, RESERVED);
    return { __proto__: null, promise: resultOf(entry) };
  };
  run(context, running, answer, find, path, property);
  core.setAsyncContext(previous);
}

function release(event, number) {
  const context = contextOf(event);
  if (context === undefined || context.rpc === null || context.rpc.exports === null) return;
  const entry = MapPrototypeGet(context.rpc.exports, number);
  if (entry === undefined) return;
  MapPrototypeDelete(context.rpc.exports, number);
  const previous = enterContext(context);
  try {
    if (entry.answer !== null) entry.dispose?.();
    else if (entry.find === null) {
      const dispose = entry.object[SymbolDispose];
      if (typeof dispose === "function") ReflectApply(dispose, entry.object, []);
    }
  } catch (error) {
    context.waitUntil(primordials.PromiseReject(error));
  }
  core.setAsyncContext(previous);
}

// What Rust calls this for, as `isolate/inside.rs` counts it.
const VALUE = 0;
const FAILURE = 1;
const OPEN = 2;
const CALL = 3;
const RELEASE = 4;

// Nothing can go on with a call that the event works for, or with its connection.
function abandoned(event, running, words) {
  const context = contextOf(event);
  if (context === undefined) return;
  if (running === 0) context.onAbandoned?.(words);
  else {
    const error = new Error(words);
    for (const { 1: entry } of new SafeMapIterator(stubs.exportsOf(context))) {
      if (entry.running !== running || entry.waiting === null) continue;
      for (let i = 0; i < entry.waiting.length; i++) entry.waiting[i](error);
    }
    failed(context, running, error);
  }
}

// Rust calls this. Gives what only the handling of a call keeps.
function rpc(kind, event, a, b, c, d, e, f, g, h, i) {
  if (kind === VALUE) stubs.resolveCall(event, a, b);
  else if (kind === FAILURE) stubs.rejectCall(event, a, b, c, d);
  else if (kind === OPEN) open(event, a, b, c, d, e, f, g, h, i);
  else if (kind === CALL) call(event, a, b, c, d, e);
  else if (kind === RELEASE) release(event, a);
  else abandoned(event, a, b);
  return takeKept();
}

return { rpc, setDoors, setRpcCallers };
})();
