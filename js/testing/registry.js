// Which tests a file has: registered by test() and describe(), or exported as workerd's own tests are.
(function () {
const { ArrayPrototypePush } = __bootstrap.primordials;

class Suite {
  tests = [];
  hooks = { before: [], after: [], beforeEach: [], afterEach: [] };

  constructor(name, parent, options) {
    this.name = name;
    this.parent = parent;
    this.options = options;
  }

  // From the outermost suite to this one.
  path() {
    return this.parent === null ? [this] : [...this.parent.path(), this];
  }
}

const root = new Suite("", null, {});
let current = root;
const tests = [];
// Once they are listed, what is registered has another place: who runs them takes it.
let takesLate = null;

// `test(name?, options?, fn?)` in each of its forms.
function parseTest(args) {
  let [name, options, fn] = args;
  if (typeof name === "function") [name, options, fn] = [name.name || "<anonymous>", {}, name];
  else if (typeof name === "object" && name !== null) [name, options, fn] = [options?.name || "<anonymous>", name, options];
  else if (typeof options === "function") [options, fn] = [{}, options];
  return { name: String(name ?? "<anonymous>"), options: options ?? {}, fn };
}

function add(args, more) {
  if (takesLate !== null) return takesLate.test(parseTest(args), more);
  const { name, options, fn } = parseTest(args);
  const test = { name, fn, suite: current, options: { ...options, ...more } };
  if (fn === undefined) test.options.todo ??= true;
  tests.push(test);
  return Promise.resolve();
}

function addSuite(args, more) {
  const { name, options, fn } = parseTest(args);
  if (takesLate !== null) return takesLate.refuse(`describe(${JSON.stringify(name)})`);
  const suite = new Suite(name, current, { ...options, ...more });
  const outer = current;
  current = suite;
  try {
    const { signal = new AbortController().signal } = suite.options;
    const fullName = suite.path().slice(1).map((outer) => outer.name).join(" > ");
    const context = { name, fullName, signal };
    const result = fn && Reflect.apply(fn, context, [context]);
    if (typeof result?.then === "function") throw new TypeError(`describe(${JSON.stringify(name)}) must not be async: tests are registered at once`);
  } finally {
    current = outer;
  }
  return Promise.resolve();
}

function withVariants(register) {
  const plain = (...args) => register(args, {});
  plain.only = (...args) => register(args, { only: true });
  plain.skip = (...args) => register(args, { skip: true });
  plain.todo = (...args) => register(args, { todo: true });
  return plain;
}

const test = withVariants(add);
const describe = withVariants(addSuite);
const hook = (name) => (fn, options = {}) => {
  if (takesLate !== null) return void takesLate.refuse(`${name}()`);
  current.hooks[name].push({ fn, options });
};

// workerd's form: each export with a test() is a test, with no further configuration.
function addExports(namespace) {
  for (const name of Object.keys(namespace)) {
    const value = namespace[name];
    const handler = typeof value === "function" && typeof value.prototype?.test === "function" ? value.prototype.test : value?.test;
    if (typeof handler !== "function") continue;
    tests.push({
      name,
      suite: root,
      options: {},
      exported: (controller, env, ctx) => (typeof value === "function" ? new value(ctx, env).test(controller) : value.test(controller, env, ctx)),
    });
  }
}

// The tests that run, with what keeps the others from it.
// A file's own top level may have changed every method of an array: none is asked here.
function list() {
  const isOnly = (test) => {
    for (let suite = test.suite; suite !== null; suite = suite.parent) if (suite.options.only) return true;
    return Boolean(test.options.only);
  };
  let someOnly = false;
  for (let index = 0; index < tests.length; index++) someOnly ||= isOnly(tests[index]);
  const listed = [];
  for (let index = 0; index < tests.length; index++) {
    const test = tests[index];
    let name = test.name;
    for (let suite = test.suite; suite !== root; suite = suite.parent) name = `${suite.name} > ${name}`;
    // What is nearest to the test decides.
    const option = (key) => {
      let value = test.options[key];
      for (let suite = test.suite; suite !== null && (value === undefined || value === false); suite = suite.parent) value = suite.options[key];
      return value === false ? undefined : value;
    };
    const timeout = option("timeout");
    ArrayPrototypePush(listed, {
      __proto__: null,
      name,
      skip: (someOnly && !isOnly(test)) || option("skip") !== undefined,
      todo: option("todo") !== undefined,
      timeout: typeof timeout === "number" ? timeout : null,
    });
  }
  return listed;
}

// From now on these take what is registered: `test(parsed, more)`, and `refuse(what)` for all that only a file's top level has.
function takeLate(takes) {
  takesLate = takes;
}

return {
  addExports,
  after: hook("after"),
  afterEach: hook("afterEach"),
  before: hook("before"),
  beforeEach: hook("beforeEach"),
  describe,
  list,
  parseTest,
  takeLate,
  test,
  tests,
  withVariants,
};
})();
