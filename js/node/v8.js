// https://nodejs.org/docs/latest-v22.x/api/v8.html: nothing is told of the heap.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, StringPrototypeSplit } = primordials;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const NAMES =
  "DefaultDeserializer DefaultSerializer Deserializer GCProfiler Serializer deserialize getHeapCodeStatistics getHeapSnapshot getHeapSpaceStatistics getHeapStatistics " +
  "queryObjects serialize setFlagsFromString setHeapSnapshotNearHeapLimit stopCoverage takeCoverage writeHeapSnapshot";
const v8 = { cachedDataVersionTag: () => 0, promiseHooks: {}, startupSnapshot: { isBuildingSnapshot: () => false } };
ArrayPrototypeForEach(StringPrototypeSplit(NAMES, " "), (name) => v8[name] = unavailable(`v8.${name}`));

return { default: v8, ...v8 };
})();
