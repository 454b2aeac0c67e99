// https://nodejs.org/docs/latest-v22.x/api/v8.html: values as bytes, and nothing of the heap.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, ArrayPrototypeMap, Error, StringPrototypeCharCodeAt, StringPrototypeSplit, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetByteOffset, Uint8Array } = primordials;
const { codes } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateBoolean, validateFunction, validateObject, validateOneOf, validateString, validateUint32 } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

// What of a value is an object of the platform is refused, as by Node.
function serialize(value) {
  const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
  const bytes = core.serialize(value, { __proto__: null, forStorage: true }, (message) => {
    throw new Error(message);
  });
  return Buffer.from(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes), TypedArrayPrototypeGetByteLength(bytes));
}

function deserialize(buffer) {
  if (!core.isArrayBufferView(buffer)) throw new codes.ERR_INVALID_ARG_TYPE("buffer", ["Buffer", "TypedArray", "DataView"], buffer);
  // What only another isolate would have (shared memory, modules) is found by no number.
  return core.deserialize(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), { __proto__: null, forStorage: true });
}

// By what it holds: how V8 keeps it is not told.
function isStringOneByteRepresentation(content) {
  validateString(content, "content");
  for (let i = 0; i < content.length; i++) {
    if (StringPrototypeCharCodeAt(content, i) > 0xff) return false;
  }
  return true;
}

// Arguments are looked at before it is said that there is nothing of the heap.
function validateSnapshot(options) {
  validateObject(options, "options");
  const { exposeInternals = false, exposeNumericValues = false } = options;
  validateBoolean(exposeInternals, "options.exposeInternals");
  validateBoolean(exposeNumericValues, "options.exposeNumericValues");
}

function getHeapSnapshot(options = { __proto__: null }) {
  validateSnapshot(options);
  throw failure("v8.getHeapSnapshot");
}

function writeHeapSnapshot(filename = undefined, options = { __proto__: null }) {
  if (filename !== undefined) validateString(filename, "filename");
  validateSnapshot(options);
  throw failure("v8.writeHeapSnapshot");
}

function setHeapSnapshotNearHeapLimit(limit) {
  validateUint32(limit, "limit", true);
  throw failure("v8.setHeapSnapshotNearHeapLimit");
}

function queryObjects(constructor, options = { __proto__: null }) {
  validateFunction(constructor, "constructor");
  validateObject(options, "options");
  if (options.format !== undefined) validateOneOf(options.format, "options.format", ["count", "summary"]);
  throw failure("v8.queryObjects");
}

function getCppHeapStatistics(type = "detailed") {
  validateOneOf(type, "type", ["brief", "detailed"]);
  return { committed_size_bytes: 0, resident_size_bytes: 0, used_size_bytes: 0, space_statistics: [], type_names: [], detail_level: type };
}

class GCProfiler {
  start() {
    throw failure("v8.GCProfiler.start");
  }

  stop() {
    throw failure("v8.GCProfiler.stop");
  }
}

const STATISTICS =
  "total_heap_size total_heap_size_executable total_physical_size total_available_size used_heap_size heap_size_limit malloced_memory peak_malloced_memory " +
  "does_zap_garbage number_of_native_contexts number_of_detached_contexts total_global_handles_size used_global_handles_size external_memory";
const CODE_STATISTICS = "code_and_metadata_size bytecode_and_metadata_size external_script_source_size cpu_profiler_metadata_size";
const SPACE = "space_size space_used_size space_available_size physical_space_size";
const SPACES = "read_only_space new_space old_space code_space shared_space trusted_space new_large_object_space large_object_space code_large_object_space shared_large_object_space trusted_large_object_space";

function nothing(names, more = undefined) {
  const made = { ...more };
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => made[name] = 0);
  return made;
}

const v8 = {
  cachedDataVersionTag: () => 0,
  deserialize,
  GCProfiler,
  getCppHeapStatistics,
  getHeapCodeStatistics: () => nothing(CODE_STATISTICS),
  getHeapSpaceStatistics: () => ArrayPrototypeMap(StringPrototypeSplit(SPACES, " "), (space_name) => nothing(SPACE, { space_name })),
  getHeapSnapshot,
  getHeapStatistics: () => nothing(STATISTICS),
  isStringOneByteRepresentation,
  promiseHooks: {
    createHook: unavailable("v8.promiseHooks.createHook"),
    onAfter: unavailable("v8.promiseHooks.onAfter"),
    onBefore: unavailable("v8.promiseHooks.onBefore"),
    onInit: unavailable("v8.promiseHooks.onInit"),
    onSettled: unavailable("v8.promiseHooks.onSettled"),
  },
  queryObjects,
  serialize,
  // Flags are the process's, which is not the worker's.
  setFlagsFromString: (flags) => validateString(flags, "flags"),
  setHeapSnapshotNearHeapLimit,
  startupSnapshot: {
    addAfterUserSerializeDeserializeSnapshot: unavailable("v8.startupSnapshot.addAfterUserSerializeDeserializeSnapshot"),
    addDeserializeCallback: unavailable("v8.startupSnapshot.addDeserializeCallback"),
    addSerializeCallback: unavailable("v8.startupSnapshot.addSerializeCallback"),
    isBuildingSnapshot: () => false,
    setDeserializeMainFunction: unavailable("v8.startupSnapshot.setDeserializeMainFunction"),
  },
  stopCoverage: () => {},
  takeCoverage: () => {},
  writeHeapSnapshot,
};
const NAMES = "DefaultDeserializer DefaultSerializer Deserializer Serializer";
ArrayPrototypeForEach(StringPrototypeSplit(NAMES, " "), (name) => v8[name] = unavailable(`v8.${name}`));

return { default: v8, ...v8 };
})();
