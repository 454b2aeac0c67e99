// A value as the serialiser takes it: plain copies, with markers for what crosses as a stub. What an author's getters, proxies and iterators do
// happens here, once, and nothing of it while V8 writes.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototypePush,
  Error,
  Map,
  MapPrototypeForEach,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectFreeze,
  ObjectKeys,
  ObjectPrototype,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  RangeError,
  ReflectApply,
  ReflectDeleteProperty,
  ReflectGetPrototypeOf,
  SafeMap,
  SafeSet,
  Set,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeForEach,
  SetPrototypeHas,
  String,
  SymbolPrototypeToString,
  TypeError,
} = primordials;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { RpcTarget } = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");
const { STUB, takeApart } = core.loadExtScript("ext:workerd_lite/rpc/objects.js");
const { isPlainView } = core.loadExtScript("ext:workerd_lite/rpc/views.js");
const { Copied, define } = core.loadExtScript("ext:workerd_lite/rpc/records.js");

// The most that a message may come to, and how deep it may be.
const MOST = 32 * 1024 * 1024;
const DEEPEST = 500;

// Without a prototype that an author can reach, so that no setter is met.
class Plain {}
ObjectSetPrototypeOf(Plain.prototype, null);
ReflectDeleteProperty(Plain.prototype, "constructor");
ObjectFreeze(Plain.prototype);

// What stands for itself in a message: a kind of `js/rpc/objects.js`, and a number or what it is made of.
class Marker {
  // Declared: an assignment would look for a setter in `Object.prototype`.
  kind;
  plain;

  constructor(kind, plain) {
    this.kind = kind;
    this.plain = plain;
  }
}
const MARKERS = Marker.prototype;

// What `nodeOf` gives of a stub, a promise or a property of one.
let nodeOf = () => undefined;
function setNodeOf(fn) {
  nodeOf = fn;
}

function refuse(value) {
  let name = "Object";
  const node = nodeOf(value);
  if (node !== undefined) {
    name = node.type === "promise" ? "RpcPromise" : "RpcProperty";
  } else {
    try {
      name = String(value.constructor?.name ?? "Object");
    } catch {
      // It stays an object.
    }
  }
  throw new DOMException(
    `Could not serialize object of type "${name}". This type does not support serialization.`,
    "DataCloneError",
  );
}

// Objects of the language that no class of an author's makes.
function refuseBuiltIn(value) {
  let name;
  if (core.isPromise(value)) name = "Promise";
  else if (core.isWeakMap(value)) name = "WeakMap";
  else if (core.isWeakSet(value)) name = "WeakSet";
  else if (core.isGeneratorObject(value)) name = "Generator";
  if (name !== undefined) throw new DOMException(`#<${name}> could not be cloned.`, "DataCloneError");
}

const isTarget = (value) => ObjectPrototypeIsPrototypeOf(RpcTarget.prototype, value);

// An object that was met, and what stands for it.
class Seen {
  constructor(value, copy, next) {
    this.value = value;
    this.copy = copy;
    this.next = next;
  }
}
ObjectSetPrototypeOf(Seen.prototype, null);

// How many objects are looked for one by one: a table costs more than a few.
const FEW = 8;

class Copying {
  // Objects that were met: a list, and a table once they are many.
  few = null;
  met = 0;
  many = null;
  // What crosses as a stub, in the order of the markers: `{ node }` or `{ object, instance }`.
  slots = [];
  // Its streams, in the order of their places: `js/rpc/objects.js` sends them.
  streams = [];
  // Objects that are being taken apart.
  open = null;
  size = 0;
  depth = 0;
  // Gives a slot for what else crosses as a stub, or undefined.
  find;
  // Whether it is of a call's arguments: whoever passes an object keeps it where it can be duplicated.
  passes;

  constructor(find, passes) {
    this.find = find;
    this.passes = passes;
  }

  count(bytes) {
    this.size += bytes;
    if (this.size > MOST) {
      throw new Error(
        `Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: at least ${this.size} bytes.`,
      );
    }
  }

  // What stands for an object, if it was met.
  known(value) {
    if (this.many !== null) return MapPrototypeGet(this.many, value);
    for (let seen = this.few; seen !== null; seen = seen.next) {
      if (seen.value === value) return seen.copy;
    }
    return undefined;
  }

  meet(value, copy) {
    if (this.many !== null) {
      MapPrototypeSet(this.many, value, copy);
      return;
    }
    this.few = new Seen(value, copy, this.few);
    if (++this.met < FEW) return;
    this.many = new SafeMap();
    for (let seen = this.few; seen !== null; seen = seen.next) MapPrototypeSet(this.many, seen.value, seen.copy);
    this.few = null;
  }

  slot(value, slot) {
    const marker = new Marker(STUB, this.slots.length);
    ArrayPrototypePush(this.slots, slot);
    this.meet(value, marker);
    this.count(16);
    return marker;
  }

  // The slot of an object that others will call, and dispose of. `instance` as in `js/rpc/records.js`.
  given(value, instance) {
    const dup = this.passes ? value.dup : undefined;
    if (typeof dup !== "function") return this.slot(value, { __proto__: null, node: undefined, object: value, instance });
    const duplicate = ReflectApply(dup, value, []);
    const node = nodeOf(duplicate);
    if (node?.type === "stub") return this.slot(value, { __proto__: null, node, object: null, instance: false });
    const isFunction = typeof duplicate === "function" && node === undefined;
    if (!isFunction && !isTarget(duplicate)) throw new TypeError("RPC failed: dup() gave nothing that can be called");
    return this.slot(value, { __proto__: null, node: undefined, object: duplicate, instance: isFunction });
  }

  // The place of one more stream.
  stream(stream) {
    ArrayPrototypePush(this.streams, stream);
    this.count(16);
    return this.streams.length - 1;
  }

  record() {
    return new Plain();
  }

  put(record, key, value) {
    this.count(key.length + 2);
    record[key] = this.copy(value);
  }

  copy(value) {
    const type = typeof value;
    if (type === "string") {
      this.count(value.length + 4);
      return value;
    }
    if (type !== "object" && type !== "function") {
      this.count(8);
      if (type === "symbol") throw new DOMException(`${SymbolPrototypeToString(value)} could not be cloned.`, "DataCloneError");
      return value;
    }
    if (value === null) return value;
    const known = this.known(value);
    if (known !== undefined) {
      this.count(4);
      return known;
    }
    if (++this.depth > DEEPEST) throw new RangeError(`RPC failed: the value is deeper than ${DEEPEST} levels`);
    const copied = this.object(value, type);
    this.depth--;
    return copied;
  }

  object(value, type) {
    const found = this.find === undefined ? undefined : this.find(value);
    if (found !== undefined) return this.slot(value, found);
    const node = nodeOf(value);
    if (node !== undefined) {
      if (node.type === "promise" || node.type === "property" || node.begin !== null) refuse(value);
      return this.slot(value, { __proto__: null, node, object: null, instance: false });
    }
    if (type === "function") return this.given(value, true);
    const prototype = ReflectGetPrototypeOf(value);
    if (core.isProxy(value)) {
      if (prototype === ObjectPrototype) return this.slot(value, { __proto__: null, node: undefined, object: value, instance: true });
      if (isTarget(value)) return this.given(value, false);
      throw new DOMException(
        "Proxy could not be serialized because it is not a valid RPC receiver type. The Proxy must emulate either a plain object " +
          "or an RpcTarget, as indicated by the Proxy's prototype chain.",
        "DataCloneError",
      );
    }
    if (ArrayIsArray(value)) return this.array(value);
    if (prototype === ObjectPrototype) return this.members(value);
    if (isTarget(value)) return this.given(value, false);
    return this.builtIn(value);
  }

  members(value) {
    const copied = new Plain();
    const keys = ObjectKeys(value);
    this.meet(value, copied);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      this.count(key.length + 2);
      // No prototype has a setter for it.
      copied[key] = this.copy(value[key]);
    }
    return copied;
  }

  array(value) {
    const { length } = value;
    const copied = [];
    copied.length = length;
    this.count(8);
    this.meet(value, copied);
    const keys = ObjectKeys(value);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      this.count(key.length + 2);
      define(copied, key, this.copy(value[key]), true);
    }
    return copied;
  }

  // A list of arguments, which no author holds.
  list(args) {
    this.depth++;
    this.count(8);
    switch (args.length) {
      case 0:
        return [];
      case 1:
        return [this.copy(args[0])];
      case 2:
        return [this.copy(args[0]), this.copy(args[1])];
      case 3:
        return [this.copy(args[0]), this.copy(args[1]), this.copy(args[2])];
    }
    this.depth--;
    return this.copy(args);
  }

  builtIn(value) {
    if (core.isDate(value) || core.isRegExp(value) || core.isBoxedPrimitive(value)) {
      this.count(64);
      this.meet(value, value);
      return value;
    }
    if (core.isMap(value)) {
      const copied = new Map();
      this.meet(value, copied);
      MapPrototypeForEach(value, (item, key) => MapPrototypeSet(copied, this.copy(key), this.copy(item)));
      return copied;
    }
    if (core.isSet(value)) {
      const copied = new Set();
      this.meet(value, copied);
      SetPrototypeForEach(value, (item) => SetPrototypeAdd(copied, this.copy(item)));
      return copied;
    }
    if (core.isArrayBuffer(value) || core.isArrayBufferView(value)) {
      const bytes = isPlainView(value);
      if (bytes === null) {
        throw new DOMException("A detached buffer can not cross by RPC", "DataCloneError");
      }
      this.count(bytes.size + 16);
      this.meet(value, bytes.value);
      return bytes.value;
    }
    // An error may be its own cause, which nobody can write.
    this.open ??= new SafeSet();
    if (SetPrototypeHas(this.open, value)) return undefined;
    SetPrototypeAdd(this.open, value);
    const apart = takeApart(this, value);
    SetPrototypeDelete(this.open, value);
    if (apart === undefined) {
      refuseBuiltIn(value);
      return refuse(value);
    }
    const marker = new Marker(apart.kind, apart.plain);
    this.meet(value, marker);
    return marker;
  }
}

function copyValue(value, find = undefined) {
  const copying = new Copying(find, false);
  return new Copied(copying.copy(value), copying.slots, copying.streams);
}

function copyArguments(args) {
  const copying = new Copying(undefined, true);
  return new Copied(copying.list(args), copying.slots, copying.streams);
}

return { copyArguments, copyValue, isTarget, MARKERS, setNodeOf };
})();
