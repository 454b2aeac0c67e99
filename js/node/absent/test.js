// https://nodejs.org/docs/latest-v22.x/api/test.html in agents: nothing runs tests there. Functions and properties can be mocked, as on Workers.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, ObjectAssign, StringPrototypeSplit } = primordials;
const { MockFunctionContext } = core.loadExtScript("ext:workerd_lite/testing/mock_function.js");
const { MockTracker: Whole } = core.loadExtScript("ext:workerd_lite/testing/mock.js");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const WHY = "it is there in files of tests, which workerd-lite test runs";

function members(prefix, names) {
  const made = {};
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => made[name] = unavailable(`${prefix}.${name}`, WHY));
  return made;
}

const timers = members("test.mock.timers", "enable reset runAll setTime tick");

class MockTracker extends Whole {
  get timers() {
    return timers;
  }

  module() {
    throw failure("test.mock.module", undefined, WHY);
  }
}

function test() {
  const made = unavailable("test.test", WHY);
  ObjectAssign(made, members("test", "after afterEach before beforeEach describe expectFailure it only run skip suite todo"), {
    MockFunctionContext,
    MockTracker,
    assert: members("test.assert", "register"),
    mock: new MockTracker(),
    snapshot: members("test.snapshot", "setDefaultSnapshotSerializers setResolveSnapshotPath"),
    test: made,
  });
  return made;
}

return { reporters: () => members("test/reporters", "dot junit lcov spec tap"), test };
})();
