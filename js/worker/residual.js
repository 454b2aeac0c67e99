// Scripts of ours that are in no snapshot: each is evaluated when it is first asked for. What deno_core has in their place asks for them here.
(function () {
const { core, primordials } = __bootstrap;
const { Error, Map, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet } = primordials;

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

return { load };
})();
