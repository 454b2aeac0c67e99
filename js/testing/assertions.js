// What `t.assert` has: node:assert's functions, snapshots, and what a file registers.
(function () {
const { core } = __bootstrap;
const { assert } = core.loadExtScript("ext:workerd_lite/testing/assert.js");
const snapshots = core.loadExtScript("ext:workerd_lite/testing/snapshot.js");
const { needFunction, needString } = core.loadExtScript("ext:workerd_lite/testing/validate.js");

const own = new Map();

// https://nodejs.org/api/test.html#assertregistername-fn
function register(name, fn) {
  needString(name, "name");
  needFunction(fn, "fn");
  own.set(name, fn);
}

// Each is called with the test's context as its receiver.
function assertions() {
  const all = new Map();
  for (const [name, check] of Object.entries(assert)) {
    if (typeof check === "function" && !["AssertionError", "default", "strict"].includes(name)) all.set(name, check);
  }
  for (const [name, check] of Object.entries(snapshots.assertions)) {
    all.set(name, function (...args) {
      return check(this, ...args);
    });
  }
  return [...all, ...own];
}

return { assertions, register };
})();
