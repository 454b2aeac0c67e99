// Services of the worker that a test file is a part of: in its `env`, as on Workers.
(function () {
const { core, primordials } = __bootstrap;
const { TypeError } = primordials;
const { nodeOf } = core.loadExtScript("ext:workerd_lite/rpc/stub.js");
const { exportsNow } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");
const { outcomeOf } = core.loadExtScript("ext:workerd_lite/testing/handlers.js");
const { queueOf } = core.loadExtScript("ext:workerd_lite/testing/queues.js");

// Calls the handler of cron triggers: `scheduled({ scheduledTime, cron })`, as workerd's tests do. Gives `{ outcome, noRetry }`.
function scheduledOf(node) {
  return async ({ scheduledTime = Date.now(), cron = "" } = {}) => {
    let noRetry = false;
    const controller = { scheduledTime: Number(scheduledTime), cron, noRetry: () => { noRetry = true; } };
    const outcome = await outcomeOf(node, "scheduled", controller);
    return { outcome, noRetry };
  };
}

// A stub with what only tests call.
function withHandlers(stub) {
  const node = nodeOf(stub);
  node.handlers ??= { __proto__: null, queue: queueOf(node), scheduled: scheduledOf(node) };
  return stub;
}

// Another agent's: `fetch()` goes to the agent itself. Its methods are `t.service()`'s to stand in for.
function ofAgent(t, agent, binding) {
  const fetch = (input, init = undefined) => t.agent(agent).fetch(input, { redirect: "follow", ...init });
  const get = (target, name) => {
    if (name in target || typeof name === "symbol" || name === "then") return target[name];
    throw new TypeError(`env.${binding}.${name}: a test calls fetch() of other agents, and no methods`);
  };
  return new Proxy({ fetch }, { get });
}

// Puts `services` into `env`: `{ binding, agent, entrypoint, props }` each, of which those without an agent are the file's own.
function giveServices(env, services, t) {
  for (const { binding, agent, entrypoint, props } of services) {
    if (agent !== null) {
      env[binding] = ofAgent(t, agent, binding);
      continue;
    }
    const name = entrypoint ?? "default";
    const stub = exportsNow()[name];
    if (stub === undefined) throw new TypeError(`env.${binding} is a service of this file, which has no export ${JSON.stringify(name)}`);
    env[binding] = withHandlers(Object.keys(props).length === 0 ? stub : stub({ props }));
  }
}

return { giveServices };
})();
