// Scripts of ours that are in no snapshot: each is evaluated when it is first asked for. What deno_core has in their place asks for them here.
(function () {
const { core, primordials } = __bootstrap;
const { Error, Map, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, StringPrototypeStartsWith } = primordials;

const NODE = "ext:deno_node";
const OURS = "ext:workerd_lite/node/";

const LOADING = { __proto__: null };
const results = new Map();

// What the script gives, called with `bootstrap` for its `__bootstrap`.
function load(specifier, bootstrap) {
  const known = MapPrototypeGet(results, specifier);
  if (known === LOADING) throw new Error(`${specifier} waits for itself`);
  if (known !== undefined) return known;
  MapPrototypeSet(results, specifier, LOADING);
  let result;
  try {
    result = core.ops.op_residual_script(specifier, bootstrap);
  } finally {
    if (result === undefined) MapPrototypeDelete(results, specifier);
    else MapPrototypeSet(results, specifier, result);
  }
  return result;
}

let inner;

function loadNode(specifier) {
  if (StringPrototypeStartsWith(specifier, OURS)) return load(specifier, around);
  if (!StringPrototypeStartsWith(specifier, NODE)) return core.loadExtScript(specifier);
  inner ??= load("ext:workerd_lite/node/bootstrap.js", around);
  return load(specifier, inner);
}

// What Node's scripts and ours around them are given: these ask here for each other. deno_core would first compile what stands in the
// place of each.
const around = { __proto__: null, ...__bootstrap, core: { __proto__: core, loadExtScript: loadNode } };

return { load, loadNode };
})();
