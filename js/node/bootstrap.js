// What Node's scripts are given in the place of deno's `__bootstrap` and `Deno`: the ops that they call, and no others.
(function () {
const { core, primordials } = __bootstrap;
const { Error, ObjectFreeze } = primordials;
const { ops } = core.loadExtScript("ext:workerd_lite/node/ops.js");

// Traces of deno's.
const TELEMETRY = {
  ContextManager: undefined,
  SPAN_KEY: undefined,
  builtinTracer: undefined,
  otelState: { __proto__: null, PROPAGATORS: [], TRACING_ENABLED: false },
  telemetry: undefined,
  updateSpanFromError: () => {},
};
const { hexMethods } = core.loadExtScript("ext:workerd_lite/worker/hex.js");

// Scripts of deno's that are not here.
const ABSENT = {
  __proto__: null,
  "ext:deno_telemetry/telemetry.ts": TELEMETRY,
  "ext:deno_telemetry/util.ts": TELEMETRY,
  "ext:deno_io/12_io.js": { stderr: { isTerminal: () => false }, stdout: { isTerminal: () => false } },
};

// deno_core's own methods that Node's scripts may have.
const METHODS = [
  "byteLength",
  "encode",
  "hostObjectBrand",
  "isAnyArrayBuffer",
  "isArgumentsObject",
  "isArrayBuffer",
  "isArrayBufferView",
  "isAsyncFunction",
  "isBigIntObject",
  "isBooleanObject",
  "isBoxedPrimitive",
  "isDataView",
  "isDate",
  "isExternal",
  "isGeneratorFunction",
  "isGeneratorObject",
  "isMap",
  "isMapIterator",
  "isModuleNamespaceObject",
  "isNativeError",
  "isNumberObject",
  "isPromise",
  "isProxy",
  "isRegExp",
  "isSet",
  "isSetIterator",
  "isSharedArrayBuffer",
  "isStringObject",
  "isSymbolObject",
  "isTypedArray",
  "isWeakMap",
  "isWeakSet",
];

// What an author's stores are, and never whose event it is: what Node's scripts keep and restore leaves the running event as it is.
class Stores {
  stores;

  constructor(stores) {
    this.stores = stores;
  }
}

function getAsyncContext() {
  const context = core.getAsyncContext();
  return context === undefined || context === null ? undefined : new Stores(context.stores);
}

function setAsyncContext(kept) {
  const context = core.getAsyncContext();
  if (context?.stores === kept?.stores) return;
  core.setAsyncContext({ __proto__: null, event: context?.event, stores: kept?.stores });
}

// Whose the pool of buffers is. To ask is to take it.
let poolOwner;

function isAnothersPool() {
  const owner = core.getAsyncContext()?.event;
  if (owner === poolOwner) return false;
  poolOwner = owner;
  return true;
}

function loadExtScript(specifier) {
  return ABSENT[specifier] ?? core.loadExtScript(specifier);
}

const own = {
  __proto__: null,
  createLazyLoader: (specifier) => () => loadExtScript(specifier),
  getAsyncContext,
  isAnothersPool,
  loadExtScript,
  ops,
  setAsyncContext,
};
for (let i = 0; i < METHODS.length; i++) own[METHODS[i]] = core[METHODS[i]];

class NotCapable extends Error {}
class BadResource extends Error {}

const Deno = {
  __proto__: null,
  build: { __proto__: null, os: "linux" },
  consoleSize: () => ({ columns: 80, rows: 24 }),
  cwd: () => "/bundle",
  errors: { __proto__: null, BadResource, NotCapable },
  noColor: true,
  pid: 1,
};

const bootstrap = { core: ObjectFreeze(own), Deno: ObjectFreeze(Deno), internals: hexMethods, primordials };
return bootstrap;
})();
