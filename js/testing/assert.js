// node:assert: https://nodejs.org/api/assert.html
(function () {
const { core } = __bootstrap;
const { inspect } = core.loadExtScript("ext:deno_web/01_console.js");
const { deepEqual: compare } = core.loadExtScript("ext:workerd_lite/testing/deep_equal.js");
const { diff } = core.loadExtScript("ext:workerd_lite/testing/diff.js");

const SHOWN = { depth: 1000, sorted: true, compact: false, iterableLimit: Infinity, strAbbreviateSize: Infinity, quotes: ["'", '"', "`"] };

// A value as Node.js shows it. Where an error was made says nothing of what it is.
function show(value) {
  if (value instanceof Error) return `[${String(value)}]`;
  return inspect(value, SHOWN).replace(/\n\s+at .*(?=\n|$)/g, "");
}

const isPrimitive = (value) => (typeof value !== "object" && typeof value !== "function") || value === null;
// Longer ones are shown one below the other.
const ONE_LINE = 80;

class AssertionError extends Error {
  constructor(options) {
    if (typeof options !== "object" || options === null) {
      throw typeError(`The "options" argument must be of type object. Received ${received(options)}`);
    }
    const { message, actual, expected, operator } = options;
    super(message === undefined ? describe(actual, expected, operator) : String(message));
    this.generatedMessage = message === undefined;
    this.code = "ERR_ASSERTION";
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    if (Error.captureStackTrace) Error.captureStackTrace(this, options.stackStartFn ?? options.stackStartFunction);
  }

  get name() {
    return "AssertionError";
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

const words = {
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  deepEqual: "Expected values to be loosely deep-equal:",
  partialDeepStrictEqual: "Expected values to be partially and strictly deep-equal:",
  strictEqual: "Expected values to be strictly equal:",
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
};

function describe(actual, expected, operator) {
  if (operator === undefined || words[operator] === undefined) return operator === "fail" ? "Failed" : `${show(actual)} ${operator} ${show(expected)}`;
  if (operator.startsWith("not")) return isPrimitive(actual) ? `${words[operator]} ${show(actual)}` : `${words[operator]}\n\n${show(actual)}\n`;
  const texts = typeof actual === "string" && typeof expected === "string" && `${actual}${expected}`.includes("\n");
  // Texts of several lines are compared as such.
  const [left, right] = texts ? [actual, expected] : [show(actual), show(expected)];
  const short = !texts && isPrimitive(actual) && isPrimitive(expected) && left.length + right.length < ONE_LINE;
  if (short) return `${words[operator]}\n\n${left} !== ${right}\n`;
  if (left === right && !isPrimitive(actual)) return `Values have same structure but are not reference-equal:\n\n${left}\n`;
  return `${words[operator]}\n+ actual - expected\n\n${diff(left.split("\n"), right.split("\n")).join("\n")}\n`;
}

function typeError(message, code = "ERR_INVALID_ARG_TYPE") {
  return Object.assign(new TypeError(message), { code });
}

// `usual` is the message without one of the author's.
function fail(message, details, usual = undefined) {
  if (message instanceof Error) throw message;
  const error = new AssertionError({ ...details, message: message ?? usual });
  error.generatedMessage = message === undefined;
  throw error;
}

function received(value) {
  return isPrimitive(value) && value !== null && value !== undefined ? `type ${typeof value} (${show(value)})` : show(value);
}

function needTwo(count) {
  if (count < 2) throw typeError('The "actual" and "expected" arguments must be specified', "ERR_MISSING_ARGS");
}

const symbols = { __proto__: null, equal: "==", notEqual: "!=" };

// `operator(actual, expected, message)`, by a predicate.
function operator(name, holds) {
  const check = function (actual, expected, message) {
    needTwo(arguments.length);
    if (!holds(actual, expected)) fail(message, { actual, expected, operator: symbols[name] ?? name, stackStartFn: check });
  };
  Object.defineProperty(check, "name", { value: name });
  return check;
}

const looseEqual = (a, b) => a == b || (a !== a && b !== b);

function ok(value, message) {
  if (value) return;
  const usual = arguments.length === 0 ? "No value argument passed to `assert.ok()`" : "The expression evaluated to a falsy value";
  fail(message, { actual: value, expected: true, operator: "==", stackStartFn: ok }, usual);
}

// Whether a thrown value is what was expected: a class, a RegExp, a predicate or an object of properties.
function matchThrown(thrown, expected, message, stackStartFn) {
  if (expected === undefined) return;
  const details = { actual: thrown, expected, operator: stackStartFn.name, stackStartFn };
  if (typeof expected === "function") {
    if (expected.prototype !== undefined && thrown instanceof expected) return;
    if (expected === Error || Object.prototype.isPrototypeOf.call(Error, expected)) {
      fail(message, details, `The error is expected to be an instance of "${expected.name}". Received "${thrown?.constructor?.name ?? thrown}"\n\nError message:\n\n${thrown?.message}`);
    }
    const answer = Reflect.apply(expected, {}, [thrown]);
    if (answer === true) return;
    fail(message, details, `The ${expected.name ? `"${expected.name}" ` : ""}validation function is expected to return "true". Received ${show(answer)}\n\nCaught error:\n\n${show(thrown)}`);
  }
  if (expected instanceof RegExp) {
    if (expected.test(String(thrown))) return;
    fail(message, details, `The input did not match the regular expression ${expected}. Input:\n\n${show(String(thrown))}\n`);
  }
  if (typeof expected !== "object" || expected === null) throw typeError('The "error" argument must be of type function or an instance of Error, RegExp, or Object');
  const keys = Object.keys(expected);
  if (expected instanceof Error) keys.push("name", "message");
  else if (keys.length === 0) throw typeError("The argument 'error' may not be an empty object. Received {}", "ERR_INVALID_ARG_VALUE");
  const different = (actual, wanted) => {
    const usual = describe(actual, wanted, "deepStrictEqual");
    fail(message, details, usual);
  };
  if (typeof thrown !== "object" || thrown === null) different(thrown, expected);
  for (const key of keys) {
    const [actual, wanted] = [thrown[key], expected[key]];
    if (typeof actual === "string" && wanted instanceof RegExp ? wanted.test(actual) : key in thrown && compare(actual, wanted, "strict")) continue;
    // What matches its regular expression is no difference.
    const shown = (name) => (expected[name] instanceof RegExp && typeof thrown[name] === "string" && expected[name].test(thrown[name]) ? thrown[name] : expected[name]);
    const present = keys.filter((name) => name in thrown).map((name) => [name, thrown[name]]);
    different(Object.fromEntries(present), Object.fromEntries(keys.map((name) => [name, shown(name)])));
  }
}

const nothing = Symbol("nothing was thrown");

function caught(fn) {
  if (typeof fn !== "function") throw typeError(`The "fn" argument must be of type function. Received ${received(fn)}`);
  try {
    fn();
  } catch (error) {
    return error;
  }
  return nothing;
}

async function rejected(promise) {
  if (typeof promise === "function") {
    promise = promise();
    if (typeof promise?.then !== "function") throw typeError('Expected instance of Promise to be returned from the "promiseFn" function but got something else.', "ERR_INVALID_RETURN_VALUE");
  } else if (typeof promise?.then !== "function") {
    throw typeError(`The "promiseFn" argument must be of type function or an instance of Promise. Received ${received(promise)}`);
  }
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return nothing;
}

function checkThrown(thrown, expected, message, stackStartFn) {
  // A string in the second place is the message.
  if (typeof expected === "string") {
    if (thrown !== nothing && (thrown?.message === expected || thrown === expected)) {
      const what = thrown === expected ? "error" : "error message";
      throw typeError(`The "error/message" argument is ambiguous. The ${what} "${expected}" is identical to the message.`, "ERR_AMBIGUOUS_ARGUMENT");
    }
    [expected, message] = [undefined, expected];
  }
  if (thrown === nothing) {
    const what = stackStartFn === rejects ? "rejection" : "exception";
    const which = typeof expected === "function" && expected.name ? ` (${expected.name})` : "";
    fail(message instanceof Error ? message : `Missing expected ${what}${which}${message ? `: ${message}` : "."}`, { actual: undefined, expected, operator: stackStartFn.name, stackStartFn });
  }
  matchThrown(thrown, expected, message, stackStartFn);
}

function checkNotThrown(thrown, expected, message, stackStartFn) {
  if (thrown === nothing) return;
  if (typeof expected === "string") [expected, message] = [undefined, expected];
  if (expected !== undefined) {
    const fits = expected instanceof RegExp ? expected.test(String(thrown)) : thrown instanceof expected || (!Object.prototype.isPrototypeOf.call(Error, expected) && expected(thrown) === true);
    if (!fits) throw thrown;
  }
  const what = stackStartFn === doesNotReject ? "rejection" : "exception";
  const text = `Got unwanted ${what}${message ? `: ${message}` : "."}\nActual message: "${thrown?.message}"`;
  fail(message instanceof Error ? message : text, { actual: thrown, expected, operator: stackStartFn.name, stackStartFn });
}

function throws(fn, expected, message) {
  checkThrown(caught(fn), expected, message, throws);
}
function doesNotThrow(fn, expected, message) {
  checkNotThrown(caught(fn), expected, message, doesNotThrow);
}
async function rejects(promise, expected, message) {
  checkThrown(await rejected(promise), expected, message, rejects);
}
async function doesNotReject(promise, expected, message) {
  checkNotThrown(await rejected(promise), expected, message, doesNotReject);
}

function needRegExp(expression) {
  if (!(expression instanceof RegExp)) throw typeError(`The "regexp" argument must be an instance of RegExp. Received ${received(expression)}`);
}

function match(string, expression, message) {
  needRegExp(expression);
  if (typeof string === "string" && expression.test(string)) return;
  const why = typeof string === "string" ? `The input did not match the regular expression ${expression}. Input:\n\n${show(string)}\n` : `The "string" argument must be of type string. Received ${received(string)}`;
  fail(message, { actual: string, expected: expression, operator: "match", stackStartFn: match }, why);
}

function doesNotMatch(string, expression, message) {
  needRegExp(expression);
  const details = { actual: string, expected: expression, operator: "doesNotMatch", stackStartFn: doesNotMatch };
  if (typeof string !== "string") fail(message, details, `The "string" argument must be of type string. Received ${received(string)}`);
  if (expression.test(string)) fail(message, details, `The input was expected to not match the regular expression ${expression}. Input:\n\n${show(string)}\n`);
}

function ifError(value) {
  if (value === null || value === undefined) return;
  const text = typeof value === "object" && typeof value.message === "string" ? value.message || value.constructor?.name : show(value);
  fail(`ifError got unwanted exception: ${text}`, { actual: value, expected: null, operator: "ifError", stackStartFn: ifError });
}

function failAlways(message) {
  fail(message, { operator: "fail", stackStartFn: failAlways }, "Failed");
}

const loose = {
  equal: operator("equal", looseEqual),
  notEqual: operator("notEqual", (a, b) => !looseEqual(a, b)),
  deepEqual: operator("deepEqual", (a, b) => compare(a, b, "loose")),
  notDeepEqual: operator("notDeepEqual", (a, b) => !compare(a, b, "loose")),
};
const always = {
  AssertionError,
  deepStrictEqual: operator("deepStrictEqual", (a, b) => compare(a, b, "strict")),
  doesNotMatch,
  doesNotReject,
  doesNotThrow,
  fail: failAlways,
  ifError,
  match,
  notDeepStrictEqual: operator("notDeepStrictEqual", (a, b) => !compare(a, b, "strict")),
  notStrictEqual: operator("notStrictEqual", (a, b) => !Object.is(a, b)),
  ok,
  partialDeepStrictEqual: operator("partialDeepStrictEqual", (a, b) => compare(a, b, "partial")),
  rejects,
  strictEqual: operator("strictEqual", (a, b) => Object.is(a, b)),
  throws,
};

// `assert` and `assert.strict` are functions that hold all the others.
function make(functions) {
  const assert = (...values) => Reflect.apply(ok, undefined, values);
  return Object.assign(assert, always, functions);
}

const assert = make(loose);
const strict = make({
  equal: always.strictEqual,
  notEqual: always.notStrictEqual,
  deepEqual: always.deepStrictEqual,
  notDeepEqual: always.notDeepStrictEqual,
});
assert.strict = strict;
strict.strict = strict;
const exportsOf = (functions) => ({ ...functions, default: functions });

// What differs, in lines.
const differences = (actual, expected) => diff(show(actual).split("\n"), show(expected).split("\n")).join("\n");

return { assert: exportsOf(assert), differences, inspect: show, strict: exportsOf(strict) };
})();
