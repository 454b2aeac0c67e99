// `ctx`, the third argument of a handler.
(function () {
const { core, primordials } = __bootstrap;
const { JSONParse, ObjectFreeze, TypeError } = primordials;
const { op_console } = core.ops;
const WARN = 2;

let warned = false;

class ExecutionContext {
  #context;
  #caller;
  #props;
  #agent;

  constructor(context, caller) {
    if (context === undefined) throw new TypeError("Illegal constructor");
    this.#context = context;
    this.#caller = caller;
  }

  waitUntil(promise) {
    this.#context.waitUntil(promise);
  }

  // Cloudflare passes a failed request on to the origin behind the worker. Here is none.
  passThroughOnException() {
    if (warned) return;
    warned = true;
    op_console("passThroughOnException() does nothing here: there is no origin behind this worker", WARN);
  }

  // What the owner configured for this caller.
  get props() {
    if (this.#props === undefined) this.#props = this.#caller === null ? {} : JSONParse(this.#caller).props;
    return this.#props;
  }

  // Who the host says is calling. Agents have no callers of their own.
  get agent() {
    if (this.#caller === null) return undefined;
    if (this.#agent === undefined) this.#agent = ObjectFreeze(JSONParse(this.#caller).agent);
    return this.#agent;
  }
}

return { ExecutionContext };
})();
