// What V8 keeps of the language's data for an object of Intl is neither in its heap nor counted, and is tens of kibibytes. So
// each has a counting buffer.
(function () {
const { core, primordials } = __bootstrap;
const {
  ReflectApply,
  ReflectConstruct,
  ReflectOwnKeys,
  SafeArrayIterator,
  StringPrototypeCharCodeAt,
} = primordials;

const BYTES = 1 << 16;

function defineIntl() {
  const { count, wrapConstructor } = core.loadExtScript("ext:workerd_lite/worker/external_memory.js");
  const accompany = (object) => {
    count(object, BYTES);
    return object;
  };
  const traps = {
    __proto__: null,
    apply: (target, self, args) => accompany(ReflectApply(target, self, args)),
    construct: (target, args, newTarget) => accompany(ReflectConstruct(target, args, newTarget)),
  };
  for (const name of new SafeArrayIterator(ReflectOwnKeys(Intl))) {
    const constructor = Intl[name];
    // Constructors begin with a capital letter.
    if (typeof name !== "string" || typeof constructor !== "function" || StringPrototypeCharCodeAt(name, 0) > 90) continue;
    wrapConstructor(Intl, name, traps);
  }
}

return { defineIntl };
})();
