// Orders of a test to what runs it.
(function () {
const { core } = __bootstrap;
const { op_test_control } = core.ops;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

function control(order) {
  const answer = JSON.parse(op_test_control(currentContext()?.id ?? -1, JSON.stringify(order)));
  if (answer?.refused !== undefined) throw new TypeError(answer.refused);
  return answer;
}

return { control };
})();
