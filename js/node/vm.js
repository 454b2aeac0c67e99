// https://nodejs.org/docs/latest-v22.x/api/vm.html: there is one context, which is the worker's. A script is made as on Workers, and runs in it where the worker may
// make code from strings.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  Function: FunctionConstructor,
  ObjectFreeze,
  RegExpPrototypeExec,
  StringPrototypeIncludes,
  Symbol,
} = primordials;
core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateArray, validateInt32, validateObject, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const { eval: evaluate } = globalThis;
const NO_CONTEXT = "there is no context but the worker's own";
const SOURCE_MAP = /\/\/[#@] sourceMappingURL=([^\s'"]*)[ \t]*$/m;

// Refuses where code from strings is refused, in Node's form.
function need(name) {
  try {
    FunctionConstructor("");
  } catch {
    throw failure(name, undefined, "it makes code from strings, which wants `unsafe_eval`");
  }
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
    this.sourceMapURL = StringPrototypeIncludes(this.#code, "sourceMappingURL=") ? RegExpPrototypeExec(SOURCE_MAP, this.#code)?.[1] : undefined;
  }

  runInThisContext(options = {}) {
    validateObject(options, "options");
    need("vm.Script.runInThisContext");
    return evaluate(this.#code + sourceUrl(this.#filename));
  }
}
Script.prototype.createCachedData = unavailable("vm.Script.createCachedData");
Script.prototype.runInContext = unavailable("vm.Script.runInContext", NO_CONTEXT);
Script.prototype.runInNewContext = unavailable("vm.Script.runInNewContext", NO_CONTEXT);

function runInThisContext(code, options = {}) {
  return new Script(code, options).runInThisContext();
}

function compileFunction(code, params = undefined, options = {}) {
  validateString(code, "code");
  if (params !== undefined) validateArray(params, "params");
  const filename = namedBy(options, "");
  const { contextExtensions, parsingContext } = options;
  if (contextExtensions !== undefined && !(ArrayIsArray(contextExtensions) && contextExtensions.length === 0)) throw failure("vm.compileFunction with contextExtensions");
  if (parsingContext !== undefined) throw failure("vm.compileFunction with parsingContext", undefined, NO_CONTEXT);
  need("vm.compileFunction");
  const names = params ?? [];
  for (let i = 0; i < names.length; i++) validateString(names[i], `params[${i}]`);
  return FunctionConstructor(...names, filename === "" ? code : code + sourceUrl(filename));
}

const vm = {
  Script,
  compileFunction,
  constants: ObjectFreeze({
    __proto__: null,
    DONT_CONTEXTIFY: Symbol("vm_context_no_contextify"),
    USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol("vm_dynamic_import_main_context_default"),
  }),
  createContext: unavailable("vm.createContext", NO_CONTEXT),
  createScript: (code, options) => new Script(code, options),
  isContext(object) {
    if (typeof object !== "function" && (typeof object !== "object" || object === null)) validateObject(object, "object");
    return false;
  },
  measureMemory: unavailable("vm.measureMemory"),
  runInContext: unavailable("vm.runInContext", NO_CONTEXT),
  runInNewContext: unavailable("vm.runInNewContext", NO_CONTEXT),
  runInThisContext,
};

return { default: vm };
})();
