// What Node's functions say of arguments that they do not take: https://nodejs.org/api/errors.html#nodejs-error-codes
(function () {
const { core } = __bootstrap;
const { inspect } = core.loadExtScript("ext:deno_web/01_console.js");

const coded = (error, code) => Object.assign(error, { code });

function received(value) {
  if (value === null || value === undefined) return `${value}`;
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value === "object") return value.constructor?.name ? `an instance of ${value.constructor.name}` : inspect(value, { depth: -1 });
  return `type ${typeof value} (${inspect(value).slice(0, 28)})`;
}

function invalidType(name, expected, value) {
  const what = name.includes(".") ? "property" : "argument";
  return coded(new TypeError(`The "${name}" ${what} must be ${expected}. Received ${received(value)}`), "ERR_INVALID_ARG_TYPE");
}

function invalidValue(name, value, reason = "is invalid") {
  const what = name.includes(".") ? "property" : "argument";
  return coded(new TypeError(`The ${what} '${name}' ${reason}. Received ${inspect(value)}`), "ERR_INVALID_ARG_VALUE");
}

function invalidState(message, more = {}) {
  return Object.assign(coded(new Error(`Invalid state: ${message}`), "ERR_INVALID_STATE"), more);
}

function needFunction(value, name) {
  if (typeof value !== "function") throw invalidType(name, "of type function", value);
}

function needObject(value, name) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidType(name, "of type object", value);
}

function needBoolean(value, name) {
  if (typeof value !== "boolean") throw invalidType(name, "of type boolean", value);
}

function needString(value, name) {
  if (typeof value !== "string") throw invalidType(name, "of type string", value);
}

function needNumber(value, name) {
  if (typeof value !== "number") throw invalidType(name, "of type number", value);
}

function needInteger(value, name, least = Number.MIN_SAFE_INTEGER) {
  needNumber(value, name);
  const range = Number.isInteger(value) ? `>= ${least} && <= ${Number.MAX_SAFE_INTEGER}` : "an integer";
  if (Number.isSafeInteger(value) && value >= least) return;
  throw coded(new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`), "ERR_OUT_OF_RANGE");
}

function needFunctions(values, name) {
  if (!Array.isArray(values)) throw invalidType(name, "an instance of Array", values);
  for (const [index, value] of values.entries()) needFunction(value, `${name}[${index}]`);
}

function needKey(value, name) {
  if (typeof value !== "string" && typeof value !== "symbol") throw invalidType(name, "one of type string or symbol", value);
}

return {
  invalidState, invalidType, invalidValue, needBoolean, needFunction, needFunctions, needInteger, needKey, needNumber, needObject, needString,
};
})();
