// What came by RPC, without own properties called `__proto__`: whoever copies or merges it (`Object.assign()`) would give its copy another
// prototype, or change `Object.prototype`. It is asked for where a message has such a name at all.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototypePush,
  MapPrototypeForEach,
  ObjectHasOwn,
  ObjectKeys,
  ObjectPrototype,
  ReflectDeleteProperty,
  ReflectGetPrototypeOf,
  SafeSet,
  SetPrototypeAdd,
  SetPrototypeForEach,
  SetPrototypeHas,
} = primordials;

const NAME = "__proto__";
const HIDDEN = ["cause", "errors"];

// The objects that are still to be looked at: a message nests deeper than the stack.
class Walk {
  list = [];
  seen = new SafeSet();

  add(value) {
    if (typeof value !== "object" || value === null || SetPrototypeHas(this.seen, value)) return;
    SetPrototypeAdd(this.seen, value);
    ArrayPrototypePush(this.list, value);
  }

  members(object) {
    if (ObjectHasOwn(object, NAME)) ReflectDeleteProperty(object, NAME);
    const keys = ObjectKeys(object);
    for (let i = 0; i < keys.length; i++) this.add(object[keys[i]]);
  }

  look(value) {
    if (core.isMap(value)) {
      MapPrototypeForEach(value, (item, key) => {
        this.add(key);
        this.add(item);
      });
    } else if (core.isSet(value)) {
      SetPrototypeForEach(value, (item) => this.add(item));
    } else if (core.isNativeError(value)) {
      for (let i = 0; i < HIDDEN.length; i++) {
        if (ObjectHasOwn(value, HIDDEN[i])) this.add(value[HIDDEN[i]]);
      }
      this.members(value);
    } else if (ArrayIsArray(value) || ReflectGetPrototypeOf(value) === ObjectPrototype) {
      this.members(value);
    }
  }
}

// `others` are values that are reached by an object of the platform alone.
function withoutOwnProto(value, others) {
  const walk = new Walk();
  walk.add(value);
  for (let i = 0; i < others.length; i++) walk.add(others[i]);
  for (let i = 0; i < walk.list.length; i++) walk.look(walk.list[i]);
  return value;
}

return { withoutOwnProto };
})();
