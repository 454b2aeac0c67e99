// Timers of objects of others, deprecated since Node 10: `_onTimeout()` is called when `active()` was, `_idleTimeout` ago.
(function () {
const { core, primordials } = __bootstrap;
const { SafeWeakMap, WeakMapPrototypeDelete, WeakMapPrototypeGet, WeakMapPrototypeSet } = primordials;

function enrolling(Timeout, LONGEST, checkOverflow) {
  const enrolled = new SafeWeakMap();
  const told = { __proto__: null };

  function deprecated(name, code) {
    if (told[name]) return;
    told[name] = true;
    const text = `timers.${name}() is deprecated.${name === "unenroll" ? " Please use clearTimeout instead." : " Please use setTimeout instead."}`;
    core.loadExtScript("ext:workerd_lite/node/process.js").emitWarning(text, "DeprecationWarning", code);
  }

  function stop(item) {
    const timer = WeakMapPrototypeGet(enrolled, item);
    if (timer !== undefined) Timeout.clear(timer);
    WeakMapPrototypeDelete(enrolled, item);
  }

  function start(item) {
    if (Timeout.is(item)) return void item.refresh();
    stop(item);
    item._idleStart = core.ops.op_clock_now();
    if (!(item._idleTimeout >= 0)) return;
    const run = () => {
      WeakMapPrototypeDelete(enrolled, item);
      if (typeof item._onTimeout === "function") item._onTimeout();
    };
    WeakMapPrototypeSet(enrolled, item, new Timeout(run, item._idleTimeout, [], false));
  }

  function enroll(item, after) {
    deprecated("enroll", "DEP0095");
    core.loadExtScript("ext:deno_node/internal/validators.mjs").validateNumber(after, "msecs");
    if (!(after >= 0 && after < Infinity)) {
      const { ERR_OUT_OF_RANGE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
      throw new ERR_OUT_OF_RANGE("msecs", "a non-negative finite number", after);
    }
    checkOverflow(after);
    if (Timeout.is(item)) Timeout.clear(item);
    else stop(item);
    item._idleTimeout = after > LONGEST ? LONGEST : after;
  }

  function unenroll(item) {
    deprecated("unenroll", "DEP0096");
    if (Timeout.is(item)) Timeout.clear(item);
    else stop(item);
    item._idleTimeout = -1;
  }

  function active(item) {
    deprecated("active", "DEP0126");
    start(item);
  }

  function unrefActive(item) {
    deprecated("_unrefActive", "DEP0127");
    start(item);
    WeakMapPrototypeGet(enrolled, item)?.unref();
  }

  return { active, enroll, unenroll, unrefActive };
}

return { enrolling };
})();
