// Events: which one the running code belongs to, and what ends with it.
(function () {
const { core, primordials } = __bootstrap;
const { op_event_abort, op_event_fail, op_event_settled, op_event_waiting, op_uncaught } = core.ops;
const {
  ArrayPrototypePush,
  Error,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  PromisePrototypeThen,
  PromiseResolve,
  SafeFinalizationRegistry,
  SafeMap,
  SafeSet,
  SafeSetIterator,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeGetSize,
} = primordials;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { clearTimer } = core.loadExtScript("ext:workerd_lite/worker/soon.js");
const { describeWhole } = core.loadExtScript("ext:workerd_lite/worker/describe.js");

const contexts = new SafeMap();

// Hears of `waitUntil()` promises that nothing can settle: what they would call is collected. Made when it is first needed.
let unsettled = null;

function watchUnsettled(context, settles) {
  unsettled ??= new SafeFinalizationRegistry((context) => context.givesUp());
  unsettled.register(settles, context, settles);
}

// How many timers an agent's event may have at once.
let maxTimers = 10_000;

function setMaxTimers(max) {
  maxTimers = max;
}

// The same words as workerd's.
function tooMany(most, finished) {
  const words = "You have exceeded the number of active timeouts you may set. ";
  return new DOMException(`${words}max active timeouts: ${most}, current active timeouts: ${most}, finished timeouts: ${finished}`, "QuotaExceededError");
}

// Every member is declared: an assignment to one that is not there would look for a setter, which an author may have put into `Object.prototype`.
class EventContext {
  id;
  caller;
  waiting = 0;
  responded = false;
  ended = false;
  aborted = false;
  timers = null;
  // How many of its timers have come to their end.
  finished = 0;
  // Of those, which Node's timers say would not keep a process alive, and which are immediates.
  unrefed = null;
  immediates = null;
  onAbort = null;
  // Called where nothing can go on with its connection: `js/sockets/inbound.js`.
  onAbandoned = null;
  // What counts until it ends.
  held = null;
  // What it has given to others, and the calls that it waits for: `js/rpc/stub.js`.
  rpc = null;
  // It began with a call, and not with a request.
  called = false;
  // What is called at its end.
  ends = null;
  // The trees and descriptors of `node:fs`.
  files = null;
  // What `performance` keeps.
  timeline = null;
  // What V8 carries through promises is `{ event, stores }`, and mostly the event itself: `stores` are those of the author's AsyncLocalStorage.
  event = this;
  stores = undefined;

  constructor(id, caller) {
    this.id = id;
    this.caller = caller;
  }

  abort() {
    if (this.aborted) return;
    this.aborted = true;
    if (this.onAbort !== null) this.onAbort();
  }

  atEnd(callback) {
    if (this.ended) callback();
    else if (this.ends === null) this.ends = [callback];
    else ArrayPrototypePush(this.ends, callback);
  }

  waitUntil(promise) {
    if (this.ended) return;
    if (this.waiting++ === 0 && this.responded) op_event_waiting(this.id);
    const settles = () => {
      unsettled.unregister(settles);
      this.#done();
    };
    watchUnsettled(this, settles);
    PromisePrototypeThen(PromiseResolve(promise), settles, (error) => {
      const { summary, stack } = describeWhole(error);
      op_uncaught("a waitUntil() promise was rejected", stack || summary, this.id);
      settles();
    });
  }

  // Nothing is left that could settle one of its `waitUntil()` promises.
  givesUp() {
    if (this.ended) return;
    op_uncaught("a waitUntil() promise hung", "nothing is left that could settle it", this.id);
    this.#done();
  }

  #done() {
    if (--this.waiting > 0 || this.ended || !this.responded) return;
    if (op_event_settled(this.id)) endContext(this.id);
  }

  ownTimer(id) {
    if (this.timers === null) this.timers = new SafeSet();
    if (SetPrototypeGetSize(this.timers) >= maxTimers) {
      clearTimer(id);
      throw tooMany(maxTimers, this.finished);
    }
    SetPrototypeAdd(this.timers, id);
  }
}

function contextOf(id) {
  return MapPrototypeGet(contexts, id);
}

function startContext(id, caller) {
  const context = new EventContext(id, caller);
  MapPrototypeSet(contexts, id, context);
  return context;
}

// Gives whether waitUntil() promises still run.
function cancelContext(id) {
  const context = MapPrototypeGet(contexts, id);
  if (context === undefined) return false;
  context.responded = true;
  context.abort();
  return context.waiting > 0;
}

function endContext(id) {
  const context = MapPrototypeGet(contexts, id);
  if (context === undefined) return;
  MapPrototypeDelete(contexts, id);
  context.ended = true;
  context.files = null;
  context.timeline = null;
  context.rpc = null;
  if (context.ends !== null) {
    for (let i = 0; i < context.ends.length; i++) context.ends[i]();
    context.ends = null;
  }
  if (context.timers !== null) {
    for (const timer of new SafeSetIterator(context.timers)) clearTimer(timer);
  }
}

// The script wants no more of its event: who waits for an answer gets a failure that says why, and what runs for it is given up.
function exitContext(context, why) {
  if (context.ended) return;
  if (context.responded) {
    op_event_settled(context.id);
  } else {
    context.responded = true;
    op_event_fail(context.id, why, "", true);
  }
  context.abort();
  endContext(context.id);
}

// The same, which also fails every call that it works for. `failure` is of `rpc/failure.js`.
function abortContext(context, { name, message, told, stack, value }) {
  if (context.ended) return;
  context.responded = true;
  op_event_abort(context.id, name, message, told, stack, value);
  context.abort();
  endContext(context.id);
}

// V8 carries this value through promises. An AsyncVariable would add a WeakMap entry to each event, which the
// scavenger pays for.
function currentContext() {
  return core.getAsyncContext()?.event;
}

// The same words as workerd's.
function requireContext() {
  const context = currentContext();
  if (context === undefined) {
    throw new Error(
      "Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a " +
        "timeout, and generating random values are not allowed within global scope. To fix this error, perform " +
        "this operation within a handler.",
    );
  }
  return context;
}

function enterContext(context) {
  const previous = core.getAsyncContext();
  core.setAsyncContext(context);
  return previous;
}

// Gives whether the event had it.
function forgetTimer(context, id) {
  if (context.timers === null || !SetPrototypeDelete(context.timers, id)) return false;
  context.finished++;
  return true;
}

return { abortContext, cancelContext, contextOf, currentContext, endContext, enterContext, EventContext, exitContext, forgetTimer, requireContext, setMaxTimers, startContext };
})();
