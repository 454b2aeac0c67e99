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

class Tracing {
  enterSpan(_name, callback, ...args) {
    return ReflectApply(callback, undefined, [new Span(), ...new SafeArrayIterator(args)]);
  }

  get Span() {
    return Span;
  }
}

return { tracing: ObjectFreeze(new Tracing()) };
})();
