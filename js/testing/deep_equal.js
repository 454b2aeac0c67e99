// Deep equality, as node:assert documents it: https://nodejs.org/api/assert.html#assertdeepstrictequalactual-expected-message
// Test files are their author's own code, so plain built-ins are good enough here.
(function () {
const typedArray = Object.getPrototypeOf(Uint8Array);
const tagOf = (value) => Object.prototype.toString.call(value);

function samePrimitive(a, b, strict) {
  if (strict) return Object.is(a, b);
  return a == b || (a !== a && b !== b);
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function ownKeys(value, strict) {
  const keys = Object.keys(value);
  if (!strict) return keys;
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, symbol)) keys.push(symbol);
  }
  return keys;
}

function sameBytes(a, b) {
  if (a.byteLength !== b.byteLength) return false;
  const [x, y] = [new Uint8Array(a.buffer ?? a, a.byteOffset ?? 0, a.byteLength), new Uint8Array(b.buffer ?? b, b.byteOffset ?? 0, b.byteLength)];
  return x.every((byte, index) => byte === y[index]);
}

class Comparison {
  // Pairs under way: a cycle in one must be the same cycle in the other.
  #left = new Map();
  #right = new Map();

  constructor(mode) {
    this.strict = mode !== "loose";
    this.partial = mode === "partial";
  }

  equal(a, b) {
    if (Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) {
      if (typeof a === "function" || typeof b === "function" || isObject(a) || isObject(b)) {
        return !this.strict && !isObject(a) && !isObject(b) && a == b;
      }
      return samePrimitive(a, b, this.strict);
    }
    if (this.strict && !this.partial && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (tagOf(a) !== tagOf(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    if (this.#left.has(a)) return this.#left.get(a) === b;
    if (this.#right.has(b)) return this.#right.get(b) === a;
    this.#left.set(a, b);
    this.#right.set(b, a);
    const same = this.#contents(a, b);
    this.#left.delete(a);
    this.#right.delete(b);
    return same;
  }

  #contents(a, b) {
    if (a instanceof Date && b instanceof Date) {
      if (!Object.is(a.getTime(), b.getTime())) return false;
    } else if (a instanceof RegExp && b instanceof RegExp) {
      if (a.source !== b.source || a.flags !== b.flags || a.lastIndex !== b.lastIndex) return false;
    } else if (a instanceof Error || b instanceof Error) {
      if (!(a instanceof Error && b instanceof Error) || a.name !== b.name || a.message !== b.message) return false;
      if (this.strict && !this.equal(a.cause, b.cause)) return false;
      if (a instanceof AggregateError && !this.equal(a.errors, b.errors)) return false;
    } else if (a instanceof Number || a instanceof String || a instanceof Boolean || tagOf(a) === "[object BigInt]" || tagOf(a) === "[object Symbol]") {
      if (!Object.is(a.valueOf(), b.valueOf())) return false;
    } else if (a instanceof typedArray || a instanceof DataView) {
      return this.#typedArrays(a, b) && this.#properties(a, b);
    } else if (a instanceof ArrayBuffer) {
      if (!sameBytes(a, b)) return false;
    } else if (a instanceof Map) {
      if (!this.#maps(a, b)) return false;
    } else if (a instanceof Set) {
      if (!this.#sets(a, b)) return false;
    } else if (a instanceof WeakMap || a instanceof WeakSet || a instanceof Promise || tagOf(a) === "[object WeakRef]") {
      return false;
    } else if (a instanceof URL) {
      if (a.href !== b.href) return false;
    } else if (Array.isArray(a) && a.length !== b.length && !(this.partial && a.length > b.length)) {
      return false;
    }
    return this.#properties(a, b);
  }

  #typedArrays(a, b) {
    if (a instanceof DataView || this.strict) {
      if (!(a instanceof Float32Array || a instanceof Float64Array)) return sameBytes(a, b);
      return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
    }
    return a.length === b.length && a.every((value, index) => value == b[index]);
  }

  #properties(a, b) {
    const skip = a instanceof typedArray || a instanceof String;
    const filter = (keys) => (skip ? keys.filter((key) => typeof key === "symbol" || !/^\d+$/.test(key)) : keys);
    const [left, right] = [filter(ownKeys(a, this.strict)), filter(ownKeys(b, this.strict))];
    if (this.partial) {
      if (Array.isArray(a)) return this.#partialArray(a, b);
      return right.every((key) => Object.hasOwn(a, key) && this.equal(a[key], b[key]));
    }
    if (left.length !== right.length) return false;
    return left.every((key) => Object.prototype.propertyIsEnumerable.call(b, key) && this.equal(a[key], b[key]));
  }

  // The expected elements, in their order, with others between them.
  #partialArray(a, b) {
    let position = 0;
    return b.every((element) => {
      while (position < a.length) if (this.equal(a[position++], element)) return true;
      return false;
    });
  }

  // Finds for each of `b`'s members one of `a`'s that equals it and is not taken.
  #match(a, b, equal) {
    const left = [...a];
    return [...b].every((member) => {
      const index = left.findIndex((candidate) => equal(candidate, member));
      if (index < 0) return false;
      left.splice(index, 1);
      return true;
    });
  }

  #maps(a, b) {
    if (this.partial ? a.size < b.size : a.size !== b.size) return false;
    const simple = [...b].every(([key, value]) => !isObject(key) && a.has(key) && this.equal(a.get(key), value));
    return simple || this.#match(a, b, ([k, v], [key, value]) => this.equal(k, key) && this.equal(v, value));
  }

  #sets(a, b) {
    if (this.partial ? a.size < b.size : a.size !== b.size) return false;
    return [...b].every((value) => a.has(value)) || this.#match(a, b, (x, y) => this.equal(x, y));
  }
}

const deepEqual = (a, b, mode) => new Comparison(mode).equal(a, b);
return { deepEqual };
})();
