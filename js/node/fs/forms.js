// The three forms of a call. What a call gives is `(...arguments) => run`: arguments are judged at once, and `run()` does the work, at once or, for
// callbacks and promises, in a tick of the same event.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, Promise, ReflectApply } = primordials;
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { customPromisifyArgs } = core.loadExtScript("ext:deno_node/internal/util.mjs");

function named(form, name, length) {
  ObjectDefineProperty(form, "name", { __proto__: null, value: name, configurable: true });
  ObjectDefineProperty(form, "length", { __proto__: null, value: length, configurable: true });
  return form;
}

// What the caller does in its own next tick, an abort say, comes first.
const soon = (run) => nextTick(() => nextTick(run));

function later(run, callback, results = undefined) {
  soon(() => {
    let value;
    try {
      value = run();
    } catch (error) {
      if (results === undefined) return callback(error);
      const { 0: count, 1: buffer } = results(0);
      return callback(error, count, buffer);
    }
    if (results !== undefined) {
      const { 0: count, 1: buffer } = results(value);
      return callback(null, count, buffer);
    }
    if (core.isPromise(value)) return void settle(value, callback);
    if (value === undefined) return callback(null);
    callback(null, value);
  });
}

async function settle(promise, callback) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    nextTick(callback, error);
    return;
  }
  if (value === undefined) nextTick(callback, null);
  else nextTick(callback, null, value);
}

const tick = () => new Promise(soon);

const sync = (name, call, length) => named((...given) => ReflectApply(call, undefined, given)(), name, length);

// `required` arguments are there in any case, and at most `optional` ones between them and the callback.
function callback(name, call, required, optional = 0, as = "cb") {
  const form = (...given) => {
    let at = required + optional;
    for (let i = required; i < at; i++) {
      if (typeof given[i] === "function") at = i;
    }
    const done = given[at];
    given.length = at < given.length ? at : given.length;
    const run = ReflectApply(call, undefined, given);
    validateFunction(done, as);
    later(run, done);
  };
  return named(form, name, required + optional + 1);
}

function promise(name, call, length) {
  const form = async (...given) => {
    const run = ReflectApply(call, undefined, given);
    await tick();
    return run();
  };
  return named(form, name, length);
}

// What `util.promisify()` makes of a callback with several results.
function results(form, names) {
  ObjectDefineProperty(form, customPromisifyArgs, { __proto__: null, value: names });
  return form;
}

return { callback, later, named, promise, results, sync, tick };
})();
