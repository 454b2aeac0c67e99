// Scripts in the form of service workers: listeners in the place of exports, and `env` as globals.
// https://developers.cloudflare.com/workers/reference/migrate-to-module-workers/
(function () {
const { core, primordials } = __bootstrap;
const {
  DateNow,
  FunctionPrototypeCall,
  ObjectDefineProperty,
  ObjectHasOwn,
  ObjectPrototypeIsPrototypeOf,
  ReflectOwnKeys,
  TypeError,
} = primordials;
const { Event, EventTarget, listenerCount, setIsTrusted } = core.loadExtScript("ext:deno_web/02_event.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { ExecutionContext } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");

const { dispatchEvent } = EventTarget.prototype;
const { passThroughOnException, waitUntil } = ExecutionContext.prototype;

// Packages ask whether there is such a class.
class ExtendableEvent extends Event {
  #ctx;

  constructor(type, ctx) {
    if (!ObjectPrototypeIsPrototypeOf(ExecutionContext.prototype, ctx)) throw new TypeError("Illegal constructor");
    super(type);
    this.#ctx = ctx;
  }

  waitUntil(promise) {
    FunctionPrototypeCall(waitUntil, this.#ctx, promise);
  }
}

class FetchEvent extends ExtendableEvent {
  #ctx;
  #request;
  #response = undefined;
  #answered = false;

  constructor(ctx, request) {
    super("fetch", ctx);
    this.#ctx = ctx;
    this.#request = request;
  }

  passThroughOnException() {
    FunctionPrototypeCall(passThroughOnException, this.#ctx);
  }

  get request() {
    return this.#request;
  }

  respondWith(response) {
    if (this.eventPhase === 0 || this.#answered) {
      throw new DOMException("FetchEvent.respondWith() has already been called, or its event is over.", "InvalidStateError");
    }
    this.#answered = true;
    this.#response = response;
    this.stopImmediatePropagation();
  }

  static answerOf(event) {
    if (!event.#answered) throw new TypeError("no listener of fetch events has called event.respondWith()");
    return event.#response;
  }
}

class ScheduledEvent extends ExtendableEvent {
  #controller;

  constructor(ctx, controller) {
    super("scheduled", ctx);
    this.#controller = controller;
  }

  get cron() {
    return this.#controller?.cron ?? "";
  }

  get scheduledTime() {
    return this.#controller?.scheduledTime ?? DateNow();
  }

  noRetry() {}
}

const { answerOf } = FetchEvent;
delete FetchEvent.answerOf;

function dispatch(event) {
  setIsTrusted(event, true);
  FunctionPrototypeCall(dispatchEvent, globalThis, event);
  return event;
}

// The handlers that a script's listeners are. Nothing where it has none.
function handlersOfListeners() {
  if (listenerCount(globalThis, "fetch") === 0 && listenerCount(globalThis, "scheduled") === 0) return undefined;
  return {
    async fetch(request, _env, ctx) {
      return await answerOf(dispatch(new FetchEvent(ctx, request)));
    },
    scheduled(controller, _env, ctx) {
      dispatch(new ScheduledEvent(ctx, controller));
    },
  };
}

// Bindings and variables are globals of such a script. None takes the place of one that is there.
function defineBindings(env) {
  const names = ReflectOwnKeys(env);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (typeof name !== "string" || ObjectHasOwn(globalThis, name)) continue;
    ObjectDefineProperty(globalThis, name, {
      __proto__: null,
      value: env[name],
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
}

return { defineBindings, ExtendableEvent, handlersOfListeners };
})();
