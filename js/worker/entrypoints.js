// What a module exports to be called: objects and classes with fetch(), by name, and the module's own stubs to them.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/service-bindings/rpc/#named-entrypoints
// https://developers.cloudflare.com/workers/runtime-apis/context/#exports
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeForEach,
  FunctionPrototypeToString,
  ObjectFreeze,
  ObjectPrototypeIsPrototypeOf,
  ReflectConstruct,
  ReflectOwnKeys,
  SafeWeakMap,
  StringPrototypeStartsWith,
  TypeError,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");
const { entrypointOf } = core.loadExtScript("ext:workerd_lite/rpc/entrypoint.js");
const { newLoopback } = core.loadExtScript("ext:workerd_lite/rpc/stub.js");
const { Loopback } = core.loadExtScript("ext:workerd_lite/worker/loopback.js");
const { ExecutionContext, setExports } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");

function isSubclass(value, base) {
  return ObjectPrototypeIsPrototypeOf(base, value);
}

// Why an exported class can not be called, or null.
function unsupported(name, value) {
  if (isSubclass(value, DurableObject)) return `${name} is a Durable Object, which workerd-lite does not run`;
  if (isSubclass(value, WorkflowEntrypoint)) return `${name} is a Workflow, which workerd-lite does not run`;
  return null;
}

// What a function that has no fetch() to call is, in words for its author.
function kindOf(value) {
  if (!StringPrototypeStartsWith(FunctionPrototypeToString(value), "class")) return "a function and no object with handlers";
  return typeof value.fetch === "function" ? "a class whose fetch() is static" : "a class";
}

// Handlers of other events than requests.
const OTHERS = ["scheduled", "tail", "queue", "email"];

function hasOther(value) {
  for (let i = 0; i < OTHERS.length; i++) {
    if (typeof value[OTHERS[i]] === "function") return true;
  }
  return false;
}

function missing(what, method) {
  return () => {
    throw new TypeError(`the worker can not be called so: ${what} has no ${method}`);
  };
}

// The handlers `(request, env, ctx)` and `(socket, env, ctx)` behind one export: `{ handler, connect }`, or `{ complaint }`. There is no `connect` where it has none.
// `others` says whether it may have no handler of requests where it has handlers of other events.
function handlerOf(name, what, value, others = false) {
  const refused = (complaint) => ({ complaint, connect: null, handler: null });
  if (typeof value === "function") {
    const complaint = unsupported(what, value);
    if (complaint !== null) return refused(complaint);
    const connects = typeof value.prototype?.connect === "function";
    const connect = connects ? (socket, env, ctx) => ReflectConstruct(value, [ctx, env]).connect(socket) : null;
    if (typeof value.prototype?.fetch !== "function") {
      // It has methods for those that call them.
      if (connects || isSubclass(value, WorkerEntrypoint)) {
        const handler = missing(`${what}, a class,`, "fetch() method");
        return { complaint: null, connect, handler, lacks: connects ? null : `${what}, a class that an agent's requests are to be judged by, has no fetch() method` };
      }
      return refused(`${what}, ${kindOf(value)}, has no fetch() method`);
    }
    const handler = (request, env, ctx) => ReflectConstruct(value, [ctx, env]).fetch(request);
    return { complaint: null, connect, handler };
  }
  const connects = typeof value === "object" && value !== null && typeof value.connect === "function";
  const connect = connects ? (socket, env, ctx) => value.connect(socket, env, ctx) : null;
  if (connects && typeof value.fetch !== "function") return { complaint: null, connect, handler: missing(what, "fetch() handler") };
  if (others && typeof value === "object" && value !== null && typeof value.fetch !== "function" && hasOther(value)) {
    const handler = () => {
      throw new TypeError("Handler does not export a fetch() function.");
    };
    return { complaint: null, connect: null, handler };
  }
  if (typeof value !== "object" || value === null || typeof value.fetch !== "function") {
    const form = name === "default" ? "export default {" : `export const ${name} = {`;
    return refused(`${what} has no fetch() handler. Write \`${form} async fetch(request, env, ctx) { ... } }\``);
  }
  return { complaint: null, connect, handler: (request, env, ctx) => value.fetch(request, env, ctx) };
}

// A script without exports is CommonJS, which has an object of them in any case.
function isEmptyCommonJs(namespace) {
  const exported = namespace.default;
  return typeof exported === "object" && exported !== null && namespace["module.exports"] === exported && ReflectOwnKeys(exported).length === 0;
}

// `entrypoint` is the name of an export, or null for the default one.
function findHandler(namespace, entrypoint, others = false) {
  if (entrypoint !== null) {
    const value = namespace[entrypoint];
    if (value === undefined) return { complaint: `it exports no ${entrypoint}, which is an entrypoint`, connect: null, handler: null };
    return handlerOf(entrypoint, `its export ${entrypoint}`, value);
  }
  if (namespace.default === undefined || isEmptyCommonJs(namespace)) {
    return {
      complaint: "it has no default export. Write `export default { async fetch(request, env, ctx) { ... } }`; " +
        'the older addEventListener("fetch", ...) form is for agents, and has a listener before the script has run',
      connect: null,
      handler: null,
    };
  }
  return handlerOf("default", "its default export", namespace.default, others);
}

// What each stub of the module's own stands for: `{ name, props }`.
const loopbacks = new SafeWeakMap();
const loopbackOf = (value) => WeakMapPrototypeGet(loopbacks, value);

// `ctx.exports.Name`: a stub itself, and a function that makes one with props.
function stubOf(name, value, given = undefined) {
  const { complaint, handler } = handlerOf(name, name, value);
  const { complaint: uncallable, make } = entrypointOf({ __proto__: null, [name]: value }, name);
  const props = given?.props ?? {};
  const fetch = async (...asked) => {
    webidl.requiredArguments(asked.length, 1, "Failed to execute 'fetch' on 'Fetcher'");
    if (complaint !== null) throw new TypeError(`ctx.exports.${name}: ${complaint}`);
    return await fetchThrough(new Loopback(name, handler, props), asked[0], asked[1]);
  };
  const find = (context) => {
    if (uncallable !== null) throw new TypeError(`ctx.exports.${name}: ${uncallable}`);
    return make(new ExecutionContext(context, props), context.caller.env);
  };
  const stub = newLoopback(find, fetch, given === undefined ? (options) => stubOf(name, value, options ?? {}) : null);
  WeakMapPrototypeSet(loopbacks, stub, { __proto__: null, name, props });
  return stub;
}

function makeExports(namespace) {
  const made = { __proto__: null };
  ArrayPrototypeForEach(ReflectOwnKeys(namespace), (name) => {
    const value = typeof name === "string" ? namespace[name] : undefined;
    if (typeof value === "function" || (typeof value === "object" && value !== null)) {
      made[name] = stubOf(name, value);
    }
  });
  setExports(ObjectFreeze(made));
}

return { findHandler, isEmptyCommonJs, loopbackOf, makeExports };
})();
