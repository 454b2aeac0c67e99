// `require()` of ES modules: https://nodejs.org/docs/latest-v22.x/api/modules.html#loading-ecmascript-modules-using-require
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  ObjectDefineProperty,
  ObjectPrototypeHasOwnProperty,
  ReflectHas,
  SafeSet,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeHas,
  StringPrototypeIncludes,
} = primordials;
const { op_import_sync } = core.ops;

// The loader makes a module of this URL that imports the one after it by `import defer`: `runtime/isolate/require.rs`.
const DEFERRED = "workerd-lite:deferred?";

function coded(code, message) {
  const error = new Error(message);
  ObjectDefineProperty(error, "code", { __proto__: null, value: code, writable: true, enumerable: true, configurable: true });
  return error;
}

// The namespace of a module that runs no code of the author's. Jobs may run within: the event's context is put back.
function importNow(url) {
  const context = core.getAsyncContext();
  try {
    return op_import_sync(url);
  } finally {
    core.setAsyncContext(context);
  }
}

const running = new SafeSet();

function cycle(name) {
  return coded(
    "ERR_REQUIRE_CYCLE_MODULE",
    `Cannot require() ES Module ${name} in a cycle. A cycle involving require(esm) is not allowed to maintain invariants mandated by the ECMAScript ` +
      "specification. Try making at least part of the dependency in the graph lazily loaded.",
  );
}

// A module that is being evaluated for a `require()` gives nothing yet.
function refuseCycle(name) {
  if (SetPrototypeHas(running, name)) throw cycle(name);
}

// The namespace of an ES module, which is evaluated where it was not. What it throws is thrown on, the same value.
function evaluated(url, name) {
  refuseCycle(name);
  let deferred;
  try {
    deferred = importNow(DEFERRED + url).module;
  } catch (error) {
    if (StringPrototypeIncludes(`${error?.message}`, "Top-level await")) {
      throw coded(
        "ERR_REQUIRE_ASYNC_MODULE",
        "require() cannot be used on an ESM graph with top-level await. Use import() instead. To see where the top-level await comes from, use " +
          "--experimental-print-required-tla.",
      );
    }
    throw error;
  }
  SetPrototypeAdd(running, name);
  try {
    // Whether a name is exported is known once the module is evaluated.
    ReflectHas(deferred, "default");
  } finally {
    SetPrototypeDelete(running, name);
  }
  return importNow(url);
}

// What `require()` gives of an ES module.
function requireModule(url, name) {
  const namespace = evaluated(url, name);
  return ObjectPrototypeHasOwnProperty(namespace, "module.exports") ? namespace["module.exports"] : namespace;
}

return { coded, importNow, refuseCycle, requireModule };
})();
