// deno_core's stubs of async ops call `originalOp.call(this, id, ...)`. An author may replace `Function.prototype.call`, and would be
// given the op itself: each op has a `call` of its own instead, which nobody replaces.
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  FunctionPrototype,
  FunctionPrototypeToString,
  ObjectAssign,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  ReflectApply,
  ReflectDeleteProperty,
  ReflectOwnKeys,
  SafeArrayIterator,
  SafeSet,
  SetPrototypeAdd,
  SetPrototypeHas,
  StringPrototypeStartsWith,
} = primordials;

const property = ObjectGetOwnPropertyDescriptor(FunctionPrototype, "call");

function fix(op) {
  ObjectDefineProperty(op, "call", { __proto__: null, value: property.value });
}

function isStub(value) {
  return typeof value === "function" && StringPrototypeStartsWith(FunctionPrototypeToString(value), "function async_op_");
}

// Calls a stub, and gives the op that it passes to `Function.prototype.call`, if it does.
function opOf(stub) {
  let found;
  const call = function () {
    found = this;
    // The stub gives a promise of it, and makes none of its own.
    return null;
  };
  ObjectDefineProperty(FunctionPrototype, "call", { ...property, value: call });
  try {
    ReflectApply(stub, undefined, []);
  } finally {
    ObjectDefineProperty(FunctionPrototype, "call", property);
  }
  return found;
}

const fixed = new SafeSet();

function fixStubsOf(object) {
  for (const key of new SafeArrayIterator(ReflectOwnKeys(object))) {
    const value = ObjectGetOwnPropertyDescriptor(object, key).value;
    if (!isStub(value) || SetPrototypeHas(fixed, value)) continue;
    const op = opOf(value);
    if (typeof op !== "function") throw new Error(`the op of ${key} is not found`);
    fix(op);
    SetPrototypeAdd(fixed, value);
  }
}

function fixStubs() {
  const { ops } = core;
  fixStubsOf(ops);
  for (const key of new SafeArrayIterator(ReflectOwnKeys(ops))) {
    const value = ops[key];
    if (typeof value !== "function") continue;
    fixStubsOf(value);
    if (typeof value.prototype === "object" && value.prototype !== null) fixStubsOf(value.prototype);
  }
  // Stubs that are made later: deno_core makes some anew, with fast calls, for what a snapshot holds.
  const { Deno } = globalThis;
  const { setUpAsyncStub } = Deno.core;
  Deno.core = ObjectAssign({ __proto__: null }, Deno.core, {
    setUpAsyncStub(name, op, prototype) {
      fix(op);
      return setUpAsyncStub(name, op, prototype);
    },
  });
}

// At the end of the snapshot. Scripts find ops in a copy, and deno_core looks here for classes alone, which have a prototype: a table of the
// rest would be in each isolate.
function forgetOps() {
  const { ops } = globalThis.Deno.core;
  for (const key of new SafeArrayIterator(ReflectOwnKeys(ops))) {
    const value = ops[key];
    if (typeof value === "function" && !ObjectHasOwn(value, "prototype")) ReflectDeleteProperty(ops, key);
  }
}

return { fixStubs, forgetOps };
})();
