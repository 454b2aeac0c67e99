// Entrypoints: what a module exports whose methods others call.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/service-bindings/rpc/
(function () {
const { core, primordials } = __bootstrap;
const { ObjectPrototype, ObjectPrototypeIsPrototypeOf, ReflectConstruct, ReflectGetPrototypeOf } = primordials;
const { Callee } = core.loadExtScript("ext:workerd_lite/rpc/records.js");
const { WorkerEntrypoint } = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");

// Names that mean something else on an entrypoint than a method to be called.
const RESERVED = {
  __proto__: null,
  alarm: true,
  connect: true,
  constructor: true,
  dup: true,
  fetch: true,
  webSocketClose: true,
  webSocketError: true,
  webSocketMessage: true,
};

// What tests have in the place of services: gives an object by its name.
let pretended = () => undefined;
function setPretended(fn) {
  pretended = fn;
}
const pretendedService = (name) => pretended(name);

// What an export is called by: `{ complaint, make }`. `make` takes `ctx` and `env`.
function entrypointOf(namespace, name) {
  const service = pretended(name);
  if (service !== undefined) {
    const instance = ReflectGetPrototypeOf(service) === ObjectPrototype;
    return { complaint: null, make: () => new Callee(service, instance, RESERVED) };
  }
  const value = namespace[name ?? "default"];
  const what = name === null || name === undefined ? "its default export" : `its export ${name}`;
  if (value === undefined) return { complaint: `${what}, which a service names, is not there`, make: null };
  if (typeof value === "function") {
    if (!ObjectPrototypeIsPrototypeOf(WorkerEntrypoint, value)) {
      return { complaint: `${what}, which a service names, does not extend WorkerEntrypoint`, make: null };
    }
    return {
      complaint: null,
      make: (ctx, env) => new Callee(ReflectConstruct(value, [ctx, env]), false, RESERVED),
    };
  }
  if (!(typeof value === "object" && value !== null)) return { complaint: `${what}, which a service names, is no class and no object`, make: null };
  return {
    complaint: null,
    make: (ctx, env) => new Callee(value, true, RESERVED, { __proto__: null, env, ctx }),
  };
}

return { entrypointOf, pretendedService, setPretended };
})();
