// Node numbers what is asynchronous for its hooks. Here are no hooks, so nobody is told, and numbers only differ.
(function () {
let last = 1;

function newAsyncId() {
  last += 1;
  return last;
}

const nobody = () => {};

return {
  emitAfter: nobody,
  emitBefore: nobody,
  emitDestroy: nobody,
  emitInit: nobody,
  executionAsyncId: () => 1,
  newAsyncId,
};
})();
