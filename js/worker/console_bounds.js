// deno's console writes in Rust, and takes what it is told for good: how far to indent, whom to pad to, how deep it is. Here is what
// of that a script may say.
(function () {
const { core, primordials } = __bootstrap;
const { op_stack_is_deep } = core.ops;
const {
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  MapPrototypeGetSize,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectHasOwn,
  ObjectKeys,
  RangeError,
  SafeArrayIterator,
  SafeMap,
  SafeMapIterator,
  SafeSet,
  SafeSetIterator,
  SetPrototypeAdd,
  SetPrototypeGetSize,
  SetPrototypeHas,
  String,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeSplit,
  SymbolFor,
  SymbolIterator,
} = primordials;

// As Node's kMaxGroupIndentation, in spaces.
const MOST_INDENTED = 1000;
// Levels of nesting that an inspection may have gone through.
const MOST_SEEN = 2000;
const MOST_QUOTES = 3;
// Rows, columns and characters of a cell that a table has.
const MOST_ROWS = 1000;
const MOST_COLUMNS = 50;
const MOST_OF_CELL = 200;
// Labels of counters and timers, and characters of one.
const MOST_LABELS = 1000;
const MOST_OF_LABEL = 200;

const denoInspect = SymbolFor("Deno.customInspect");

// Throws as V8 does where calls are too deep.
function checkStack() {
  if (op_stack_is_deep()) throw new RangeError("Maximum call stack size exceeded");
}

// Options of an inspection, each read once.
function boundedOptions(options) {
  if ((typeof options !== "object" && typeof options !== "function") || options === null) return options;
  const bounded = { __proto__: null, ...options };
  for (const name of new SafeArrayIterator(["indentationLvl", "indentLevel"])) {
    if (bounded[name] === undefined) continue;
    const number = +bounded[name];
    bounded[name] = number > 0 ? (number > MOST_INDENTED ? MOST_INDENTED : number) : 0;
  }
  if (ArrayIsArray(bounded.quotes) && bounded.quotes.length > MOST_QUOTES) {
    bounded.quotes = ArrayPrototypeSlice(bounded.quotes, 0, MOST_QUOTES);
  }
  // The inspection's own list, which its hooks hand back.
  if (ArrayIsArray(bounded.seen) && bounded.seen.length > MOST_SEEN) {
    throw new RangeError("Maximum call stack size exceeded");
  }
  const { budget } = bounded;
  if (typeof budget === "object" && budget !== null && ObjectKeys(budget).length > MOST_SEEN) bounded.budget = {};
  return bounded;
}

// A cell of a table whose text is short.
function cell(value, inspect) {
  if (value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "string")) return value;
  const options = { __proto__: null, depth: 1, compact: true, breakLength: Infinity, maxStringLength: MOST_OF_CELL };
  const whole = inspect(value, options);
  if (typeof value === "string" && whole.length <= MOST_OF_CELL) return value;
  const text = whole.length > MOST_OF_CELL ? `${StringPrototypeSlice(whole, 0, MOST_OF_CELL)}...` : whole;
  return { [denoInspect]: () => text };
}

// A row with these columns, or the first of its own.
function row(value, columns, inspect) {
  if (typeof value !== "object" || value === null) return cell(value, inspect);
  const bounded = ArrayIsArray(value) ? [] : { __proto__: null };
  const keys = columns ?? ArrayPrototypeSlice(ObjectKeys(value), 0, MOST_COLUMNS);
  for (let i = 0; i < keys.length; i++) {
    if (columns === undefined || ObjectHasOwn(value, keys[i])) put(bounded, keys[i], cell(value[keys[i]], inspect));
  }
  return bounded;
}

function put(object, key, value) {
  const name = StringPrototypeSlice(key, 0, MOST_OF_CELL);
  ObjectDefineProperty(object, name, { __proto__: null, value, enumerable: true, configurable: true, writable: true });
}

function isMap(data) {
  try {
    MapPrototypeGetSize(data);
    return true;
  } catch {
    return false;
  }
}

function isSet(data) {
  try {
    SetPrototypeGetSize(data);
    return true;
  } catch {
    return false;
  }
}

// The same data with the first of its rows and columns. `columns` are those that were asked for, if any.
function boundedTable(data, columns, inspect) {
  if (typeof data !== "object" || data === null) return data;
  if (isMap(data)) {
    const bounded = new SafeMap();
    for (const [key, value] of new SafeMapIterator(data)) {
      if (MapPrototypeGetSize(bounded) === MOST_ROWS) break;
      MapPrototypeSet(bounded, cell(key, inspect), cell(value, inspect));
    }
    return bounded;
  }
  const isList = ArrayIsArray(data);
  if (!isList && typeof data[SymbolIterator] === "function") {
    const rows = [];
    for (const value of isSet(data) ? new SafeSetIterator(data) : data) {
      if (rows.length === MOST_ROWS) break;
      ArrayPrototypePush(rows, row(value, columns, inspect));
    }
    return { __proto__: null, [SymbolIterator]: () => new SafeArrayIterator(rows) };
  }
  const bounded = isList ? [] : { __proto__: null };
  const keys = ArrayPrototypeSlice(ObjectKeys(data), 0, MOST_ROWS);
  for (let i = 0; i < keys.length; i++) put(bounded, keys[i], row(data[keys[i]], columns, inspect));
  return bounded;
}

function boundedProperties(properties) {
  // Something else is refused by its type.
  if (!ArrayIsArray(properties)) return properties;
  const bounded = [];
  for (let i = 0; i < properties.length && i < MOST_COLUMNS; i++) {
    ArrayPrototypePush(bounded, StringPrototypeSlice(String(properties[i]), 0, MOST_OF_CELL));
  }
  return bounded;
}

// Counters and timers are kept by their labels. Those beyond the most share one.
function labels() {
  const known = new SafeSet();
  return (label) => {
    const short = StringPrototypeSlice(String(label), 0, MOST_OF_LABEL);
    if (SetPrototypeHas(known, short)) return short;
    if (SetPrototypeGetSize(known) >= MOST_LABELS) return "(others)";
    SetPrototypeAdd(known, short);
    return short;
  };
}

// The same arguments with a format that says nothing of them: where one has no text to be formatted as, and its conversion threw `error`. No
// script fails for what it logs.
function unformatted(args, error) {
  const format = args[0];
  if (args.length < 2 || typeof format !== "string" || !StringPrototypeIncludes(format, "%")) throw error;
  const plain = ArrayPrototypeSlice(args);
  plain[0] = ArrayPrototypeJoin(StringPrototypeSplit(format, "%"), "%%");
  return plain;
}

return { MOST_INDENTED, boundedOptions, boundedProperties, boundedTable, checkStack, labels, unformatted };
})();
