// https://nodejs.org/docs/latest-v22.x/api/perf_hooks.html over the worker's own clock, which is coarse.
(function () {
const { core } = __bootstrap;
const web = core.loadExtScript("ext:deno_web/15_performance.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const perfHooks = {
  Performance: web.Performance,
  PerformanceEntry: web.PerformanceEntry,
  PerformanceMark: web.PerformanceMark,
  PerformanceMeasure: web.PerformanceMeasure,
  PerformanceObserver: web.PerformanceObserver,
  PerformanceObserverEntryList: web.PerformanceObserverEntryList,
  constants: {
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
  },
  createHistogram: unavailable("perf_hooks.createHistogram"),
  eventLoopUtilization: () => ({ idle: 0, active: 0, utilization: 0 }),
  monitorEventLoopDelay: unavailable("perf_hooks.monitorEventLoopDelay"),
  performance: web.performance,
  timerify: (fn) => fn,
};

return { default: perfHooks };
})();
