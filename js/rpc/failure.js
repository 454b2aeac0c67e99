// What a script has thrown, as others are told of it.
(function () {
const { core, primordials } = __bootstrap;
const { op_rpc_encode } = core.ops;
const { Error, ReflectGetPrototypeOf, String, TypeError, Uint8Array } = primordials;
const { DOMExceptionPrototype } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { describeWhole } = core.loadExtScript("ext:workerd_lite/worker/describe.js");
const { RpcError } = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");
const { copyValue, MARKERS } = core.loadExtScript("ext:workerd_lite/rpc/copy.js");

const STANDARD = [
  [Error.prototype, "Error"],
  [primordials.EvalError.prototype, "EvalError"],
  [primordials.RangeError.prototype, "RangeError"],
  [primordials.ReferenceError.prototype, "ReferenceError"],
  [primordials.SyntaxError.prototype, "SyntaxError"],
  [TypeError.prototype, "TypeError"],
  [primordials.URIError.prototype, "URIError"],
];

const NOTHING = new Uint8Array(0);
const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

let isPolicy = false;
function setFailureRole(role) {
  isPolicy = role === "outbound";
}

// All of it as bytes, where it can be written and takes nothing along. A policy's stays with it: its agents read names and messages.
function valueOf(thrown) {
  if (!isObject(thrown) || isPolicy) return NOTHING;
  try {
    const copied = copyValue(thrown);
    return copied.slots.length > 0 || copied.streams.length > 0 ? NOTHING : op_rpc_encode(copied.value, MARKERS);
  } catch {
    return NOTHING;
  }
}

// `told` is whether an agent may read its name and message where a policy has thrown it.
function failureOf(thrown) {
  const { summary, stack } = describeWhole(thrown);
  let name = "Error";
  let message = summary;
  let told = false;
  try {
    const prototype = isObject(thrown) ? ReflectGetPrototypeOf(thrown) : null;
    for (let i = 0; i < STANDARD.length; i++) {
      if (STANDARD[i][0] === prototype) {
        told = true;
        name = STANDARD[i][1];
      }
    }
    if (prototype === DOMExceptionPrototype) {
      told = true;
      name = `DOMException ${thrown.name}`;
    } else if (!told && core.isNativeError(thrown)) {
      name = String(thrown.name);
      told = thrown instanceof RpcError;
    }
    if (core.isNativeError(thrown) || prototype === DOMExceptionPrototype) message = String(thrown.message);
  } catch {
    told = false;
  }
  return { __proto__: null, name, message, told, stack: stack || summary, value: valueOf(thrown) };
}

return { failureOf, setFailureRole };
})();
