// What a worker is given of its loader's: stubs in its `env`, and the one that its requests go to.
(function () {
const { core, primordials } = __bootstrap;
const { op_loader_env, op_loader_fetch_given } = core.ops;
const {
  ArrayIsArray,
  ArrayPrototypePush,
  JSONParse,
  JSONStringify,
  ObjectDefineProperty,
  ObjectHasOwn,
  ObjectKeys,
  ObjectSetPrototypeOf,
  ReflectGetPrototypeOf,
  StringPrototypeIncludes,
  TypeError,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { setPropsReader } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");
const { placeOf } = core.loadExtScript("ext:workerd_lite/worker/bindings.js");
const { loopbackOf } = core.loadExtScript("ext:workerd_lite/worker/entrypoints.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { Making, STUB } = core.loadExtScript("ext:workerd_lite/rpc/objects.js");
const { copyValue, MARKERS } = core.loadExtScript("ext:workerd_lite/rpc/copy.js");
const { check, give, newGiven, nodeOf } = core.loadExtScript("ext:workerd_lite/rpc/stub.js");

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

// A list that JSON asks for no method of the author's.
const plainList = (list) => ObjectSetPrototypeOf(list, null);

// What stands for a stub that belongs to no event, as `ops/given.rs` takes it, or undefined.
function describe(value) {
  const own = loopbackOf(value);
  if (own !== undefined) {
    const props = JSONStringify(own.props);
    if (typeof props !== "string") throw new TypeError("the props of a stub of ctx.exports are no plain data");
    return { __proto__: null, own: plainList([own.name === "default" ? null : own.name, props]) };
  }
  const node = nodeOf(value);
  if (node !== undefined) return node.type === "service" ? node.given() : undefined;
  const binding = placeOf(value);
  return binding === undefined ? undefined : { __proto__: null, binding };
}

function found(value) {
  const given = describe(value);
  return given === undefined ? undefined : { __proto__: null, given };
}

// Gives `{ copied, markers, given }`: a copy of `env`, and a description of each stub in it.
function copyEnv(context, env) {
  const { slots, streams, value } = copyValue(env, found);
  // They end with who has made them.
  if (streams.length > 0) throw new DOMException("env: streams, bodies and signals can not be given to a loaded worker", "DataCloneError");
  const given = plainList([]);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    if (slot.given !== undefined) ArrayPrototypePush(given, slot.given);
    else if (slot.node !== undefined) {
      check(slot.node, context);
      ArrayPrototypePush(given, { __proto__: null, stub: slot.node.id });
    } else ArrayPrototypePush(given, { __proto__: null, object: give(context, slot.object, slot.instance) });
  }
  return { __proto__: null, copied: value, markers: MARKERS, given };
}

// What stands for a stub in the text of props.
const PLACE = "\u0000given";

// A copy of props as JSON has it, with the places of its stubs, of which the first is at `first`.
function withPlaces(copied, first) {
  if (!isObject(copied)) return copied;
  if (ReflectGetPrototypeOf(copied) === MARKERS) {
    if (copied.kind !== STUB) throw new TypeError("props: expected plain data and stubs");
    return { __proto__: null, [PLACE]: first + copied.plain };
  }
  if (ArrayIsArray(copied)) {
    const list = plainList([]);
    for (let i = 0; i < copied.length; i++) ArrayPrototypePush(list, withPlaces(copied[i], first));
    return list;
  }
  if (core.isDate(copied) || core.isBoxedPrimitive(copied)) return copied;
  const made = { __proto__: null };
  const keys = ObjectKeys(copied);
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] === PLACE) throw new TypeError("props: a name that can not be given");
    made[keys[i]] = withPlaces(copied[keys[i]], first);
  }
  return made;
}

// Props of an entrypoint: `{ given, textAt }`, descriptions of its stubs, and what gives their text once the place of the first is known.
function readProps(context, props) {
  if (props === undefined || props === null) return { __proto__: null, given: plainList([]), textAt: () => "{}" };
  if (typeof props !== "object") throw new TypeError("props: expected an object of plain data and stubs");
  const { copied, given } = copyEnv(context, props);
  if (given.length > 0) return { __proto__: null, given, textAt: (first) => JSONStringify(withPlaces(copied, first)) };
  const text = JSONStringify(props);
  if (typeof text !== "string") throw new TypeError("props: expected an object of plain data and stubs");
  return { __proto__: null, given, textAt: () => text };
}

// `globalOutbound` as `{ out, through }`: whether there is a way out, and the stub that it is, if it is one.
function outboundOf(outbound) {
  if (outbound === undefined) return { __proto__: null, out: true, through: null };
  if (outbound === null) return { __proto__: null, out: false, through: null };
  const through = isObject(outbound) ? describe(outbound) : undefined;
  if (through === undefined) {
    throw new TypeError("globalOutbound: expected null, a stub with fetch() such as ctx.exports.Name({ props }), or nothing for the loader's own way out");
  }
  return { __proto__: null, out: true, through };
}

const MOST_TAILS = 10;

// `tails`: entrypoints with a tail handler.
function tailsOf(tails) {
  const list = plainList([]);
  if (tails === undefined || tails === null) return list;
  if (!ArrayIsArray(tails) || tails.length > MOST_TAILS) throw new TypeError(`tails: expected a list of at most ${MOST_TAILS} stubs`);
  for (let i = 0; i < tails.length; i++) {
    const told = isObject(tails[i]) ? describe(tails[i]) : undefined;
    if (told === undefined || told.binding !== undefined) {
      throw new TypeError(`tails[${i}]: expected a stub of an entrypoint, such as ctx.exports.Name({ props })`);
    }
    ArrayPrototypePush(list, told);
  }
  return list;
}

// What a loaded worker was given, by its place.
function stubAt(place) {
  const send = (context, cancel, method, url, headers, body) => op_loader_fetch_given(context.id, cancel, method, url, headers, body, place);
  return newGiven(place, async (input, init = undefined) => {
    webidl.requiredArguments(input === undefined ? 0 : 1, 1, "Failed to execute 'fetch' on 'Fetcher'");
    return await fetchThrough(send, input, init);
  });
}

// Puts stubs in their places in props that were read as JSON.
function revive(value) {
  if (!isObject(value)) return value;
  if (ObjectHasOwn(value, PLACE)) return stubAt(value[PLACE]);
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    ObjectDefineProperty(value, key, { __proto__: null, value: revive(value[key]), writable: true, enumerable: true, configurable: true });
  }
  return value;
}

// A loaded worker's `env`.
function readEnv() {
  setPropsReader((text) => StringPrototypeIncludes(text, "\\u0000given") ? revive(JSONParse(text)) : JSONParse(text));
  const making = new Making([], () => undefined);
  return op_loader_env((kind, place) => kind === STUB ? stubAt(place) : making.make(kind, place));
}

return { copyEnv, outboundOf, plainList, readEnv, readProps, tailsOf };
})();
