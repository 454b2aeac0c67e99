// The inside of an event's Request. deno_fetch's own is a literal with accessors, which V8 makes in dictionary mode: a
// class with the same properties costs a fraction of it.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectFreeze } = primordials;
const { parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");

class EventRequest {
  #context;
  #url;
  #joined;
  #headers = null;
  // Declared: an assignment to what is not there would look for setters in `Object.prototype`.
  method;
  body;
  redirectMode = "manual";
  redirectCount = 0;
  clientRid = null;
  blobUrlEntry = null;

  constructor(context, method, url, joined, body) {
    this.#context = context;
    this.#url = url;
    this.#joined = joined;
    this.method = method;
    this.body = body;
  }

  get headerList() {
    if (this.#headers === null) this.#headers = parseHeaders(this.#joined);
    return this.#headers;
  }

  set headerList(list) {
    this.#headers = list;
  }

  url() {
    return this.#url;
  }

  currentUrl() {
    return this.#url;
  }

  // Called once, when a script first looks at the request's signal.
  onCancel(abort) {
    this.#context.onAbort = abort;
    if (this.#context.aborted) abort();
  }
}

// A request has its inside under a symbol, which scripts can find.
ObjectFreeze(EventRequest.prototype);

return { EventRequest };
})();
