// https://nodejs.org/docs/latest-v22.x/api/perf_hooks.html over the worker's own clock, which is coarse.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, MathCeil, ObjectDefineProperties, ObjectDefineProperty, ObjectFreeze, PromisePrototypeThen, ReflectApply, ReflectConstruct, SymbolIterator, TypeError } = primordials;
const web = core.loadExtScript("ext:deno_web/15_performance.js");
const { codes } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateFunction, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { createHistogram, monitorEventLoopDelay } = core.loadExtScript("ext:workerd_lite/node/histogram.js");

// A function that tells a histogram how many nanoseconds each call took; observers hear of none.
function timerify(fn, options = { __proto__: null }) {
  validateFunction(fn, "fn");
  validateObject(options, "options");
  const { histogram } = options;
  if (histogram !== undefined && typeof histogram?.record !== "function") {
    throw new codes.ERR_INVALID_ARG_TYPE("options.histogram", "RecordableHistogram", histogram);
  }
  function timerified(...args) {
    const start = web.performance.now();
    const end = () => histogram?.record(MathCeil((web.performance.now() - start) * 1e6) || 1);
    const result = new.target ? ReflectConstruct(fn, args, fn) : ReflectApply(fn, this, args);
    if (!core.isPromise(result)) {
      end();
      return result;
    }
    return PromisePrototypeThen(result, (value) => {
      end();
      return value;
    });
  }
  ObjectDefineProperties(timerified, {
    length: { __proto__: null, configurable: false, enumerable: true, value: fn.length },
    name: { __proto__: null, configurable: false, enumerable: true, value: `timerified ${fn.name}` },
  });
  return timerified;
}

// How busy the loop is, is not a worker's to know.
const eventLoopUtilization = () => ({ idle: 0, active: 0, utilization: 0 });

// Of a page's resources there are none, and of a page's events none is counted: https://w3c.github.io/resource-timing/ and https://w3c.github.io/event-timing/
class PerformanceResourceTiming extends web.PerformanceEntry {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
}

class EventCounts {
  get size() {
    return 0;
  }

  entries() {
    return [].values();
  }

  forEach(callback) {
    validateFunction(callback, "callback");
  }

  get() {}

  has() {
    return false;
  }

  keys() {
    return [].values();
  }

  values() {
    return [].values();
  }
}
EventCounts.prototype[SymbolIterator] = EventCounts.prototype.entries;

const additions = { timerify, eventLoopUtilization };
ArrayPrototypeForEach(["timerify", "eventLoopUtilization"], (name) => {
  ObjectDefineProperty(web.performance, name, { __proto__: null, value: additions[name], writable: true, enumerable: false, configurable: true });
});

ObjectDefineProperty(web.Performance.prototype, "eventCounts", { __proto__: null, get: () => new EventCounts(), enumerable: true, configurable: true });

const perfHooks = {
  Performance: web.Performance,
  PerformanceEntry: web.PerformanceEntry,
  PerformanceMark: web.PerformanceMark,
  PerformanceMeasure: web.PerformanceMeasure,
  PerformanceObserver: web.PerformanceObserver,
  PerformanceObserverEntryList: web.PerformanceObserverEntryList,
  PerformanceResourceTiming,
  constants: ObjectFreeze({
    NODE_PERFORMANCE_GC_MAJOR: 4,
    NODE_PERFORMANCE_GC_MINOR: 1,
    NODE_PERFORMANCE_GC_INCREMENTAL: 8,
    NODE_PERFORMANCE_GC_WEAKCB: 16,
    NODE_PERFORMANCE_GC_FLAGS_NO: 0,
    NODE_PERFORMANCE_GC_FLAGS_CONSTRUCT_RETAINED: 2,
    NODE_PERFORMANCE_GC_FLAGS_FORCED: 4,
    NODE_PERFORMANCE_GC_FLAGS_SYNCHRONOUS_PHANTOM_PROCESSING: 8,
    NODE_PERFORMANCE_GC_FLAGS_ALL_AVAILABLE_GARBAGE: 16,
    NODE_PERFORMANCE_GC_FLAGS_ALL_EXTERNAL_MEMORY: 32,
    NODE_PERFORMANCE_GC_FLAGS_SCHEDULE_IDLE: 64,
  }),
  createHistogram,
  eventLoopUtilization,
  monitorEventLoopDelay,
  performance: web.performance,
  timerify,
};

return { default: perfHooks };
})();
