// node:test's snapshots: https://nodejs.org/api/test.html#snapshot-testing
// The files are read and written by `runtime/testing/snapshots`, in Node's format.
(function () {
const { core } = __bootstrap;
const { assert } = core.loadExtScript("ext:workerd_lite/testing/assert.js");
const { control } = core.loadExtScript("ext:workerd_lite/testing/control.js");
const { invalidState, needFunction, needFunctions, needObject, needString } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

let pathOf = (file) => `${file}.snapshot`;
let defaults = [(value) => JSON.stringify(value, null, 2)];

function setResolveSnapshotPath(fn) {
  needFunction(fn, "fn");
  pathOf = fn;
}

function setDefaultSnapshotSerializers(serializers) {
  needFunctions(serializers, "serializers");
  defaults = [...serializers];
}

function serialized(value, options) {
  needObject(options, "options");
  const { serializers = defaults } = options;
  needFunctions(serializers, "options.serializers");
  try {
    const text = serializers.reduce((input, serializer) => serializer(input), value);
    // A text of what can be none, such as a symbol's, throws.
    return `${text}`;
  } catch (cause) {
    throw invalidState("The provided serializers did not generate a string.", { input: value, cause });
  }
}

function check(told) {
  if (told === null) return;
  if (told.problem !== undefined) throw invalidState(told.problem, { snapshot: told.snapshot, filename: told.filename });
  assert.strictEqual(told.actual, told.expected);
}

// Compares with what the test's file of snapshots has by this test's name, in the order of its calls.
function snapshot(t, value, options = {}) {
  const text = serialized(value, options);
  const path = pathOf(t.filePath);
  if (typeof path !== "string") throw invalidState("Invalid snapshot filename.", { filename: path });
  check(control({ order: "snapshot", path, name: t.fullName, value: `\n${text}\n` }));
}

// Compares with the whole of a file.
function fileSnapshot(_t, value, path, options = {}) {
  needString(path, "path");
  check(control({ order: "snapshot", path, name: null, value: serialized(value, options) }));
}

return { assertions: { fileSnapshot, snapshot }, snapshot: { setDefaultSnapshotSerializers, setResolveSnapshotPath } };
})();
