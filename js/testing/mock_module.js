// node:test's `mock.module()`: https://nodejs.org/api/test.html#mockmodulespecifier-options
// What stands in a module's place is made where the module is imported. It takes its exports from here.
(function () {
const { core } = __bootstrap;
const { control } = core.loadExtScript("ext:workerd_lite/testing/control.js");
const { invalidType, needBoolean, needObject } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

// The source of mocked modules reads it by this name: `runtime/isolate/modules/mocked.rs`.
const MOCKED = Symbol.for("workerd-lite.mocked");
const mocked = new Map();

// The file that calls mock.module(), to which a relative specifier belongs.
function caller() {
  const prepare = Error.prepareStackTrace;
  try {
    Error.prepareStackTrace = (_error, frames) => frames.map((frame) => frame.getFileName() ?? "");
    return new Error().stack.find((name) => name.startsWith("file:///")) ?? "";
  } finally {
    Error.prepareStackTrace = prepare;
  }
}

class MockModuleContext {
  #url;

  constructor(url) {
    this.#url = url;
  }

  restore() {
    if (this.#url !== undefined) control({ order: "module", url: this.#url });
    this.#url = undefined;
  }
}

function mockModule(specifier, options = {}) {
  if (specifier instanceof URL) specifier = specifier.href;
  if (typeof specifier !== "string") throw invalidType("specifier", "of type string or an instance of URL", specifier);
  needObject(options, "options");
  const { cache = false, namedExports = {}, defaultExport } = options;
  needBoolean(cache, "options.cache");
  needObject(namedExports, "options.namedExports");
  const hasDefault = "defaultExport" in options;
  globalThis[MOCKED] ?? Object.defineProperty(globalThis, MOCKED, { value: mocked, configurable: true });
  const names = Object.keys(namedExports).filter((name) => name !== "default" || !hasDefault);
  const { id, url } = control({ order: "module", specifier, caller: caller(), names, hasDefault, cache });
  // What `require()` of it gives.
  const all = hasDefault ? defaultExport : {};
  const whole = typeof all === "object" && all !== null ? Object.defineProperties(all, Object.getOwnPropertyDescriptors(namedExports)) : all;
  mocked.set(id, { defaultExport, namedExports: { ...namedExports }, whole });
  return new MockModuleContext(url);
}

return { mockModule };
})();
