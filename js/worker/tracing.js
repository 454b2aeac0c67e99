// `tracing` of `cloudflare:workers` and of `ctx`: spans of code, which nobody records here.
(function () {
const { primordials } = __bootstrap;
const { ObjectFreeze, ReflectApply, SafeArrayIterator } = primordials;

class Span {
  get isTraced() {
    return false;
  }

  setAttribute() {}
}

const tracing = ObjectFreeze({
  __proto__: null,
  enterSpan: (_name, callback, ...args) => ReflectApply(callback, undefined, [new Span(), ...new SafeArrayIterator(args)]),
  Span,
});

return { tracing };
})();
