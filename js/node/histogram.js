// https://nodejs.org/docs/latest-v22.x/api/perf_hooks.html#class-histogram: values are counted in buckets that keep so many significant digits, as HdrHistogram
// does, so that what it holds is bounded whatever it is told.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  ArrayPrototypeSort,
  BigInt,
  Map,
  MapPrototypeClear,
  MapPrototypeGet,
  MapPrototypeSet,
  MathCeil,
  MathFloor,
  MathLog2,
  MathMax,
  MathMin,
  MathPow,
  MathSqrt,
  Number,
  NumberMAX_SAFE_INTEGER,
  ObjectPrototypeIsPrototypeOf,
  SafeMap,
  SafeMapIterator,
  SymbolFor,
} = primordials;
const { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateInteger, validateNumber, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");

const KEY = { __proto__: null };
const now = () => core.loadExtScript("ext:deno_web/15_performance.js").performance.now();

function state(figures, lowest, highest) {
  return { __proto__: null, counts: new SafeMap(), count: 0, exceeds: 0, min: Infinity, max: 0, last: undefined, lowest, highest, half: MathPow(2, MathCeil(MathLog2(2 * MathPow(10, figures)))) };
}

// The largest value that counts as this one.
function bucket(of, value) {
  if (value < of.half) return value;
  const size = MathPow(2, MathFloor(MathLog2(value)) + 1) / of.half;
  return MathFloor(value / size) * size + size - 1;
}

function add(of, value, times) {
  const top = bucket(of, value);
  MapPrototypeSet(of.counts, top, (MapPrototypeGet(of.counts, top) ?? 0) + times);
  of.count += times;
  of.min = MathMin(of.min, value);
  of.max = MathMax(of.max, top);
}

function sorted(of) {
  const values = [];
  for (const { 0: value, 1: times } of new SafeMapIterator(of.counts)) ArrayPrototypePush(values, { __proto__: null, value, times });
  return ArrayPrototypeSort(values, (one, other) => one.value - other.value);
}

function percentile(of, wanted) {
  const values = sorted(of);
  const rank = MathMax(1, MathCeil(wanted / 100 * of.count));
  let seen = 0;
  for (let i = 0; i < values.length; i++) {
    seen += values[i].times;
    if (seen >= rank) return values[i].value;
  }
  return 0;
}

// Each step halves what is left above it.
function percentiles(of, make) {
  const found = new Map();
  if (of.count === 0) {
    MapPrototypeSet(found, 100, make(0));
    return found;
  }
  MapPrototypeSet(found, 0, make(percentile(of, 0)));
  for (let rest = 50; rest > 100 / of.count / 2 && rest > 1e-6; rest /= 2) MapPrototypeSet(found, 100 - rest, make(percentile(of, 100 - rest)));
  MapPrototypeSet(found, 100, make(percentile(of, 100)));
  return found;
}

class Histogram {
  #of;

  constructor(key = undefined, of = undefined) {
    if (key !== KEY) throw new ERR_ILLEGAL_CONSTRUCTOR();
    this.#of = of;
  }

  static stateOf(histogram) {
    return typeof histogram === "object" && histogram !== null && #of in histogram ? histogram.#of : undefined;
  }

  get count() {
    return this.#of.count;
  }

  get countBigInt() {
    return BigInt(this.#of.count);
  }

  get exceeds() {
    return this.#of.exceeds;
  }

  get exceedsBigInt() {
    return BigInt(this.#of.exceeds);
  }

  get min() {
    return this.#of.count === 0 ? 9223372036854776000 : this.#of.min;
  }

  get minBigInt() {
    return this.#of.count === 0 ? 9223372036854775807n : BigInt(this.#of.min);
  }

  get max() {
    return this.#of.max;
  }

  get maxBigInt() {
    return BigInt(this.#of.max);
  }

  get mean() {
    let sum = 0;
    for (const { 0: value, 1: times } of new SafeMapIterator(this.#of.counts)) sum += value * times;
    return sum / this.#of.count;
  }

  get stddev() {
    const { mean } = this;
    let sum = 0;
    for (const { 0: value, 1: times } of new SafeMapIterator(this.#of.counts)) sum += (value - mean) ** 2 * times;
    return MathSqrt(sum / this.#of.count);
  }

  percentile(wanted) {
    validateNumber(wanted, "percentile");
    if (!(wanted > 0 && wanted <= 100)) throw new ERR_OUT_OF_RANGE("percentile", "> 0 && <= 100", wanted);
    return percentile(this.#of, wanted);
  }

  percentileBigInt(wanted) {
    return BigInt(this.percentile(wanted));
  }

  get percentiles() {
    return percentiles(this.#of, (value) => value);
  }

  get percentilesBigInt() {
    return percentiles(this.#of, BigInt);
  }

  reset() {
    const of = this.#of;
    MapPrototypeClear(of.counts);
    of.count = of.exceeds = of.max = 0;
    of.min = Infinity;
    of.last = undefined;
  }

  toJSON() {
    const found = {};
    for (const { 0: at, 1: value } of new SafeMapIterator(this.percentiles)) found[at] = value;
    return { count: this.count, min: this.min, max: this.max, mean: this.mean, exceeds: this.exceeds, stddev: this.stddev, percentiles: found };
  }

  [SymbolFor("nodejs.util.inspect.custom")](depth, options) {
    if (depth < 0) return ObjectPrototypeIsPrototypeOf(RecordableHistogram.prototype, this) ? "[RecordableHistogram]" : "[IntervalHistogram]";
    const { inspect } = core.loadExtScript("ext:deno_node/internal/util/inspect.mjs");
    const { count, min, max, mean, exceeds, stddev, percentiles } = this;
    const inner = { ...options, depth: options.depth === null ? null : options.depth - 1 };
    return `Histogram ${inspect({ min, max, mean, exceeds, stddev, count, percentiles }, inner)}`;
  }
}

class RecordableHistogram extends Histogram {
  record(value) {
    const of = Histogram.stateOf(this);
    if (typeof value === "bigint") value = Number(value);
    validateInteger(value, "val", 1);
    if (value < of.lowest || value > of.highest) of.exceeds++;
    else add(of, value, 1);
  }

  recordDelta() {
    const of = Histogram.stateOf(this);
    const at = MathFloor(now() * 1e6);
    if (of.last !== undefined && at > of.last) add(of, at - of.last, 1);
    of.last = at;
  }

  add(other) {
    const from = Histogram.stateOf(other);
    if (from === undefined || !ObjectPrototypeIsPrototypeOf(RecordableHistogram.prototype, other)) throw new ERR_INVALID_ARG_TYPE("other", "RecordableHistogram", other);
    const of = Histogram.stateOf(this);
    const values = sorted(from);
    const { min } = from;
    for (let i = 0; i < values.length; i++) add(of, values[i].value, values[i].times);
    of.min = MathMin(of.min, min);
    of.exceeds += from.exceeds;
  }
}

// The loop's delay is not a worker's to know: it counts nothing.
class IntervalHistogram extends Histogram {
  #enabled = false;

  enable() {
    const was = this.#enabled;
    this.#enabled = true;
    return !was;
  }

  disable() {
    const was = this.#enabled;
    this.#enabled = false;
    return was;
  }
}

function createHistogram(options = { __proto__: null }) {
  validateObject(options, "options");
  const { lowest = 1, highest = NumberMAX_SAFE_INTEGER, figures = 3 } = options;
  if (typeof lowest !== "bigint") validateInteger(lowest, "options.lowest", 1, NumberMAX_SAFE_INTEGER);
  if (typeof highest !== "bigint") {
    validateInteger(highest, "options.highest", 2 * Number(lowest), NumberMAX_SAFE_INTEGER);
  } else if (highest < 2n * BigInt(lowest)) {
    throw new ERR_INVALID_ARG_TYPE("options.highest", "at least twice options.lowest", highest);
  }
  validateInteger(figures, "options.figures", 1, 5);
  return new RecordableHistogram(KEY, state(figures, Number(lowest), Number(highest)));
}

function monitorEventLoopDelay(options = { __proto__: null }) {
  validateObject(options, "options");
  const { resolution = 10 } = options;
  validateInteger(resolution, "options.resolution", 1);
  return new IntervalHistogram(KEY, state(3, 1, NumberMAX_SAFE_INTEGER));
}

return { createHistogram, isHistogram: (value) => Histogram.stateOf(value) !== undefined, monitorEventLoopDelay, RecordableHistogram };
})();
