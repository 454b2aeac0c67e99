// `Date` by the isolate's own clock, which stands still while a script computes.
(function () {
const { core, primordials } = __bootstrap;
const { op_clock_now } = core.ops;
const {
  Date,
  DatePrototype,
  DatePrototypeToString,
  FunctionPrototypeCall,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  Proxy,
  ReflectConstruct,
  WeakMap,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;

function now() {
  return op_clock_now();
}

function method(object, name, value) {
  ObjectDefineProperty(object, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
}

// A proxy is a function to every check there is, and its prototype and statics are the real ones.
const ClockDate = new Proxy(Date, {
  __proto__: null,
  apply: () => DatePrototypeToString(new Date(now())),
  construct: (target, args, newTarget) =>
    ReflectConstruct(target, args.length === 0 ? [now()] : args, newTarget === ClockDate ? target : newTarget),
});

// Formatters that are given no date take the present one.
function wrapFormats() {
  const { prototype } = Intl.DateTimeFormat;
  const { formatToParts } = prototype;
  method(prototype, "formatToParts", {
    formatToParts(date) {
      return FunctionPrototypeCall(formatToParts, this, date === undefined ? now() : date);
    },
  }.formatToParts);
  const { get } = ObjectGetOwnPropertyDescriptor(prototype, "format");
  const bound = new WeakMap();
  const getter = {
    get format() {
      const format = FunctionPrototypeCall(get, this);
      let own = WeakMapPrototypeGet(bound, format);
      if (own === undefined) {
        own = { own: (date) => format(date === undefined ? now() : date) }.own;
        ObjectDefineProperty(own, "name", { __proto__: null, value: "", configurable: true });
        WeakMapPrototypeSet(bound, format, own);
      }
      return own;
    },
  };
  ObjectDefineProperty(prototype, "format", {
    __proto__: null,
    get: ObjectGetOwnPropertyDescriptor(getter, "format").get,
    enumerable: false,
    configurable: true,
  });
}

function defineDate() {
  method(Date, "now", { now() { return op_clock_now(); } }.now);
  method(DatePrototype, "constructor", ClockDate);
  ObjectDefineProperty(globalThis, "Date", {
    __proto__: null,
    value: ClockDate,
    writable: true,
    enumerable: false,
    configurable: true,
  });
  wrapFormats();
}

return { defineDate };
})();
