// `ctx.identity` of the outbound worker: tokens that prove to upstreams which agent is calling.
(function () {
const { core, primordials } = __bootstrap;
const { op_identity_token } = core.ops;
const { ArrayIsArray, ArrayPrototypeMap, JSONStringify, ObjectFreeze, String, TypeError } = primordials;

function identityOf(context) {
  return ObjectFreeze({
    // A JWT for one audience or several, with further claims.
    async token({ audience, claims = {} } = {}) {
      if (audience === undefined) throw new TypeError("ctx.identity.token() needs an audience");
      const audiences = ArrayIsArray(audience) ? ArrayPrototypeMap(audience, (one) => String(one)) : [String(audience)];
      return op_identity_token(context.id, audiences, JSONStringify(claims));
    },
  });
}

return { identityOf };
})();
