//! Changes to deno's `performance`: what it keeps belongs to an event (`worker/timeline.js`), where deno's keeps all of it for
//! as long as the isolate lives.

use super::{Patch, patch};

const PERFORMANCE: &str = "ext:deno_web/15_performance.js";

pub(super) const PATCHES: &[Patch] = &[
    // Each isolate calls it: the snapshot has the code of what stands in parentheses (`js/eager.rs`).
    patch(
        PERFORMANCE,
        "function setTimeOrigin() {\n  op_time_origin(hrU8);\n  timeOrigin = hr[0] * 1000 + hr[1] / 1e6;\n}\n",
        "const setTimeOrigin = (function setTimeOrigin() {\n  op_time_origin(hrU8);\n  timeOrigin = hr[0] * 1000 + hr[1] / 1e6;\n});\n",
    ),
    patch(
        PERFORMANCE,
        "let performanceEntries = [];\n",
        "const timeline = core.loadExtScript(\"ext:workerd_lite/worker/timeline.js\");\n",
    ),
    patch(PERFORMANCE, "const performanceObservers = [];\n", ""),
    // https://w3c.github.io/performance-timeline/#the-performanceobserver-interface: one list that stays the same, what was seen before
    // another observe() is told still, and types come one by one or all at once.
    patch(PERFORMANCE, "  ObjectKeys,\n", "  ObjectFreeze,\n  ObjectKeys,\n"),
    patch(
        PERFORMANCE,
        "class PerformanceObserver {\n  static get supportedEntryTypes() {\n    return [\"mark\", \"measure\"];\n",
        "const supportedEntryTypes = ObjectFreeze([\"mark\", \"measure\"]);\nconst _single = Symbol(\"[[single]]\");\n\
         const _first = Symbol(\"[[requires dropped entries]]\");\n\n\
         class PerformanceObserver {\n  [_single] = false;\n  [_first] = true;\n\n  \
           static get supportedEntryTypes() {\n    return supportedEntryTypes;\n",
    ),
    patch(
        PERFORMANCE,
        "    this[_entryTypes] = types;\n    this[_buffer] = [];\n",
        "    const single = type !== undefined;\n    \
             if (this[_entryTypes].length > 0 && this[_single] !== single) {\n      \
               throw new DOMException(`${prefix}: 'type' and 'entryTypes' are not for one observer`, \"InvalidModificationError\");\n    }\n    \
             this[_single] = single;\n    this[_first] = true;\n    \
             const before = single ? ArrayPrototypeFilter(this[_entryTypes], (known) => known !== type) : [];\n    \
             for (let i = 0; i < types.length; i++) ArrayPrototypePush(before, types[i]);\n    this[_entryTypes] = before;\n",
    ),
    patch(
        PERFORMANCE,
        "      observer[_callback](entryList, observer);\n",
        "      const options = observer[_first] ? { droppedEntriesCount: 0 } : {};\n      observer[_first] = false;\n      \
               observer[_callback](entryList, observer, options);\n",
    ),
    patch(
        PERFORMANCE,
        "class PerformanceObserverEntryList {\n  [_entries] = [];\n\n  constructor(entries, key = undefined) {\n",
        "class PerformanceObserverEntryList {\n  [_entries] = [];\n\n  constructor(entries = undefined, key = undefined) {\n",
    ),
    // https://w3c.github.io/performance-timeline/#the-performanceentry-interface: a worker has no navigation.
    patch(
        PERFORMANCE,
        "class PerformanceEntry {\n  [_name] = \"\";\n",
        "const _id = Symbol(\"[[id]]\");\nlet lastId = 0;\n\nclass PerformanceEntry {\n  [_id] = ++lastId;\n  [_name] = \"\";\n",
    ),
    patch(
        PERFORMANCE,
        "    return this[_duration];\n  }\n\n  constructor(\n",
        "    return this[_duration];\n  }\n\n  get id() {\n    webidl.assertBranded(this, PerformanceEntryPrototype);\n    return this[_id];\n  }\n\n  \
           get navigationId() {\n    webidl.assertBranded(this, PerformanceEntryPrototype);\n    return 0;\n  }\n\n  constructor(\n",
    ),
    // As for every union with a dictionary: https://webidl.spec.whatwg.org/#js-union
    patch(
        PERFORMANCE,
        "    startOrMeasureOptions = webidl.converters\n      [\"DOMString or PerformanceMeasureOptions\"](\n",
        "    startOrMeasureOptions ??= { __proto__: null };\n    \
             startOrMeasureOptions = webidl.converters\n      [\"DOMString or PerformanceMeasureOptions\"](\n",
    ),
    patch(
        PERFORMANCE,
        "  for (let i = performanceEntries.length - 1; i >= 0; --i) {\n",
        "  const performanceEntries = timeline.entries();\n  \
           for (let i = performanceEntries.length - 1; i >= 0; --i) {\n",
    ),
    patch(
        PERFORMANCE,
        "    performanceEntries,\n    (entry) =>\n      (name ?",
        "    timeline.entries(),\n    (entry) =>\n      (name ?",
    ),
    patch(
        PERFORMANCE,
        "  for (let i = 0; i < performanceObservers.length; i++) {\n",
        "  const performanceObservers = timeline.observers();\n  \
           for (let i = 0; i < performanceObservers.length; i++) {\n",
    ),
    patch(
        PERFORMANCE,
        "    if (!ArrayPrototypeIncludes(performanceObservers, this)) {\n      \
               ArrayPrototypePush(performanceObservers, this);\n    }\n",
        "    timeline.observe(this);\n",
    ),
    patch(
        PERFORMANCE,
        "      for (let i = 0; i < performanceEntries.length; i++) {\n",
        "      const performanceEntries = timeline.entries();\n      \
               for (let i = 0; i < performanceEntries.length; i++) {\n",
    ),
    patch(
        PERFORMANCE,
        "    const index = ArrayPrototypeIndexOf(performanceObservers, this);\n    if (index !== -1) {\n      \
               ArrayPrototypeSplice(performanceObservers, index, 1);\n    }\n",
        "    timeline.disconnect(this);\n",
    ),
    patch(
        PERFORMANCE,
        "      performanceEntries = ArrayPrototypeFilter(\n        performanceEntries,\n        \
                 (entry) => !(entry.name === markName",
        "      timeline.keep(\n        (entry) => !(entry.name === markName",
    ),
    patch(
        PERFORMANCE,
        "      performanceEntries = ArrayPrototypeFilter(\n        performanceEntries,\n        \
                 (entry) => entry.entryType !== \"mark\"",
        "      timeline.keep(\n        (entry) => entry.entryType !== \"mark\"",
    ),
    patch(
        PERFORMANCE,
        "      performanceEntries = ArrayPrototypeFilter(\n        performanceEntries,\n        (entry) =>\n          \
                   !(entry.name === measureName",
        "      timeline.keep(\n        (entry) =>\n          !(entry.name === measureName",
    ),
    patch(
        PERFORMANCE,
        "      performanceEntries = ArrayPrototypeFilter(\n        performanceEntries,\n        \
                 (entry) => entry.entryType !== \"measure\"",
        "      timeline.keep(\n        (entry) => entry.entryType !== \"measure\"",
    ),
    patch(
        PERFORMANCE,
        "    performanceEntries = ArrayPrototypeFilter(\n      performanceEntries,\n      \
               (entry) => entry.entryType !== \"resource\"",
        "    timeline.keep(\n      (entry) => entry.entryType !== \"resource\"",
    ),
    patch(
        PERFORMANCE,
        "    const entry = new PerformanceMark(markName, markOptions);\n    \
             ArrayPrototypePush(performanceEntries, entry);\n",
        "    const entry = new PerformanceMark(markName, markOptions);\n    timeline.add(entry);\n",
    ),
    patch(
        PERFORMANCE,
        "      illegalConstructorKey,\n    );\n    ArrayPrototypePush(performanceEntries, entry);\n",
        "      illegalConstructorKey,\n    );\n    timeline.add(entry);\n",
    ),
];
