// Entrypoints: what a module exports whose methods others call.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/service-bindings/rpc/
(function () {
const { core, primordials } = __bootstrap;
const { ObjectPrototype, ObjectPrototypeIsPrototypeOf, ReflectConstruct, ReflectGetPrototypeOf } = primordials;
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
    return { complaint: null, make: () => ({ __proto__: null, object: service, instance, reserved: RESERVED, promise: undefined }) };
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
      make: (ctx, env) => ({
        __proto__: null,
        object: ReflectConstruct(value, [ctx, env]),
        instance: false,
        reserved: RESERVED,
        promise: undefined,
      }),
    };
  }
  if (!(typeof value === "object" && value !== null)) return { complaint: `${what}, which a service names, is no class and no object`, make: null };
  return {
    complaint: null,
    make: (ctx, env) => ({
      __proto__: null,
      object: value,
      instance: true,
      reserved: RESERVED,
      environment: { __proto__: null, env, ctx },
      promise: undefined,
    }),
  };
}

return { entrypointOf, pretendedService, setPretended };
})();
