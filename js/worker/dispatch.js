// One event: a request from Rust to the author's handler, and its response back.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_failed, op_event_fail, op_event_respond } = core.ops;
const {
  ArrayPrototypeMap,
  ArrayPrototypePush,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectPrototypeIsPrototypeOf,
  SafeMap,
  TypeError,
} = primordials;
const { fromInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { ResponsePrototype, toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { ResourceBody, takeBody } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { isCoded } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { deferCf } = core.loadExtScript("ext:workerd_lite/fetch/cf.js");
const { EventRequest } = core.loadExtScript("ext:workerd_lite/fetch/event_request.js");
const { socketOf, takeSocketOf } = core.loadExtScript("ext:workerd_lite/fetch/sockets.js");
const { joinHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { cancelContext, endContext, enterContext, startContext } = core.loadExtScript(
  "ext:workerd_lite/worker/context.js",
);
const { describeWhole } = core.loadExtScript("ext:workerd_lite/worker/describe.js");
const { findHandler, isEmptyCommonJs, makeExports } = core.loadExtScript("ext:workerd_lite/worker/entrypoints.js");
const { pretendedService } = core.loadExtScript("ext:workerd_lite/rpc/entrypoint.js");
const { rpc, setDoors, setRpcCallers } = core.loadExtScript("ext:workerd_lite/rpc/receive.js");
const { handlersOfListeners } = core.loadExtScript("ext:workerd_lite/worker/service_worker.js");
const { ExecutionContext } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");

// No request of a client's or a script's has it: somebody asks for a connection, to `url`.
const CONNECT = "CONNECT";

let callers;

// What the author's module exports.
let exported;

// What runs once a handler has been called, in any event: `process.nextTick()` has its callbacks called before any timer, as in Node.
let afterCall = null;

function setAfterCall(fn) {
  afterCall = fn;
}

// Who may call, in the order that Rust counts them: `{ agent, props, env, entrypoint, doors }` each, `agent` and `props` as JSON.
function setCallers(list) {
  callers = list;
  setRpcCallers(list);
}

// Further callers, which join while the worker runs. An entrypoint that is not there fails their events, and nobody else's.
function addCallers(list) {
  for (let i = 0; i < list.length; i++) {
    const caller = list[i];
    const { complaint, connect, handler } = findHandler(exported, caller.entrypoint);
    caller.connect = connect;
    caller.handler = complaint === null ? handler : () => {
      throw new TypeError(complaint);
    };
    setDoors(exported, [caller]);
    ArrayPrototypePush(callers, caller);
  }
}

// Finds the author's handler for each caller. `others` says whether handlers of other events than requests will do. Gives null, or what
// is wrong.
function setHandlers(namespace, others) {
  if (others && (namespace.default === undefined || isEmptyCommonJs(namespace))) {
    const handlers = handlersOfListeners();
    if (handlers !== undefined) namespace = { __proto__: null, default: handlers };
  }
  exported = namespace;
  makeExports(namespace);
  const wrong = setDoors(namespace, callers);
  const complaints = ArrayPrototypeMap(callers, (caller) => {
    const { complaint, connect, handler, lacks = null } = findHandler(namespace, caller.entrypoint, others);
    caller.connect = connect;
    caller.handler = handler;
    // A default export may be for calls alone. One that is named for an agent's requests is for those.
    return complaint === null && caller.entrypoint !== null ? lacks : complaint;
  });
  for (let i = 0; i < complaints.length; i++) {
    if (complaints[i] !== null) return complaints[i];
  }
  return wrong;
}

// A file of tests has handlers of ours, which find its tests. Its exports are called by workers that it has loaded.
function setTestHandlers(namespace) {
  exported = namespace;
  setDoors(namespace, []);
  makeExports(namespace);
  return core.loadExtScript("ext:workerd_lite/testing/runner.js").setTests(namespace, callers);
}

// The handlers of exports that were called by their names.
const named = new SafeMap();

function handlersNamed(entrypoint) {
  const service = pretendedService(entrypoint);
  if (service !== undefined) return { __proto__: null, connect: null, handler: (request, env, ctx) => service.fetch(request, env, ctx) };
  const known = MapPrototypeGet(named, entrypoint);
  if (known !== undefined) return known;
  const { complaint, connect, handler } = findHandler(exported, entrypoint);
  if (complaint !== null) {
    const refused = () => {
      throw new TypeError(`the worker can not be called so: ${complaint}`);
    };
    return { __proto__: null, connect: null, handler: refused };
  }
  const found = { __proto__: null, connect, handler };
  MapPrototypeSet(named, entrypoint, found);
  return found;
}

// Who calls: one of the callers, on behalf of another agent where `agent` says so, or what calls an entrypoint of a loaded worker.
function callerOf(caller, agent, entrypoint, props, door) {
  // Whoever calls a loaded worker is its loader.
  const known = callers[caller] ?? callers[0];
  if (props !== null) return { __proto__: null, ...known, props, entrypoint, ...handlersNamed(entrypoint) };
  if (door !== null) {
    const { props, entrypoint } = known.doors[door];
    return { __proto__: null, ...known, agent: agent ?? known.agent, props, entrypoint, ...handlersNamed(entrypoint) };
  }
  return agent === null ? known : { __proto__: null, ...known, agent };
}

function newRequest(context, method, url, headers, rid, cf) {
  const body = rid === null ? null : ResourceBody.of(rid);
  const inner = new EventRequest(context, method, url, headers, body);
  if (cf !== null) deferCf(inner, cf);
  return fromInnerRequest(inner, "immutable");
}

// A response's stream has failed. Whoever reads the response learns only that it is not whole. Where nobody does, what has failed is nothing
// to tell of: a stream of something that was given up with the request.
function bodyFailed(context, error) {
  if (context.ended || context.aborted) return;
  const { summary, stack } = describeWhole(error);
  op_body_failed(stack || summary, context.id);
}

function respond(context, response) {
  const inner = ObjectPrototypeIsPrototypeOf(ResponsePrototype, response) ? toInnerResponse(response) : undefined;
  if (inner === undefined) {
    throw new TypeError("the fetch() handler did not return a Response");
  }
  if (inner.type === "error") {
    throw new TypeError("Return value from serve handler must not be an error response (like Response.error())");
  }
  if (inner.status < 200 && socketOf(inner) === null) {
    throw new TypeError(`the fetch() handler returned a Response that can not be sent (status ${inner.status})`);
  }
  const body = takeBody(inner.body, inner.body === null ? undefined : (error) => bodyFailed(context, error));
  const socket = takeSocketOf(inner);
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
    socket,
  );
  if (ended) endContext(context.id);
}

async function run(context, request, ctx) {
  try {
    respond(context, await context.caller.handler(request, context.caller.env, ctx));
  } catch (thrown) {
    if (context.ended) return;
    const { summary, stack } = describeWhole(thrown);
    context.responded = true;
    if (op_event_fail(context.id, summary, stack, context.waiting === 0)) endContext(context.id);
  }
}

// Rust calls this for each event. Gives what only its handling keeps: where that is collected, nothing is left that could go on with it.
function dispatch(id, method, url, headers, rid, caller, agent, entrypoint, props, door, cf) {
  const context = startContext(id, callerOf(caller, agent, entrypoint, props, door));
  const previous = enterContext(context);
  let handling;
  if (method === CONNECT) {
    const { serve, takeKept } = core.loadExtScript("ext:workerd_lite/sockets/inbound.js");
    serve(context, url, headers, new ExecutionContext(context));
    handling = takeKept();
  } else handling = run(context, newRequest(context, method, url, headers, rid, cf), new ExecutionContext(context));
  core.setAsyncContext(previous);
  if (afterCall !== null) afterCall();
  return handling;
}

return { addCallers, cancel: cancelContext, dispatch, end: endContext, rpc, setAfterCall, setCallers, setHandlers, setTestHandlers };
})();
