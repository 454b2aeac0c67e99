// https://nodejs.org/docs/latest-v22.x/api/vm.html: there is one context, which is the worker's. A script is made as on Workers, and runs in it where the worker may
// make code from strings.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  Function: FunctionConstructor,
  ObjectFreeze,
  RegExpPrototypeExec,
  SafeWeakSet,
  StringPrototypeIncludes,
  Symbol,
  WeakSetPrototypeAdd,
  WeakSetPrototypeHas,
} = primordials;
const { ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateArray, validateBoolean, validateInt32, validateObject, validateOneOf, validateString, validateStringArray, validateUint32 } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const { eval: evaluate } = globalThis;
const NO_CONTEXT = "there is no context but the worker's own";
const SOURCE_MAP = /\/\/[#@] sourceMappingURL=([^\s'"]*)[ \t]*$/m;

const constants = ObjectFreeze({
  __proto__: null,
  DONT_CONTEXTIFY: Symbol("vm_context_no_contextify"),
  USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol("vm_dynamic_import_main_context_default"),
});

// Refuses where code from strings is refused, in Node's form.
function need(name) {
  try {
    FunctionConstructor("");
  } catch {
    throw failure(name, undefined, "it makes code from strings, which wants `unsafe_eval`");
  }
}

const ifGiven = (value, validate, name) => {
  if (value !== undefined) validate(value, name);
};

// What code may be made with, as Node judges it.
function validateMaking({ cachedData, importModuleDynamically, produceCachedData }) {
  if (cachedData !== undefined && !core.isArrayBufferView(cachedData)) {
    throw new ERR_INVALID_ARG_TYPE("options.cachedData", ["Buffer", "TypedArray", "DataView"], cachedData);
  }
  ifGiven(produceCachedData, validateBoolean, "options.produceCachedData");
  if (importModuleDynamically !== undefined && typeof importModuleDynamically !== "function" && importModuleDynamically !== constants.USE_MAIN_CONTEXT_DEFAULT_LOADER) {
    throw new ERR_INVALID_ARG_TYPE("options.importModuleDynamically", ["Function", "vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER"], importModuleDynamically);
  }
}

// What it may run with.
function validateRunning(options) {
  validateObject(options, "options");
  const { breakOnSigint, displayErrors, timeout } = options;
  if (timeout !== undefined) validateUint32(timeout, "options.timeout", true);
  ifGiven(breakOnSigint, validateBoolean, "options.breakOnSigint");
  ifGiven(displayErrors, validateBoolean, "options.displayErrors");
}

// The only context is the worker's: what is made here is nothing that code could run in, and is known again.
class Context {}
const contexts = new SafeWeakSet();

function validateContext(context) {
  if (typeof context !== "object" || context === null || !WeakSetPrototypeHas(contexts, context)) {
    throw new ERR_INVALID_ARG_TYPE("contextifiedObject", "vm.Context", context);
  }
}

function createContext(object = undefined, options = { __proto__: null }) {
  if (typeof object === "object" && object !== null && WeakSetPrototypeHas(contexts, object)) return object;
  validateObject(options, "options");
  const { codeGeneration, microtaskMode, name, origin } = options;
  ifGiven(name, validateString, "options.name");
  ifGiven(origin, validateString, "options.origin");
  validateMaking(options);
  if (codeGeneration !== undefined) {
    validateObject(codeGeneration, "options.codeGeneration");
    ifGiven(codeGeneration.strings, validateBoolean, "options.codeGeneration.strings");
    ifGiven(codeGeneration.wasm, validateBoolean, "options.codeGeneration.wasm");
  }
  if (microtaskMode !== undefined) validateOneOf(microtaskMode, "options.microtaskMode", ["afterEvaluate", undefined]);
  const context = new Context();
  WeakSetPrototypeAdd(contexts, context);
  return context;
}

function isContext(object) {
  if (typeof object !== "function" && (typeof object !== "object" || object === null)) validateObject(object, "object");
  return WeakSetPrototypeHas(contexts, object);
}

function namedBy(options, fallback) {
  const given = typeof options === "string" ? { __proto__: null, filename: options } : options;
  validateObject(given, "options");
  const { columnOffset = 0, filename = fallback, lineOffset = 0 } = given;
  validateString(filename, "options.filename");
  validateInt32(lineOffset, "options.lineOffset");
  validateInt32(columnOffset, "options.columnOffset");
  return filename;
}

// Stacks have the name that the code was given.
const sourceUrl = (filename) => RegExpPrototypeExec(/[\s'"]/, filename) === null ? `\n//# sourceURL=${filename}` : "";

class Script {
  #code;
  #filename;
  cachedDataRejected = undefined;
  sourceMapURL;

  constructor(code, options = {}) {
    this.#code = `${code}`;
    this.#filename = namedBy(options, "evalmachine.<anonymous>");
    validateMaking(options);
    this.sourceMapURL = StringPrototypeIncludes(this.#code, "sourceMappingURL=") ? RegExpPrototypeExec(SOURCE_MAP, this.#code)?.[1] : undefined;
  }

  runInThisContext(options = {}) {
    validateRunning(options);
    need("vm.Script.runInThisContext");
    return evaluate(this.#code + sourceUrl(this.#filename));
  }

  runInContext(contextifiedObject, options = {}) {
    validateContext(contextifiedObject);
    validateRunning(options);
    throw failure("vm.Script.runInContext", undefined, NO_CONTEXT);
  }
}
Script.prototype.createCachedData = unavailable("vm.Script.createCachedData");
Script.prototype.runInNewContext = unavailable("vm.Script.runInNewContext", NO_CONTEXT);

function runInThisContext(code, options = {}) {
  return new Script(code, options).runInThisContext(typeof options === "string" ? {} : options);
}

function runInContext(code, contextifiedObject, options = {}) {
  validateContext(contextifiedObject);
  return new Script(code, options).runInContext(contextifiedObject, typeof options === "string" ? {} : options);
}

function measureMemory(options = { __proto__: null }) {
  validateObject(options, "options");
  const { execution = "default", mode = "summary" } = options;
  validateOneOf(mode, "options.mode", ["summary", "detailed"]);
  validateOneOf(execution, "options.execution", ["default", "eager"]);
  throw failure("vm.measureMemory");
}

function compileFunction(code, params = undefined, options = {}) {
  validateString(code, "code");
  if (params !== undefined) validateStringArray(params, "params");
  const filename = namedBy(options, "");
  validateMaking(options);
  const { contextExtensions, parsingContext } = options;
  if (parsingContext !== undefined && !(typeof parsingContext === "object" && parsingContext !== null && WeakSetPrototypeHas(contexts, parsingContext))) throw new ERR_INVALID_ARG_TYPE("options.parsingContext", "Context", parsingContext);
  if (contextExtensions !== undefined) {
    validateArray(contextExtensions, "options.contextExtensions");
    for (let i = 0; i < contextExtensions.length; i++) validateObject(contextExtensions[i], `options.contextExtensions[${i}]`);
  }
  if (contextExtensions !== undefined && !(ArrayIsArray(contextExtensions) && contextExtensions.length === 0)) throw failure("vm.compileFunction with contextExtensions");
  if (parsingContext !== undefined) throw failure("vm.compileFunction with parsingContext", undefined, NO_CONTEXT);
  need("vm.compileFunction");
  const names = params ?? [];
  return FunctionConstructor(...names, filename === "" ? code : code + sourceUrl(filename));
}

const vm = {
  Script,
  compileFunction,
  constants,
  createContext,
  createScript: (code, options) => new Script(code, options),
  isContext,
  measureMemory,
  runInContext,
  runInNewContext: unavailable("vm.runInNewContext", NO_CONTEXT),
  runInThisContext,
};

return { default: vm };
})();
