// V8 ends the process where it is to sort more elements than its arrays can hold, which the length of any object may claim.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototype,
  ArrayPrototypePush,
  ArrayPrototypeSort,
  ArrayPrototypeToSorted,
  Object: ToObject,
  ObjectDefineProperty,
  MathMin,
  MathTrunc,
  NumberIsNaN,
  NumberMAX_SAFE_INTEGER,
  RangeError,
  ReflectDeleteProperty,
  ReflectHas,
  TypeError,
} = primordials;
const { isProxy } = core;

// More than any heap of ours holds, and less than V8's arrays can.
const MOST = 2 ** 26;

function lengthOf(object) {
  const length = MathTrunc(+object.length);
  if (NumberIsNaN(length) || length <= 0) return 0;
  if (length > MOST) throw new RangeError("Invalid array length");
  return MathMin(length, NumberMAX_SAFE_INTEGER);
}

// https://tc39.es/ecma262/#sec-sortindexedproperties, with a length that is read once.
function sortObject(object, compare, skipHoles) {
  const length = lengthOf(object);
  const items = [];
  for (let k = 0; k < length; k++) {
    if (!skipHoles || ReflectHas(object, k)) ArrayPrototypePush(items, object[k]);
  }
  ArrayPrototypeSort(items, compare);
  return { items, length };
}

function check(compare) {
  if (compare !== undefined && typeof compare !== "function") {
    throw new TypeError("The comparison function must be either a function or undefined");
  }
}

function isPlain(value) {
  return ArrayIsArray(value) && !isProxy(value) && value.length <= MOST;
}

const methods = {
  sort(compareFn) {
    if (isPlain(this)) return ArrayPrototypeSort(this, compareFn);
    check(compareFn);
    const object = ToObject(this ?? nothing("sort"));
    const { items, length } = sortObject(object, compareFn, true);
    for (let k = 0; k < items.length; k++) put(object, k, items[k]);
    for (let k = items.length; k < length; k++) {
      if (ReflectHas(object, k) && !ReflectDeleteProperty(object, k)) {
        throw new TypeError(`Cannot delete property '${k}'`);
      }
    }
    return object;
  },
  toSorted(compareFn) {
    if (isPlain(this)) return ArrayPrototypeToSorted(this, compareFn);
    check(compareFn);
    return sortObject(ToObject(this ?? nothing("toSorted")), compareFn, false).items;
  },
};

function nothing(name) {
  throw new TypeError(`Array.prototype.${name} called on null or undefined`);
}

function put(object, key, value) {
  "use strict";
  object[key] = value;
}

function defineSorts() {
  const define = (name) =>
    ObjectDefineProperty(ArrayPrototype, name, {
      __proto__: null,
      value: methods[name],
      writable: true,
      enumerable: false,
      configurable: true,
    });
  define("sort");
  define("toSorted");
}

return { defineSorts };
})();
