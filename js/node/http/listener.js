// What becomes of a request whose listener throws, or gives a promise that is rejected. In Node the process may end, and the client sees
// its connection go; here the client is told at once that there is no answer, and the log what failed.
(function () {
const { core, primordials } = __bootstrap;
const { FunctionPrototypeCall, PromisePrototypeThen, SafeArrayIterator } = primordials;

// The server whose listeners are called now, and the response that they are to send.
let server = null;
let response = null;

function fail(res) {
  if (res.destroyed || res.writableEnded) return;
  if (res.headersSent) {
    res.destroy();
    return;
  }
  // They were of another answer.
  for (const name of new SafeArrayIterator(res.getHeaderNames())) res.removeHeader(name);
  res.statusCode = 500;
  res.end("Internal Server Error");
}

// Tells the server's listeners of a request.
function tell(of, type, req, res) {
  const before = [server, response];
  server = of;
  response = res;
  try {
    of.emit(type, req, res);
  } catch (error) {
    core.loadExtScript("ext:workerd_lite/worker/global_events.js").exception(error);
    fail(res);
  } finally {
    server = before[0];
    response = before[1];
  }
}

// `result` is what a listener of `emitter` gave.
function watch(emitter, result) {
  if (emitter !== server || server === null) return;
  const res = response;
  const rejected = (error) => {
    fail(res);
    // Nobody has handled it.
    throw error;
  };
  if (core.isPromise(result)) PromisePrototypeThen(result, undefined, rejected);
  else if (typeof result === "object" && typeof result.then === "function") FunctionPrototypeCall(result.then, result, undefined, rejected);
}

return { tell, watch };
})();
