// `fetch()` of a worker's own entrypoints, `ctx.exports.Name.fetch()`: a request of its own and a response of its own, within the event and the isolate.
// https://developers.cloudflare.com/workers/runtime-apis/context/#exports
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeFilter,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ObjectPrototypeIsPrototypeOf,
  Promise,
  PromisePrototypeThen,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  TypeError,
  Uint8Array,
} = primordials;
const abortSignal = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { fromInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { nullBodyStatus, ResponsePrototype, toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { extractBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
const { knownLength, unusable } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { copyCf } = core.loadExtScript("ext:workerd_lite/fetch/cf.js");
const { EventRequest } = core.loadExtScript("ext:workerd_lite/fetch/event_request.js");
const { joinHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { reasonOf } = core.loadExtScript("ext:workerd_lite/fetch/reasons.js");
const { socketOf } = core.loadExtScript("ext:workerd_lite/fetch/sockets.js");
const { ExecutionContext } = core.loadExtScript("ext:workerd_lite/worker/execution_context.js");

// A request that ends with the caller's signal, and not with the event.
class OwnRequest extends EventRequest {
  #signal;

  constructor(context, hop, signal) {
    super(context, hop.method, sentUrl(hop.url), joinHeaders(framed(hop)), hop.body === null ? null : taken(hop.body));
    this.#signal = signal;
  }

  onCancel(abort) {
    const signal = this.#signal;
    if (signal === null) return;
    if (signal.aborted) abort();
    else signal[abortSignal.add](abort);
  }
}

// Fragments are sent to nobody, and neither is a user name. Whatever else an "@" stands for in a host is encoded.
function sentUrl(url) {
  const fragment = StringPrototypeIndexOf(url, "#");
  if (fragment >= 0) url = StringPrototypeSlice(url, 0, fragment);
  const host = StringPrototypeIndexOf(url, "//") + 2;
  const path = StringPrototypeIndexOf(url, "/", host);
  const user = StringPrototypeIndexOf(url, "@", host);
  return user < 0 || user > path ? url : StringPrototypeSlice(url, 0, host) + StringPrototypeSlice(url, user + 1);
}

// The headers of a request with what HTTP would say of its body's length, whatever the caller wrote of it.
function framed({ body, headers }) {
  const list = ArrayPrototypeFilter(headers, ([name]) => name !== "content-length" && name !== "transfer-encoding");
  if (body === null) return list;
  const length = knownLength(body);
  ArrayPrototypePush(list, length === undefined ? ["transfer-encoding", "chunked"] : ["content-length", `${length}`]);
  return list;
}

// The body of the caller's request, which counts as used from here on.
function taken(body) {
  if (body.unusable()) throw unusable();
  return body.createProxy();
}

// What `perform()` of `js/fetch/fetch.js` takes for a reply.
function replyOf(name, response, method) {
  const inner = ObjectPrototypeIsPrototypeOf(ResponsePrototype, response) ? toInnerResponse(response) : undefined;
  if (inner === undefined) throw new TypeError(`the fetch() handler of ${name} did not return a Response`);
  if (inner.type === "error") {
    throw new TypeError("Return value from serve handler must not be an error response (like Response.error())");
  }
  const { body, status } = inner;
  if (body !== null && body.unusable()) throw unusable();
  // An answer of HTTP has a body, which may be empty, unless there can be none.
  const kept = method === "HEAD" || nullBodyStatus(status) ? null : body ?? extractBody(new Uint8Array(0)).body;
  return {
    __proto__: null,
    status,
    rid: null,
    reason: inner.statusMessage || reasonOf(status),
    headerList: ArrayPrototypeSlice(inner.headerList, 0),
    body: kept,
    socket: socketOf(inner),
    inner,
  };
}

// What `fetchThrough()` takes for whoever answers.
class Loopback {
  #name;
  #handler;
  #props;

  constructor(name, handler, props) {
    this.#name = name;
    this.#handler = handler;
    this.#props = props;
  }

  // Rejects as soon as the signal is aborted, as every fetch does.
  answer(context, hop, signal, asked) {
    const request = copyCf(asked, new OwnRequest(context, hop, signal));
    const answering = this.#call(context, fromInnerRequest(request, "immutable"), hop.method);
    if (signal === null) return answering;
    return new Promise((resolve, reject) => {
      const aborted = () => reject(signal.reason);
      signal[abortSignal.add](aborted);
      const done = (settle) => (value) => {
        signal[abortSignal.remove](aborted);
        settle(value);
      };
      PromisePrototypeThen(answering, done(resolve), done(reject));
    });
  }

  async #call(context, request, method) {
    const response = await this.#handler(request, context.caller.env, new ExecutionContext(context, this.#props));
    return replyOf(this.#name, response, method);
  }
}

return { Loopback };
})();
