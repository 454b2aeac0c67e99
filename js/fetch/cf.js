// `cf` of a request or a response that a script made: data of its own, which nothing here acts upon. It stays within the isolate.
// https://developers.cloudflare.com/workers/runtime-apis/request/#the-cf-property-requestinitcfproperties
(function () {
const { core, primordials } = __bootstrap;
const { SafeWeakMap, TypeError, WeakMapPrototypeGet, WeakMapPrototypeSet } = primordials;

// By the inside of a request or response.
const known = new SafeWeakMap();

const cfOf = (inner) => WeakMapPrototypeGet(known, inner);

// A copy of `cf`, of which later changes are nobody else's.
function setCf(inner, cf) {
  if (cf === undefined || cf === null) return;
  if (typeof cf !== "object") throw new TypeError("cf: it is no object");
  WeakMapPrototypeSet(known, inner, core.loadExtScript("ext:deno_web/13_message_port.js").structuredClone(cf));
}

function copyCf(from, to) {
  setCf(to, cfOf(from));
  return to;
}

return { cfOf, copyCf, setCf };
})();
