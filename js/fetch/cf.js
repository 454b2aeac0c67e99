// `cf` of an event's request, which says what is known of its client, and of a request or a response that a script made: data of its
// own, which nothing here acts upon. It stays within the isolate.
// https://developers.cloudflare.com/workers/runtime-apis/request/#the-cf-property-requestinitcfproperties
(function () {
const { core, primordials } = __bootstrap;
const { JSONParse, SafeWeakMap, TypeError, WeakMapPrototypeGet, WeakMapPrototypeSet } = primordials;

// By the inside of a request or response.
const known = new SafeWeakMap();

// Of an event's request it is text until somebody wants it.
function cfOf(inner) {
  const cf = WeakMapPrototypeGet(known, inner);
  if (typeof cf !== "string") return cf;
  const parsed = JSONParse(cf);
  WeakMapPrototypeSet(known, inner, parsed);
  return parsed;
}

function deferCf(inner, text) {
  WeakMapPrototypeSet(known, inner, text);
}

// A copy of `cf`, of which later changes are nobody else's.
function setCf(inner, cf) {
  if (cf === undefined || cf === null) return;
  if (typeof cf !== "object") throw new TypeError("cf: it is no object");
  WeakMapPrototypeSet(known, inner, core.loadExtScript("ext:deno_web/13_message_port.js").structuredClone(cf));
}

// What is said twice, and may contradict itself: the same words as workerd's.
function checkCf(cf, cache) {
  if (typeof cf !== "object" || cf === null || cf.cacheControl === undefined) return;
  if (cf.cacheTtl !== undefined) {
    throw new TypeError(
      "The 'cacheControl' and 'cacheTtl' options on cf are mutually exclusive. Use 'cacheControl' for explicit Cache-Control header " +
        "directives, or 'cacheTtl' for a simplified TTL, but not both.",
    );
  }
  if (cache !== undefined) {
    throw new TypeError(
      "The 'cacheControl' option on cf cannot be used together with the 'cache' request option. The 'cache' option " +
        "('no-store'/'no-cache') maps to cache TTL behavior internally, which conflicts with explicit Cache-Control directives.",
    );
  }
}

function copyCf(from, to) {
  setCf(to, cfOf(from));
  return to;
}

return { cfOf, checkCf, copyCf, deferCf, setCf };
})();
