// Words for a thrown value, whatever its getters do.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototypeIncludes,
  ArrayPrototypePush,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  ObjectKeys,
  String,
  StringPrototypeSlice,
} = primordials;

// How much is told of an error: of its causes, of the errors that it sums up, of its properties, and of each of these in characters.
const MOST_CAUSES = 8;
const MOST_ERRORS = 8;
const MOST_PROPERTIES = 16;
const MOST_OF_PROPERTY = 1024;
const MOST_OF_STACK = 32768;

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

function describe(thrown) {
  let summary = "an exception that can not be described";
  let stack = "";
  try {
    summary = String(thrown);
    if (typeof thrown === "object" && thrown !== null && typeof thrown.stack === "string") stack = thrown.stack;
  } catch {
    // The text above stands.
  }
  return { summary, stack };
}

function cut(text, most) {
  return text.length > most ? `${StringPrototypeSlice(text, 0, most)}\u2026` : text;
}

function inspected(value) {
  const { inspect } = core.loadExtScript("ext:deno_web/01_console.js");
  return cut(inspect(value, { __proto__: null, colors: false, depth: 4 }), MOST_OF_STACK);
}

// What an author or a library has put beside an error's message: its `code`, mostly. No getter is called.
function properties(error) {
  let text = "";
  const keys = ObjectKeys(error);
  for (let i = 0, told = 0; i < keys.length && told < MOST_PROPERTIES; i++) {
    const key = keys[i];
    if (key === "stack" || key === "message" || key === "name") continue;
    const value = ObjectGetOwnPropertyDescriptor(error, key)?.value;
    if (value === undefined || value === null || isObject(value) || typeof value === "symbol") continue;
    text += `\n  ${cut(key, MOST_OF_PROPERTY)}: ${cut(inspected(value), MOST_OF_PROPERTY)}`;
    told++;
  }
  return text;
}

// `left` bounds all that is told of one value, however its causes are nested.
function told(value, left) {
  if (!isObject(value)) return String(value);
  if (ArrayPrototypeIncludes(left.told, value)) return "[Circular]";
  ArrayPrototypePush(left.told, value);
  if (typeof value.stack !== "string") return inspected(value);
  let text = cut(value.stack || String(value), MOST_OF_STACK) + properties(value);
  if (ArrayIsArray(value.errors)) {
    const { errors } = value;
    for (let i = 0; i < errors.length && i < MOST_ERRORS && left.count > 0; i++) {
      left.count--;
      text += `\nerrors[${i}]: ${told(errors[i], left)}`;
    }
    if (errors.length > MOST_ERRORS) text += `\n\u2026 ${errors.length - MOST_ERRORS} more errors`;
  }
  if (ObjectHasOwn(value, "cause") && value.cause !== undefined && left.count > 0) {
    left.count--;
    text += `\ncaused by: ${told(value.cause, left)}`;
  }
  return text;
}

// The same for who is to mend it: what the error was caused by, the errors that it sums up and its code stand behind its own stack, and a thrown
// object that is no error is shown as the console shows it.
function describeWhole(thrown) {
  const { summary, stack } = describe(thrown);
  try {
    if (isObject(thrown)) return { summary, stack: told(thrown, { __proto__: null, count: MOST_CAUSES, told: [] }) };
  } catch {
    // What could be read of it stands.
  }
  return { summary, stack };
}

return { describe, describeWhole };
})();
