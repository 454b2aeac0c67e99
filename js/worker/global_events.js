// Events of the global scope: `error`, `unhandledrejection` and `rejectionhandled`.
// https://html.spec.whatwg.org/#runtime-script-errors and #unhandled-promise-rejections
(function () {
const { core, primordials } = __bootstrap;
const { op_uncaught } = core.ops;
const { FunctionPrototypeCall, WeakMapPrototypeDelete, WeakMapPrototypeGet, WeakMapPrototypeSet, SafeArrayIterator, SafeWeakMap } = primordials;
const { EventTarget, listenerCount, PromiseRejectionEvent, reportException, setIsTrusted } = core.loadExtScript("ext:deno_web/02_event.js");
const { describeWhole } = core.loadExtScript("ext:workerd_lite/worker/describe.js");

const { dispatchEvent } = EventTarget.prototype;

// Promises whose rejection was told: a handler that comes late is told as well.
const told = new SafeWeakMap();

function report(what) {
  return (thrown) => {
    const { summary, stack } = describeWhole(thrown);
    op_uncaught(what, stack || summary, core.getAsyncContext()?.event?.id ?? 0);
  };
}

// Who hears of them where no listener did, and gives whether it took them: a test's runner.
let taker = null;

function take(thrown, heard) {
  return taker !== null && !heard && taker(thrown);
}

const isHeard = (type) => listenerCount(globalThis, type) > 0;

// And behind it `process.on("uncaughtException")` and its like, once a script has asked for `process`.
let ofProcess = null;

function takeForProcess(handlers) {
  ofProcess = handlers;
}

function takenByProcess(what, ...args) {
  if (ofProcess === null) return false;
  try {
    return ofProcess[what](...new SafeArrayIterator(args));
  } catch (error) {
    uncaught(error);
    return true;
  }
}

const uncaught = report("an exception was not caught");

// What a listener of an `EventTarget` threw, and what `reportError()` was given, when the `error` event was dispatched.
function reported(thrown, heard = false) {
  if (!take(thrown, heard) && !takenByProcess("exception", thrown)) uncaught(thrown);
}

const rejected = report("a promise was rejected and nobody handled it");

// Gives whether no listener prevented what follows.
function dispatch(type, cancelable, promise, reason) {
  const event = new PromiseRejectionEvent(type, { __proto__: null, cancelable, promise, reason });
  setIsTrusted(event, true);
  return FunctionPrototypeCall(dispatchEvent, globalThis, event);
}

function exception(thrown) {
  if (take(thrown, isHeard("error")) || takenByProcess("exception", thrown)) return;
  try {
    reportException(thrown);
  } catch {
    // The listeners, or the getters of what was thrown, failed in turn.
    uncaught(thrown);
  }
}

function unhandled(promise, reason) {
  WeakMapPrototypeSet(told, promise, reason);
  // A listener may hear of one, and no more.
  const heard = isHeard("unhandledrejection");
  let proceed = true;
  try {
    proceed = dispatch("unhandledrejection", true, promise, reason);
  } catch (error) {
    uncaught(error);
  }
  if (proceed && !take(reason, heard) && !takenByProcess("rejection", reason, promise)) rejected(reason);
  return true;
}

function handled(promise) {
  const reason = WeakMapPrototypeGet(told, promise);
  if (!WeakMapPrototypeDelete(told, promise)) return;
  takenByProcess("handled", promise);
  try {
    dispatch("rejectionhandled", false, promise, reason);
  } catch (error) {
    uncaught(error);
  }
}

// Exceptions that no script caught are reported from here on.
function reportExceptions() {
  core.setReportExceptionCallback(exception);
  // deno_core's own ends the isolate's turn, and with it every event in it.
  core.reportUnhandledException = reported;
}

// And rejected promises: before, Rust wants to hear of them itself.
function reportRejections() {
  core.setUnhandledPromiseRejectionHandler(unhandled);
  core.setHandledPromiseRejectionHandler(handled);
}

function takeUncaught(fn) {
  taker = fn;
}

return { exception, reportExceptions, reportRejections, takeForProcess, takeUncaught };
})();
