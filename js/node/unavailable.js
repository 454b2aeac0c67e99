// Members of Node's modules that want a machine: they are there, and throw when they are called.
(function () {
const { primordials } = __bootstrap;
const { Error, ObjectDefineProperty, StringPrototypeLastIndexOf, StringPrototypeSlice } = primordials;

function failure(name, code = "ERR_METHOD_NOT_IMPLEMENTED", why = "workers have no machine beneath them") {
  const error = new Error(`${name} is not implemented in workerd-lite: ${why}`);
  ObjectDefineProperty(error, "code", { __proto__: null, value: code, writable: true, enumerable: true, configurable: true });
  return error;
}

// A function or class of this name.
function unavailable(name, why = undefined) {
  const fail = function () {
    throw failure(name, undefined, why);
  };
  ObjectDefineProperty(fail, "name", { __proto__: null, value: StringPrototypeSlice(name, StringPrototypeLastIndexOf(name, ".") + 1), configurable: true });
  return fail;
}

return { failure, unavailable };
})();
