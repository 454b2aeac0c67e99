// The worker's console, and a class for ones that write to streams.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, DateNow, FunctionPrototypeBind, ObjectDefineProperty, ObjectKeys, ReflectApply, StringPrototypeRepeat, TypeError } = primordials;

const shared = globalThis.console;

class Console {
  #indent = 0;
  #counts = { __proto__: null };
  #times = { __proto__: null };

  constructor(...args) {
    const first = args[0];
    const options = typeof first?.write === "function" ? { stdout: first, stderr: args[1] } : first;
    if (typeof options?.stdout?.write !== "function") throw new TypeError("The argument 'stdout' is no stream that can be written to");
    const { formatWithOptions, inspect } = core.loadExtScript("ext:deno_node/util.ts");
    const write = (stream, values) => {
      const text = ReflectApply(formatWithOptions, undefined, [options.inspectOptions ?? {}, ...values]);
      stream.write(`${StringPrototypeRepeat(" ", this.#indent)}${text}\n`);
    };
    const out = options.stdout;
    const err = options.stderr ?? out;
    const methods = {
      assert: (condition, ...values) => condition || write(err, values.length > 0 ? ["Assertion failed:", ...values] : ["Assertion failed"]),
      clear: () => {},
      count: (label = "default") => write(out, [`${label}: ${this.#counts[label] = (this.#counts[label] ?? 0) + 1}`]),
      countReset: (label = "default") => delete this.#counts[label],
      debug: (...values) => write(out, values),
      dir: (value, how = undefined) => write(out, [inspect(value, { customInspect: false, ...how })]),
      dirxml: (...values) => write(out, values),
      error: (...values) => write(err, values),
      group: (...values) => {
        if (values.length > 0) write(out, values);
        this.#indent += 2;
      },
      groupEnd: () => this.#indent = this.#indent > 2 ? this.#indent - 2 : 0,
      info: (...values) => write(out, values),
      log: (...values) => write(out, values),
      table: (value) => write(out, [value]),
      time: (label = "default") => this.#times[label] = DateNow(),
      timeEnd: (label = "default") => write(out, [`${label}: ${DateNow() - this.#times[label]}ms`]),
      timeLog: (label = "default", ...values) => write(out, [`${label}: ${DateNow() - this.#times[label]}ms`, ...values]),
      trace: (...values) => write(err, ["Trace:", ...values]),
      warn: (...values) => write(err, values),
    };
    methods.groupCollapsed = methods.group;
    ArrayPrototypeForEach(ObjectKeys(methods), (name) => {
      const value = (...values) => void ReflectApply(methods[name], undefined, values);
      ObjectDefineProperty(this, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
    });
  }
}

const made = {};
ArrayPrototypeForEach(ObjectKeys(shared), (name) => {
  made[name] = typeof shared[name] === "function" ? FunctionPrototypeBind(shared[name], shared) : shared[name];
});
made.Console = Console;

return { default: made };
})();
