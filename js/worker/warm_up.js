// Calls what nearly every event calls, once, while the snapshot is made: it has the code of these then, and no isolate compiles them
// anew. Nothing here calls an op, or leaves anything behind. js/eager.rs has those that can not be called so.
(function () {
const { core } = __bootstrap;
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { Headers, headerListFromHeaders, headersFromHeaderList } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { fromInnerRequest, Request, toInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { Response, toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { takeBody } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { isCoded } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { EventRequest } = core.loadExtScript("ext:workerd_lite/fetch/event_request.js");
const { joinHeaders, parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { EventContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { ExecutionContext } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");
const { copyValue } = core.loadExtScript("ext:workerd_lite/rpc/copy.js");
const { newLoopback } = core.loadExtScript("ext:workerd_lite/rpc/stub.js");
const { takeSocketOf } = core.loadExtScript("ext:workerd_lite/fetch/sockets.js");
const { WorkerEntrypoint } = core.loadExtScript("ext:workerd_lite/worker/base_classes.js");

function answer(body, init) {
  const inner = toInnerResponse(new Response(body, init));
  takeBody(inner.body);
  isCoded(inner);
  takeSocketOf(inner);
  joinHeaders(inner.headerList);
}

function ask(context) {
  const request = fromInnerRequest(new EventRequest(context, "GET", "http://a.example/b?c=d", "accept\n*/*", null), "immutable");
  request.headers.get("accept");
  headersFromHeaderList(parseHeaders("accept\n*/*"), "immutable");
  const url = new URL(request.url);
  url.searchParams.get("c");
  return [url.pathname, url.search, url.hostname, request.method];
}

function warmUp() {
  const context = new EventContext(0, null);
  new ExecutionContext(context);
  ask(context);
  toInnerRequest(new Request("http://a.example/", { method: "POST", headers: { accept: "*/*" }, body: "x" }));
  headerListFromHeaders(new Headers([["accept", "*/*"]]));
  answer("x", undefined);
  answer("{}", { status: 201, headers: { "content-type": "application/json" } });
  copyValue([{ a: 1, b: ["x", null, true] }]);
  new WorkerEntrypoint(undefined, undefined);
  newLoopback(null, null, null);
  // What they are without us. Boot sets ours.
  core.setReportExceptionCallback(null);
  core.setUnhandledPromiseRejectionHandler(() => false);
}

return { warmUp };
})();
