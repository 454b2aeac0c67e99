// Streams of Node's first kind as bodies: they have `pipe()` and events, and no iterator. npm's `form-data` is one, which knows its own type.
(function () {
const { core, primordials } = __bootstrap;
const { Error, ReflectApply, SafeWeakMap, WeakMapPrototypeGet, WeakMapPrototypeSet } = primordials;
const { ReadableStream } = core.loadExtScript("ext:deno_web/06_streams.js");

// The types that bodies' streams came with.
const types = new SafeWeakMap();

// A stream of what such a stream emits. It is paused while nobody reads.
function streamOfLegacy(legacy) {
  const call = (name, ...values) => {
    const method = legacy[name];
    return typeof method === "function" ? ReflectApply(method, legacy, values) : undefined;
  };
  let ended = false;
  const stream = new ReadableStream({
    __proto__: null,
    start(controller) {
      const end = (finish) => (reason) => {
        if (ended) return;
        ended = true;
        finish(reason);
      };
      call("on", "data", (chunk) => {
        if (ended) return;
        controller.enqueue(typeof chunk === "string" ? core.encode(chunk) : chunk);
        if (controller.desiredSize <= 0) call("pause");
      });
      call("on", "end", end(() => controller.close()));
      call("on", "error", end((reason) => controller.error(reason)));
      call("on", "close", end(() => controller.error(new Error("the stream was closed before its end"))));
    },
    pull() {
      call("resume");
    },
    cancel(reason) {
      ended = true;
      call("destroy", reason);
    },
  });
  const headers = typeof legacy.getHeaders === "function" ? call("getHeaders") : undefined;
  const type = headers?.["content-type"];
  if (typeof type === "string") WeakMapPrototypeSet(types, stream, type);
  return stream;
}

function typeOfStream(stream) {
  return WeakMapPrototypeGet(types, stream) ?? null;
}

return { streamOfLegacy, typeOfStream };
})();
