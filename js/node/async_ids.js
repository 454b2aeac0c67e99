// Node numbers what is asynchronous for its hooks. Here are no hooks, so nobody is told, and numbers only differ.
(function () {
const { primordials } = __bootstrap;
const { Symbol } = primordials;

let last = 1;

function newAsyncId() {
  last += 1;
  return last;
}

const nobody = () => {};

return {
  defaultTriggerAsyncIdScope: (_id, use, ...args) => use(...args),
  emitAfter: nobody,
  emitBefore: nobody,
  emitDestroy: nobody,
  emitInit: nobody,
  enterAsyncResourceIfActive: () => null,
  exitAsyncResourceIfActive: nobody,
  executionAsyncId: () => 1,
  newAsyncId,
  symbols: { __proto__: null, async_id_symbol: Symbol("asyncIdSymbol") },
};
})();
