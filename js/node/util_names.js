// Names of `node:util` that later versions of Node have taken away: https://nodejs.org/docs/latest-v22.x/api/util.html#deprecated-apis
(function () {
const { core, primordials } = __bootstrap;
const { Error, ObjectDefineProperty, ObjectEntries, ObjectPrototypeIsPrototypeOf, ObjectPrototypeToString } = primordials;

const isObject = (value) => value !== null && typeof value === "object";

// What each is in the place of, and the number of its deprecation.
const OLD = {
  __proto__: null,
  isBoolean: [(value) => typeof value === "boolean", '`typeof arg === "boolean"`', 45],
  isBuffer: [(value) => core.loadExtScript("ext:deno_node/internal/buffer.mjs").Buffer.isBuffer(value), "`Buffer.isBuffer()`", 46],
  isDate: [(value) => core.isDate(value), "`arg instanceof Date`", 47],
  isError: [
    (value) => ObjectPrototypeToString(value) === "[object Error]" || ObjectPrototypeIsPrototypeOf(Error.prototype, value),
    '`ObjectPrototypeToString(e) === "[object Error]" || e instanceof Error`',
    48,
  ],
  isFunction: [(value) => typeof value === "function", '`typeof arg === "function"`', 49],
  isNull: [(value) => value === null, "`arg === null`", 50],
  isNullOrUndefined: [(value) => value === null || value === undefined, "`arg === null || arg === undefined`", 51],
  isNumber: [(value) => typeof value === "number", '`typeof arg === "number"`', 52],
  isObject: [isObject, '`arg !== null && typeof arg === "object"`', 53],
  isPrimitive: [(value) => !isObject(value) && typeof value !== "function", '`(typeof arg !== "object" && typeof arg !== "function") || arg === null`', 54],
  isRegExp: [(value) => core.isRegExp(value), "`arg instanceof RegExp`", 55],
  isString: [(value) => typeof value === "string", '`typeof arg === "string"`', 56],
  isSymbol: [(value) => typeof value === "symbol", '`typeof arg === "symbol"`', 57],
  isUndefined: [(value) => value === undefined, "`arg === undefined`", 58],
};

// The name of an error of the system's by its number, in Node's form.
function errnoException(util, number, syscall, original) {
  const code = util.getSystemErrorName(number);
  const error = new Error(original ? `${syscall} ${code} ${original}` : `${syscall} ${code}`);
  error.errno = number;
  error.code = code;
  error.syscall = syscall;
  return error;
}

function exceptionWithHostPort(util, number, syscall, address, port, additional) {
  const place = port > 0 ? ` ${address}:${port}` : address ? ` ${address}` : "";
  const error = errnoException(util, number, syscall);
  error.message += `${place}${additional ? ` - Local (${additional})` : ""}`;
  error.address = address;
  if (port) error.port = port;
  return error;
}

function complete(util) {
  const entries = ObjectEntries(OLD);
  for (let i = 0; i < entries.length; i++) {
    const { 0: name, 1: { 0: test, 1: instead, 2: number } } = entries[i];
    util[name] ??= util.deprecate(test, `The \`util.${name}\` API is deprecated.  Please use ${instead} instead.`, `DEP00${number}`);
  }
  util._errnoException ??= (number, syscall, original) => errnoException(util, number, syscall, original);
  util._exceptionWithHostPort ??= (...args) => exceptionWithHostPort(util, ...args);
  // No value is one of a machine's.
  const { types } = util;
  if (types.isExternal === undefined) ObjectDefineProperty(types, "isExternal", { __proto__: null, value: () => false, writable: true, enumerable: true, configurable: true });
  return util;
}

return { complete };
})();
