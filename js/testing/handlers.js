// Calls handlers that only tests call by a service, as workerd's tests do.
(function () {
const { core, primordials } = __bootstrap;
const { TypeError } = primordials;
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

// Calls a service's handler for an event. Gives how that ended.
async function outcomeOf(node, name, event) {
  const { object, environment } = node.find(requireContext());
  if (typeof object[name] !== "function") throw new TypeError(`Handler does not export a ${name}() function`);
  const more = environment === undefined ? [] : [environment.env, environment.ctx];
  try {
    await object[name](event, ...more);
    return "ok";
  } catch (error) {
    console.error(error);
    return "exception";
  }
}

return { outcomeOf };
})();
