// Decorators of every kind, with what they saw and did: the answer must be what esbuild's code for the same file gives.
const log = [];
const say = (...words) => log.push(words.map(String).join(" "));
const Metadata = Symbol.metadata ?? Symbol.for("Symbol.metadata");

function seen(label) {
  say("evaluated", label);
  return (value, context) => {
    say(label, typeof value, context.kind, context.name, context.static, context.private, Object.keys(context.access ?? {}).join());
    context.metadata[`${context.kind}:${String(context.name)}`] = label;
    context.addInitializer?.(function () { say("initializer", label, typeof this); });
  };
}
const twice = (method) => function (...given) { return 2 * method.call(this, ...given); };
const plus = (more) => (_, { kind }) => kind === "accessor"
  ? { init: (value) => value + more, get() { return 1000; }, set(value) { say("set", value); } }
  : (value) => value + more;
const own = { deep: { seen } };
const key = () => { say("key"); return "computed"; };
const symbol = Symbol("s");

@seen("class") @own.deep.seen("outer")
class Whole {
  @seen("field") field = 1;
  @seen("static field") static shared = 2;
  @seen("private") #hidden = 3;
  @seen("method") method() { return this.#hidden; }
  @seen("static method") static create() { return new this(); }
  @seen("private method") #secret() { return 4; }
  @seen("getter") get value() { return 5; }
  @seen("setter") set value(next) { say("value", next); }
  @seen("accessor") accessor auto = 6;
  @seen("static accessor") static accessor total = 7;
  @seen("private accessor") accessor #inner = 8;
  @seen("computed") [key()]() { return 9; }
  @seen("symbol") [symbol] = 10;
  @(seen("expression")) "quoted name" = 11;
  plain = 12;
  accessor bare = 13;
  static { say("static block", this.shared, Whole === this); }
  all() { return [this.field, this.method(), this.#secret(), this.value, this.auto, this.#inner, this.computed(), this[symbol], this["quoted name"], this.plain, this.bare]; }
}

class Base { greet() { return "base"; } get word() { return "word"; } }
class Changed extends Base {
  @twice double(value) { return value; }
  @plus(10) number = 1;
  @plus(5) @plus(100) stacked = 1;
  @plus(20) accessor auto = 1;
  @plus(30) static shared = 1;
  @((get) => function () { return `${get.call(this)}!`; }) get word() { return super.word; }
  @((method) => function () { return [method.call(this)]; }) greet() { return super.greet(); }
  @((_method, { access }) => { Changed_access = access; }) accessed() { return "accessed"; }
  @((_value, context) => { context.addInitializer(function () { this.bound = this.toBind.bind(this); }); }) toBind() { return this.number; }
}
var Changed_access;

const Replaced = @((Class) => class extends Class { extra = "extra"; }) class Original { static me = Original; own = 1; };
let wrong;
try { @(() => 1) class Wrong {} } catch (error) { wrong = error.constructor.name; }
const anonymous = [@((_Class, { name }) => void say("named", name)) class {}].length;
function inFunction(decorate) {
  return class Local { @decorate x = 1; static #count = 0; @decorate static next() { return ++Local.#count; } };
}
class Child extends Whole { @seen("child") own = 1; }

export default {
  fetch() {
    const whole = Whole.create();
    whole.value = 1;
    whole.auto = 60;
    const changed = new Changed();
    changed.auto = 5;
    const Local = inFunction(() => {});
    const { bound } = changed;
    return Response.json([
      whole.all(), Whole.shared, Whole.total, [changed.double(4), changed.number, changed.stacked, changed.auto, Changed.shared, changed.word, changed.greet()],
      Changed_access.get(changed)(), Changed_access.has({}), bound(), new Replaced().extra, Replaced.name, wrong, anonymous,
      [Local.next(), Local.next(), new Local().x], Object.entries(Whole[Metadata]), Object.keys(Child[Metadata]),
      Object.keys(whole), Whole.name, log,
    ]);
  },
};
