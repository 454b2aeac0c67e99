// `ctx`, the third argument of a handler.
(function () {
const { core, primordials } = __bootstrap;
const { Error, JSONParse, ObjectFreeze, TypeError } = primordials;
const { op_console, op_request_id } = core.ops;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { failureOf } = core.loadExtScript("ext:workerd_lite/rpc/failure.js");
const { abortContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { tracing } = core.loadExtScript("ext:workerd_lite/worker/tracing.js");
const { identityOf } = core.loadExtScript("ext:workerd_lite/worker/identity.js");
const WARN = 2;

let warned = false;
let moduleExports = ObjectFreeze({ __proto__: null });

function setExports(exports) {
  moduleExports = exports;
}

// A loaded worker's may have stubs: `loader/given.js` reads them.
let readProps = JSONParse;
function setPropsReader(fn) {
  readProps = fn;
}

function exportsNow() {
  return moduleExports;
}

// Throws where a method was taken from its object.
let checkThis;

class ExecutionContext {
  #context;
  #props;
  #text;
  #agent;
  #requestId;

  // `text` are props as JSON, of which each reader has its own.
  constructor(context, props = undefined, text = undefined) {
    if (context === undefined) throw new TypeError("Illegal constructor");
    this.#context = context;
    this.#props = props;
    this.#text = text;
  }

  static {
    checkThis = (self, method) => {
      if (typeof self === "object" && self !== null && #context in self) return;
      // The first words are workerd's.
      throw new TypeError(
        `Illegal invocation: function called with incorrect \`this\` reference. ${method} is called on ctx: ctx.${method}, or a function that calls it so`,
      );
    };
  }

  waitUntil(promise) {
    checkThis(this, "waitUntil()");
    this.#context.waitUntil(promise);
  }

  // Cloudflare passes a failed request on to the origin behind the worker. Here is none.
  passThroughOnException() {
    checkThis(this, "passThroughOnException()");
    if (warned) return;
    warned = true;
    op_console("passThroughOnException() does nothing here: there is no origin behind this worker", WARN, this.#context.id);
  }

  // Ends the event at once: whoever waits for something of it fails with the reason.
  abort(reason = undefined) {
    const why = reason === undefined ? new Error("Worker execution was aborted due to call to ctx.abort().") : reason;
    abortContext(this.#context, failureOf(why));
  }

  // There is no login in front of the worker.
  get access() {
    return undefined;
  }

  get tracing() {
    return tracing;
  }

  // What the owner configured for this caller, or what ctx.exports was called with.
  get props() {
    if (this.#props === undefined) this.#props = readProps(this.#text ?? this.#context.caller.props);
    return this.#props;
  }

  // Who the host says is calling. Agents have no callers of their own.
  get agent() {
    const { agent } = this.#context.caller;
    if (this.#agent === undefined && agent !== null) this.#agent = ObjectFreeze(JSONParse(agent));
    return this.#agent;
  }

  // The id that logs and records have of the client's request.
  get requestId() {
    if (this.#requestId === undefined) this.#requestId = op_request_id(this.#context.id);
    return this.#requestId;
  }

  // What the calling agent proves itself with. Agents have none to give.
  get identity() {
    if (this.#context.caller.agent === null) return undefined;
    return identityOf(this.#context);
  }

  // The module's own entrypoints.
  get exports() {
    return moduleExports;
  }
}

// Its members are enumerable, as those of every interface.
webidl.configureInterface(ExecutionContext);

return { ExecutionContext, exportsNow, setExports, setPropsReader };
})();
