// The last script before the author's own: finishes an isolate by its role and leaves nothing of ours reachable.
(function () {
const { core, primordials } = __bootstrap;
const { op_uncaught } = core.ops;
const { ArrayPrototypeForEach, ReflectDeleteProperty, ReflectOwnKeys, StringPrototypeStartsWith } = primordials;
const load = core.loadExtScript;

const { defineGlobals } = load("ext:workerd_lite/worker/globals.js");
const { setFetchRole } = load("ext:deno_fetch/26_fetch.js");
const { newFetcher } = load("ext:workerd_lite/worker/bindings.js");
const { describe } = load("ext:workerd_lite/worker/describe.js");
const { setTimeOrigin } = load("ext:deno_web/15_performance.js");
const worker = load("ext:workerd_lite/worker/dispatch.js");

function report(what) {
  return (thrown) => {
    const { summary, stack } = describe(thrown);
    op_uncaught(what, stack || summary);
  };
}

// Once the module has been evaluated: until then Rust wants to hear of a rejection itself.
function setHandler(namespace) {
  const rejected = report("a promise was rejected and nobody handled it");
  core.setUnhandledPromiseRejectionHandler((_promise, reason) => {
    rejected(reason);
    return true;
  });
  return worker.setHandler(namespace);
}

// `vars` is an object of plain data; `bindings` names the outbound worker's certificates in their order. Gives the
// functions that Rust calls.
function boot(role, vars, bindings) {
  core.setReportExceptionCallback(report("an exception was not caught"));
  setTimeOrigin();
  setFetchRole(role);
  ArrayPrototypeForEach(bindings, (name, index) => {
    vars[name] = newFetcher(index);
  });
  worker.setEnv(vars);
  ArrayPrototypeForEach(ReflectOwnKeys(globalThis), (key) => {
    if (typeof key === "string" && (key === "Deno" || StringPrototypeStartsWith(key, "__"))) {
      ReflectDeleteProperty(globalThis, key);
    }
  });
  // Workers share no memory.
  ReflectDeleteProperty(globalThis, "SharedArrayBuffer");
  return [worker.dispatch, worker.cancel, worker.end, setHandler];
}

defineGlobals();
globalThis.__workerdLite = boot;
return {};
})();
