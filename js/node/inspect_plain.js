// What `util.inspect()` says of plain objects and short arrays of plain values with the usual options, as deno's `op_console_format_value` has it, in a
// seventh of the time. Of anything else nothing is said: whoever calls asks that op.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototype,
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  DatePrototype,
  DatePrototypeGetTime,
  DatePrototypeToISOString,
  NumberIsNaN,
  NumberPrototypeToString,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyNames,
  ObjectGetOwnPropertySymbols,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectIs,
  ObjectKeys,
  ObjectPrototype,
  ObjectPrototypePropertyIsEnumerable,
  RegExpPrototypeTest,
  SafeRegExp,
  StringPrototypeCharCodeAt,
  StringPrototypeIncludes,
  StringPrototypePadStart,
  StringPrototypeRepeat,
  StringPrototypeReplace,
  StringPrototypeToUpperCase,
  SymbolFor,
  SymbolPrototypeToString,
  SymbolToStringTag,
} = primordials;

const HOOKS = [SymbolFor("nodejs.util.inspect.custom"), SymbolFor("Deno.customInspect"), SymbolFor("Deno.privateCustomInspect"), SymbolToStringTag];
const NAME = new SafeRegExp(/^[a-zA-Z_][a-zA-Z_0-9]*$/);
// What stands in a text as it is, between single quotes.
const CLEAR = new SafeRegExp(/^[\x20-\x26\x28-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\uffff]*$/);
const LONGEST = 4096;
const SHORT = 16;
const MOST_KEYS = 64;
// Longer arrays stand in columns.
const MOST_ELEMENTS = 6;
const DEEPEST = 16;
// Levels that may share a line.
const COMPACT = 3;

const ESCAPED = new SafeRegExp(/[\x00-\x1f'\\\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g);
const ESCAPES = { __proto__: null, "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "'": "\\'", "\\": "\\\\" };

function escaped(unit) {
  const known = ESCAPES[unit];
  if (known !== undefined) return known;
  const hex = NumberPrototypeToString(StringPrototypeCharCodeAt(unit, 0), 16);
  return hex.length > 2 ? `\\u${hex}` : `\\x${StringPrototypePadStart(StringPrototypeToUpperCase(hex), 2, "0")}`;
}

// Between quotes that it does not have, as far as there are such.
function quoted(text) {
  let quote = "'";
  if (StringPrototypeIncludes(text, "'")) {
    if (!StringPrototypeIncludes(text, '"')) quote = '"';
    else if (!StringPrototypeIncludes(text, "`") && !StringPrototypeIncludes(text, "${")) quote = "`";
  }
  const inner = StringPrototypeReplace(text, ESCAPED, (unit) => unit === "'" && quote !== "'" ? unit : escaped(unit));
  return `${quote}${inner}${quote}`;
}

// One inspection: where nothing is said, `failed` is set.
class Inspection {
  constructor(depth, breakLength) {
    this.depth = depth;
    this.breakLength = breakLength;
    this.indentation = 0;
    this.current = 0;
    this.failed = false;
    this.seen = [];
  }

  fail() {
    this.failed = true;
    return "";
  }

  value(value, level) {
    switch (typeof value) {
      case "string":
        return this.text(value);
      case "number":
        return ObjectIs(value, -0) ? "-0" : `${value}`;
      case "bigint":
        return `${value}n`;
      case "boolean":
        return value ? "true" : "false";
      case "undefined":
        return "undefined";
      case "object":
        return value === null ? "null" : this.object(value, level);
    }
    return this.fail();
  }

  text(value) {
    if (value.length > LONGEST) return this.fail();
    if (RegExpPrototypeTest(CLEAR, value)) return `'${value}'`;
    // Long texts of several lines are put together of them.
    const isLong = value.length > SHORT && value.length > this.breakLength - this.indentation - 4;
    return isLong && StringPrototypeIncludes(value, "\n") ? this.fail() : quoted(value);
  }

  object(value, level) {
    if (level > DEEPEST || core.isProxy(value) || ArrayPrototypeIncludes(this.seen, value)) return this.fail();
    const prototype = ObjectGetPrototypeOf(value);
    if (prototype === DatePrototype) return isAsMade(DatePrototype, "Date") ? this.date(value) : this.fail();
    const isArray = ArrayIsArray(value);
    if (prototype !== (isArray ? ArrayPrototype : ObjectPrototype)) return this.fail();
    const keys = ObjectKeys(value);
    const symbols = ObjectGetOwnPropertySymbols(value);
    // What can not be enumerated may be named `constructor` or be a hook.
    if ((symbols.length !== 0 && !this.symbols(value, symbols, keys)) || ObjectHasOwn(value, "constructor")) return this.fail();
    const count = keys.length;
    if (isArray) {
      // One name more than the elements: `length`.
      if (count > MOST_ELEMENTS || count !== value.length || ObjectGetOwnPropertyNames(value).length !== count + 1) return this.fail();
      if (count === 0) return "[]";
    } else {
      if (keys.length > MOST_KEYS) return this.fail();
      if (count === 0) return "{}";
    }
    if (level > this.depth) return isArray ? "[Array]" : "[Object]";
    this.current = level + 1;
    this.seen[this.seen.length] = value;
    const output = [];
    this.indentation += 2;
    for (let i = 0; i < count && !this.failed; i++) output[i] = this.property(value, keys[i], level + 1, isArray);
    this.indentation -= 2;
    this.seen.length--;
    return this.failed ? "" : this.joined(output, isArray ? "[" : "{", isArray ? "]" : "}", level + 1);
  }

  // Adds an object's symbols to its keys. Whether that may be.
  symbols(value, symbols, keys) {
    if (symbols.length > MOST_KEYS || ArrayIsArray(value)) return false;
    for (let i = 0; i < symbols.length; i++) {
      const isEnumerable = ObjectPrototypePropertyIsEnumerable(value, symbols[i]);
      if (ArrayPrototypeIncludes(HOOKS, symbols[i]) && !(isEnumerable && symbols[i] === SymbolToStringTag)) return false;
      if (isEnumerable) keys[keys.length] = symbols[i];
    }
    return true;
  }

  property(value, key, level, isElement) {
    const descriptor = ObjectGetOwnPropertyDescriptor(value, key);
    if (descriptor === undefined || !ObjectHasOwn(descriptor, "value")) return this.fail();
    const text = this.value(descriptor.value, level);
    if (isElement) return text;
    if (typeof key === "symbol") {
      const name = SymbolPrototypeToString(key);
      return RegExpPrototypeTest(CLEAR, name) ? `[${name}]: ${text}` : this.fail();
    }
    if (RegExpPrototypeTest(NAME, key)) return key === "__proto__" ? this.fail() : `${key}: ${text}`;
    return key.length <= LONGEST ? `${quoted(key)}: ${text}` : this.fail();
  }

  date(value) {
    let time;
    try {
      time = DatePrototypeGetTime(value);
    } catch {
      return this.fail();
    }
    if (NumberIsNaN(time) || ObjectGetOwnPropertyNames(value).length + ObjectGetOwnPropertySymbols(value).length !== 0) return this.fail();
    return DatePrototypeToISOString(value);
  }

  joined(output, open, close, level) {
    if (this.current - level < COMPACT) {
      let length = output.length * 2 + this.indentation + 11;
      for (let i = 0; i < output.length; i++) length += output[i].length;
      if (length <= this.breakLength) {
        const line = ArrayPrototypeJoin(output, ", ");
        if (!StringPrototypeIncludes(line, "\n")) return `${open} ${line} ${close}`;
      }
    }
    const start = `\n${StringPrototypeRepeat(" ", this.indentation)}`;
    return `${open}${start}  ${ArrayPrototypeJoin(output, `,${start}  `)}${start}${close}`;
  }
}

function isUsual(defaults, stylize) {
  return !defaults.showHidden && !defaults.colors && defaults.customInspect === true && defaults.compact === COMPACT && !defaults.sorted &&
    !defaults.getters && !defaults.numericSeparator && defaults.stylize === stylize && defaults.indentationLvl === 0 &&
    typeof defaults.breakLength === "number" && defaults.maxStringLength >= LONGEST && defaults.maxArrayLength >= MOST_ELEMENTS;
}

// Whether a prototype says nothing of how its objects are shown, and has a constructor of this name. A worker's `Date` is its own.
function isAsMade(prototype, name) {
  for (let i = 0; i < HOOKS.length; i++) if (ObjectHasOwn(prototype, HOOKS[i])) return false;
  const constructor = ObjectGetOwnPropertyDescriptor(prototype, "constructor")?.value;
  return typeof constructor === "function" && !core.isProxy(constructor) && ObjectGetOwnPropertyDescriptor(constructor, "name")?.value === name;
}

function depthOf(options, defaults) {
  if (options === undefined) return defaults.depth;
  if (typeof options !== "object" || options === null || core.isProxy(options)) return undefined;
  const keys = ObjectKeys(options);
  return keys.length === 1 && keys[0] === "depth" ? options.depth : undefined;
}

function inspectPlain(value, options, defaults, stylize) {
  const depth = depthOf(options, defaults);
  if (depth === undefined || !isUsual(defaults, stylize)) return undefined;
  if (!isAsMade(ObjectPrototype, "Object") || !isAsMade(ArrayPrototype, "Array")) return undefined;
  const inspection = new Inspection(depth === null ? Infinity : depth, defaults.breakLength);
  if (typeof inspection.depth !== "number") return undefined;
  const text = inspection.object(value, 0);
  return inspection.failed ? undefined : text;
}

return { inspectPlain };
})();
