// https://nodejs.org/docs/latest-v22.x/api/tracing.html: there is no file that events could be written to.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeJoin } = primordials;
const { ERR_TRACE_EVENTS_CATEGORY_REQUIRED } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateObject, validateStringArray } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

class Tracing {
  #categories;

  constructor(categories) {
    this.#categories = ArrayPrototypeJoin(categories, ",");
  }

  get categories() {
    return this.#categories;
  }

  get enabled() {
    return false;
  }

  disable() {}

  enable() {
    throw failure("trace_events.Tracing.enable");
  }
}

function createTracing(options) {
  validateObject(options, "options");
  validateStringArray(options.categories, "options.categories");
  if (options.categories.length === 0) throw new ERR_TRACE_EVENTS_CATEGORY_REQUIRED();
  return new Tracing(options.categories);
}

return { default: { createTracing, getEnabledCategories: () => undefined } };
})();
