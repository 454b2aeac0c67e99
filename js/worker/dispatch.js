// One event: a request from Rust to the author's handler, and its response back.
(function () {
const { core, primordials } = __bootstrap;
const { op_event_fail, op_event_respond } = core.ops;
const { ArrayPrototypeMap, ObjectPrototypeIsPrototypeOf, TypeError } = primordials;
const { fromInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { ResponsePrototype, toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { ResourceBody, takeBody } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { isCoded } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { EventRequest } = core.loadExtScript("ext:workerd_lite/fetch/event_request.js");
const { joinHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { cancelContext, endContext, enterContext, startContext } = core.loadExtScript(
  "ext:workerd_lite/worker/context.js",
);
const { describe } = core.loadExtScript("ext:workerd_lite/worker/describe.js");
const { findHandler, makeExports } = core.loadExtScript("ext:workerd_lite/worker/entrypoints.js");
const { ExecutionContext } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");

let callers;

// Who may call, in the order that Rust counts them: `{ agent, props, env, entrypoint }` each, `agent` and `props` as JSON.
function setCallers(list) {
  callers = list;
}

// Finds the author's handler for each caller. Gives null, or what is wrong.
function setHandlers(namespace) {
  makeExports(namespace);
  const complaints = ArrayPrototypeMap(callers, (caller) => {
    const { complaint, handler } = findHandler(namespace, caller.entrypoint);
    caller.handler = handler;
    return complaint;
  });
  for (let i = 0; i < complaints.length; i++) {
    if (complaints[i] !== null) return complaints[i];
  }
  return null;
}

// A file of tests has handlers of ours, which find its tests.
function setTestHandlers(namespace) {
  makeExports(namespace);
  return core.loadExtScript("ext:workerd_lite/testing/runner.js").setTests(namespace, callers);
}

function newRequest(context, method, url, headers, rid) {
  const body = rid === null ? null : ResourceBody.of(rid);
  return fromInnerRequest(new EventRequest(context, method, url, headers, body), "immutable");
}

function respond(context, response) {
  const inner = ObjectPrototypeIsPrototypeOf(ResponsePrototype, response) ? toInnerResponse(response) : undefined;
  if (inner === undefined) {
    throw new TypeError("the fetch() handler did not return a Response");
  }
  if (inner.type === "error" || inner.status < 200) {
    throw new TypeError(`the fetch() handler returned a Response that can not be sent (status ${inner.status})`);
  }
  const body = takeBody(inner.body);
  // It may have called process.exit().
  if (context.ended) return;
  context.responded = true;
  const ended = op_event_respond(
    context.id,
    inner.status,
    inner.statusMessage,
    joinHeaders(inner.headerList),
    body,
    !isCoded(inner),
    context.waiting === 0,
  );
  if (ended) endContext(context.id);
}

async function run(context, request, ctx) {
  try {
    respond(context, await context.caller.handler(request, context.caller.env, ctx));
  } catch (thrown) {
    if (context.ended) return;
    const { summary, stack } = describe(thrown);
    context.responded = true;
    if (op_event_fail(context.id, summary, stack, context.waiting === 0)) endContext(context.id);
  }
}

// Rust calls this for each event.
function dispatch(id, method, url, headers, rid, caller) {
  const context = startContext(id, callers[caller]);
  const previous = enterContext(context);
  run(context, newRequest(context, method, url, headers, rid), new ExecutionContext(context));
  core.setAsyncContext(previous);
}

return { cancel: cancelContext, dispatch, end: endContext, setCallers, setHandlers, setTestHandlers };
})();
