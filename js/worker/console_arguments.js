// What a console was called with, for who is told of an event: https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/#taillog.
// Plain data is itself, as JSON has it; what is none is its text, as on Workers.
(function () {
const { core, primordials } = __bootstrap;
const { op_console_arguments } = core.ops;
const {
  ArrayIsArray,
  ArrayPrototypePush,
  JSONStringify,
  NumberIsFinite,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototype,
  ReflectApply,
  SafeSet,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeHas,
  String,
  StringPrototypeSlice,
} = primordials;

// Values, levels, and characters of all texts together.
const MOST_VALUES = 1000;
const MOST_LEVELS = 10;
const MOST_LETTERS = 32 * 1024;

// The arguments of the call that is under way.
let current = null;

function begin(args) {
  const before = current;
  current = args;
  return before;
}

function end(before) {
  current = before;
}

class Copy {
  #values = MOST_VALUES;
  #letters = MOST_LETTERS;
  #within = new SafeSet();

  #text(text) {
    const cut = StringPrototypeSlice(text, 0, this.#letters);
    this.#letters -= cut.length;
    return cut;
  }

  // One of the arguments.
  argument(value) {
    if (typeof value === "object" && value !== null && !ArrayIsArray(value) && typeof value.toJSON !== "function") {
      const prototype = ObjectGetPrototypeOf(value);
      if (prototype !== ObjectPrototype && prototype !== null) return this.#text(String(value));
    }
    if (typeof value === "function" || typeof value === "symbol") return this.#text(String(value));
    return this.#of(value, 0) ?? null;
  }

  // undefined where JSON has nothing for it.
  #of(value, level) {
    if (--this.#values < 0) return "...";
    switch (typeof value) {
      case "boolean":
        return value;
      case "number":
        return NumberIsFinite(value) ? value : null;
      case "string":
        return this.#text(value);
      case "bigint":
        return this.#text(`${value}`);
      case "object":
        return value === null ? null : this.#object(value, level);
      default:
        return undefined;
    }
  }

  #object(value, level) {
    if (SetPrototypeHas(this.#within, value)) return "[Circular]";
    if (level >= MOST_LEVELS) return ArrayIsArray(value) ? "[Array]" : "[Object]";
    SetPrototypeAdd(this.#within, value);
    const copy = this.#members(value, level);
    SetPrototypeDelete(this.#within, value);
    return copy;
  }

  #members(value, level) {
    const { toJSON } = value;
    if (typeof toJSON === "function") {
      const json = ReflectApply(toJSON, value, [""]);
      return json === value ? "[Object]" : this.#of(json, level + 1);
    }
    if (ArrayIsArray(value)) {
      const list = [];
      for (let i = 0; i < value.length && this.#values > 0; i++) ArrayPrototypePush(list, this.#of(value[i], level + 1) ?? null);
      return list;
    }
    const object = { __proto__: null };
    const keys = ObjectKeys(value);
    for (let i = 0; i < keys.length && this.#values > 0; i++) {
      const member = this.#of(value[keys[i]], level + 1);
      if (member !== undefined) object[this.#text(keys[i])] = member;
    }
    return object;
  }
}

// The arguments take the place of the text of this line of an event.
function tell(event, line) {
  const args = current;
  if (args === null) return;
  let list;
  try {
    const copy = new Copy();
    const copies = [];
    for (let i = 0; i < args.length && i < MOST_VALUES; i++) ArrayPrototypePush(copies, copy.argument(args[i]));
    list = JSONStringify(copies);
  } catch {
    // A getter of the author's failed: the text stays.
    return;
  }
  op_console_arguments(event, line, list);
}

return { begin, end, tell };
})();
