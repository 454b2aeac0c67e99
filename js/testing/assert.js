// node:assert: https://nodejs.org/api/assert.html
(function () {
const { core } = __bootstrap;
const { inspect } = core.loadExtScript("ext:deno_web/01_console.js");
const { deepEqual: compare } = core.loadExtScript("ext:workerd_lite/testing/deep_equal.js");

const show = (value) => (typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 8, sorted: true, compact: false, iterableLimit: 200 }));

class AssertionError extends Error {
  constructor(options) {
    if (typeof options !== "object" || options === null) {
      throw typeError(`The "options" argument must be of type object. Received ${show(options)}`);
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
  equal: "Expected values to be loosely equal:",
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notEqual: 'Expected "actual" to be loosely unequal to:',
};

function describe(actual, expected, operator) {
  if (operator === undefined || words[operator] === undefined) return operator === "fail" ? "Failed" : `${show(actual)} ${operator} ${show(expected)}`;
  if (operator.startsWith("not")) return `${words[operator]}\n\n${show(actual)}\n`;
  const [left, right] = [show(actual), show(expected)];
  if (!left.includes("\n") && !right.includes("\n")) return `${words[operator]}\n\n${left} !== ${right}\n`;
  return `${words[operator]}\n+ actual - expected\n\n${diff(left.split("\n"), right.split("\n")).join("\n")}\n`;
}

// The shortest edit by the longest common subsequence; texts that are too long for it are shown one after the other.
function diff(actual, expected) {
  if (actual.length * expected.length > 1_000_000) return [...actual.map((line) => `+ ${line}`), ...expected.map((line) => `- ${line}`)];
  const table = Array.from({ length: actual.length + 1 }, () => new Uint32Array(expected.length + 1));
  for (let i = actual.length - 1; i >= 0; i--) {
    for (let j = expected.length - 1; j >= 0; j--) {
      table[i][j] = actual[i] === expected[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < actual.length || j < expected.length) {
    if (i < actual.length && j < expected.length && actual[i] === expected[j]) {
      lines.push(`  ${actual[i++]}`);
      j++;
    } else if (i < actual.length && (j === expected.length || table[i + 1][j] >= table[i][j + 1])) {
      lines.push(`+ ${actual[i++]}`);
    } else {
      lines.push(`- ${expected[j++]}`);
    }
  }
  return lines;
}

function typeError(message, code = "ERR_INVALID_ARG_TYPE") {
  return Object.assign(new TypeError(message), { code });
}

function fail(message, details) {
  if (message instanceof Error) throw message;
  throw new AssertionError({ ...details, message });
}

function needTwo(count) {
  if (count < 2) throw typeError('The "actual" and "expected" arguments must be specified', "ERR_MISSING_ARGS");
}

// `operator(actual, expected, message)`, by a predicate.
function operator(name, holds) {
  const check = function (actual, expected, message) {
    needTwo(arguments.length);
    if (!holds(actual, expected)) fail(message, { actual, expected, operator: name, stackStartFn: check });
  };
  Object.defineProperty(check, "name", { value: name });
  return check;
}

const looseEqual = (a, b) => a == b || (a !== a && b !== b);

function ok(value, message) {
  if (value) return;
  if (arguments.length === 0) message = "No value argument passed to `assert.ok()`";
  const generated = message === undefined;
  if (message instanceof Error) throw message;
  const error = new AssertionError({
    message: message ?? "The expression evaluated to a falsy value", actual: value, expected: true, operator: "==", stackStartFn: ok,
  });
  error.generatedMessage = generated;
  throw error;
}

// Whether a thrown value is what was expected: a class, a RegExp, a predicate or an object of properties.
function matchThrown(thrown, expected, message, stackStartFn) {
  if (expected === undefined) return;
  const details = { actual: thrown, expected, operator: stackStartFn.name, stackStartFn };
  if (typeof expected === "function") {
    if (expected.prototype !== undefined && thrown instanceof expected) return;
    if (expected === Error || Object.prototype.isPrototypeOf.call(Error, expected)) {
      fail(message ?? `The error is expected to be an instance of "${expected.name}". Received "${thrown?.constructor?.name ?? thrown}"\n\nError message:\n\n${thrown?.message}`, details);
    }
    if (Reflect.apply(expected, {}, [thrown]) === true) return;
    fail(message ?? `The ${expected.name ? `"${expected.name}" ` : ""}validation function is expected to return "true".\n\nCaught error:\n\n${show(thrown)}`, details);
  }
  if (expected instanceof RegExp) {
    if (expected.test(String(thrown))) return;
    fail(message ?? `The input did not match the regular expression ${expected}. Input:\n\n${show(String(thrown))}\n`, details);
  }
  if (typeof expected !== "object" || expected === null) throw typeError('The "error" argument must be of type function or an instance of Error, RegExp, or Object');
  const keys = Object.keys(expected);
  if (expected instanceof Error) keys.push("name", "message");
  else if (keys.length === 0) throw typeError("The argument 'error' may not be an empty object. Received {}", "ERR_INVALID_ARG_VALUE");
  if (typeof thrown !== "object" || thrown === null) fail(message, { ...details, operator: "deepStrictEqual" });
  for (const key of keys) {
    const [actual, wanted] = [thrown[key], expected[key]];
    if (typeof actual === "string" && wanted instanceof RegExp ? wanted.test(actual) : key in thrown && compare(actual, wanted, "strict")) continue;
    const pick = (source) => Object.fromEntries(keys.map((name) => [name, source[name]]));
    fail(message, { ...details, actual: pick(thrown), expected: pick(expected), operator: "deepStrictEqual" });
  }
}

const nothing = Symbol("nothing was thrown");

function caught(fn) {
  if (typeof fn !== "function") throw typeError(`The "fn" argument must be of type function. Received ${show(fn)}`);
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
    if (typeof promise?.then !== "function") throw typeError('Expected instance of Promise to be returned from the "promiseFn" function', "ERR_INVALID_RETURN_VALUE");
  } else if (typeof promise?.then !== "function") {
    throw typeError(`The "promiseFn" argument must be of type function or an instance of Promise. Received ${show(promise)}`);
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
  if (typeof expected === "string") [expected, message] = [undefined, expected];
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
  fail(`Got unwanted ${what}${message ? `: ${message}` : "."}\nActual message: "${thrown?.message}"`, { actual: thrown, expected, operator: stackStartFn.name, stackStartFn });
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
  if (!(expression instanceof RegExp)) throw typeError(`The "regexp" argument must be an instance of RegExp. Received ${show(expression)}`);
}

function match(string, expression, message) {
  needRegExp(expression);
  if (typeof string === "string" && expression.test(string)) return;
  const why = typeof string === "string" ? `The input did not match the regular expression ${expression}. Input:\n\n${show(string)}\n` : `The "string" argument must be of type string. Received ${show(string)}`;
  fail(message ?? why, { actual: string, expected: expression, operator: "match", stackStartFn: match });
}

function doesNotMatch(string, expression, message) {
  needRegExp(expression);
  if (typeof string !== "string") fail(message ?? `The "string" argument must be of type string. Received ${show(string)}`, { actual: string, expected: expression, operator: "doesNotMatch", stackStartFn: doesNotMatch });
  if (expression.test(string)) fail(message ?? `The input was expected to not match the regular expression ${expression}. Input:\n\n${show(string)}\n`, { actual: string, expected: expression, operator: "doesNotMatch", stackStartFn: doesNotMatch });
}

function ifError(value) {
  if (value === null || value === undefined) return;
  const text = typeof value === "object" && typeof value.message === "string" ? value.message || value.constructor?.name : show(value);
  fail(`ifError got unwanted exception: ${text}`, { actual: value, expected: null, operator: "ifError", stackStartFn: ifError });
}

function failAlways(message) {
  fail(message ?? "Failed", { operator: "fail", stackStartFn: failAlways });
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

return { assert: exportsOf(assert), inspect: show, strict: exportsOf(strict) };
})();
