// Takes the place of deno_fetch's 26_fetch.js: the same Request, Response and Headers over one op per request, which
// ends at the outbound worker or, for the outbound worker itself, at the host's client.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_raw, op_fetch_network, op_fetch_outbound_worker } = core.ops;
const {
  ArrayPrototypeConcat,
  ArrayPrototypePush,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  StringPrototypeTrim,
  TypeError,
  Uint8Array,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { byteLowerCase } = core.loadExtScript("ext:deno_web/00_infra.js");
const abortSignal = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { getHeader } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { extractBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
const { Request, RequestPrototype, toInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { fromInnerResponse, newInnerResponse, redirectStatus } = core.loadExtScript(
  "ext:deno_fetch/23_response.js",
);
const { cfOf } = core.loadExtScript("ext:workerd_lite/fetch/cf.js");
const { failedStream, ResourceBody, takeBody } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { isCoded, keepsCoding } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { isDataUrl, readDataUrl } = core.loadExtScript("ext:workerd_lite/fetch/data_url.js");
const { matchesIntegrity } = core.loadExtScript("ext:workerd_lite/fetch/integrity.js");
const { joinHeaders, parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { passSocket, receiveSocket } = core.loadExtScript("ext:workerd_lite/fetch/sockets.js");
const { knownFailure } = core.loadExtScript("ext:workerd_lite/fetch/failure.js");
const { followRedirect } = core.loadExtScript("ext:workerd_lite/fetch/redirect.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

const PLAIN = -1;
let isAgent = true;
let credentials = [];

// `withCredentials` tells of each binding whether it attaches a credential.
function setFetchRole(role, withCredentials) {
  isAgent = role === "agent";
  credentials = withCredentials;
}

// A credential and a certificate go where the policy sent them, not where an upstream would like them: a credential along no
// redirect, a certificate to its origin's own URLs.
function afterRedirect(binding, isSameOrigin) {
  if (typeof binding !== "number") return binding;
  return binding !== PLAIN && (credentials[binding] || !isSameOrigin) ? PLAIN : binding;
}

function send(context, binding, cancel, hop) {
  const body = hop.body === null ? null : takeBody(hop.body, (error) => {
    hop.failure ??= { __proto__: null, error };
  });
  const headers = joinHeaders(hop.headers);
  // Another worker than the one behind fetch().
  if (typeof binding === "function") return binding(context, cancel, hop.method, hop.url, headers, body);
  return isAgent
    ? op_fetch_outbound_worker(context.id, cancel, hop.method, hop.url, headers, body)
    : op_fetch_network(context.id, cancel, hop.method, hop.url, headers, body, binding);
}

// Whether it answers within the isolate: `js/worker/loopback.js`.
const isLocal = (binding) => typeof binding === "object";

// The lines of an op's reply: the status, the body's resource, the reason, and the headers.
function readReply(reply) {
  const first = StringPrototypeIndexOf(reply, "\n");
  const second = StringPrototypeIndexOf(reply, "\n", first + 1);
  const third = StringPrototypeIndexOf(reply, "\n", second + 1);
  return {
    __proto__: null,
    status: +StringPrototypeSlice(reply, 0, first),
    rid: second === first + 1 ? null : +StringPrototypeSlice(reply, first + 1, second),
    reason: StringPrototypeSlice(reply, second + 1, third),
    headers: StringPrototypeSlice(reply, third + 1),
  };
}

// One request and its answer, for Node's clients: no redirect is followed, and the answer's body stays in its content coding. `body` is what an op takes for one.
// Gives `{ status, reason, headers, rid, length }`, `length` below zero where it is not known; with the status 101 `rid` is a WebSocket's.
async function exchange(context, cancel, method, url, headerList, body) {
  const sent = joinHeaders(headerList);
  const { status, reason, headers, rid } = readReply(
    await (isAgent
      ? op_fetch_outbound_worker(context.id, cancel, method, url, sent, body)
      : op_fetch_network(context.id, cancel, method, url, sent, body, PLAIN)),
  );
  return { __proto__: null, status, reason, headers: parseHeaders(headers), rid, length: rid === null || status === 101 ? 0 : op_body_raw(rid) };
}

// https://fetch.spec.whatwg.org/#scheme-fetch: nothing leaves the isolate for it.
function dataResponse(method, url) {
  const { type, bytes } = readDataUrl(url);
  const response = newInnerResponse(200, "OK");
  response.headerList = [["content-type", type]];
  response.urlList = [url];
  if (method !== "HEAD") response.body = extractBody(bytes).body;
  return response;
}

// What a request's `cache` says is told to servers, unless its headers say something of their own.
function headersOf(inner) {
  const { cacheMode, headerList } = inner;
  if (cacheMode === undefined) return headerList;
  const cacheTtl = cfOf(inner)?.cacheTtl;
  // The same words as workerd's.
  if (cacheMode === "no-store" && cacheTtl !== undefined && cacheTtl !== -1) {
    throw new TypeError(`CacheTtl: ${cacheTtl}, is not compatible with cache: no-store header.`);
  }
  const added = [];
  if (getHeader(headerList, "cache-control") === null) ArrayPrototypePush(added, ["cache-control", "no-cache"]);
  if (getHeader(headerList, "pragma") === null) ArrayPrototypePush(added, ["pragma", "no-cache"]);
  return ArrayPrototypeConcat(headerList, added);
}

// What a promise is resolved with is asked for `then`, which an author may have put into `Object.prototype`.
function performed(response) {
  return { __proto__: null, response };
}

// Gives the inner response, as performed(). Rejects with the signal's reason once that is aborted.
async function perform(context, binding, inner, signal, redirectMode = inner.redirectMode) {
  const url = inner.currentUrl();
  if (isDataUrl(url)) {
    return performed(dataResponse(inner.method, url));
  }
  // The same words as workerd's.
  if (!StringPrototypeStartsWith(url, "http:") && !StringPrototypeStartsWith(url, "https:")) {
    throw new TypeError(`Fetch API cannot load: ${url}`);
  }
  const body = inner.body;
  const hop = {
    method: inner.method,
    url,
    urls: [url],
    headers: headersOf(inner),
    body,
    source: body === null ? null : body.source,
    streamed: body !== null && body.source === null,
    // What the body's stream failed with, as `{ error }`.
    failure: null,
    isSameOrigin: true,
  };
  let cancel;
  let response = null;
  let onAbort;
  if (signal) {
    cancel = core.createCancelHandle();
    onAbort = () => {
      core.tryClose(cancel);
      if (response !== null && response.body !== null) abortBody(response.body, signal.reason);
    };
    signal[abortSignal.add](onAbort);
  }
  let local = false;
  try {
    for (;;) {
      local = isLocal(binding);
      const reply = local ? await binding.answer(context, hop, signal, inner) : readReply(await send(context, binding, cancel, hop));
      const { reason, rid, status } = reply;
      const headerList = local ? reply.headerList : parseHeaders(reply.headers);
      if (redirectStatus(status)) {
        if (redirectMode === "error") {
          if (rid !== null) core.tryClose(rid);
          throw new TypeError("Fetch failed: the response is a redirect, and the redirect mode is \"error\"");
        }
        if (redirectMode === "follow" && followRedirect(hop, status, headerList)) {
          if (rid !== null) core.tryClose(rid);
          binding = afterRedirect(binding, hop.isSameOrigin);
          continue;
        }
      }
      response = newInnerResponse(status, reason);
      response.headerList = headerList;
      response.urlList = hop.urls;
      if (local) passResponse(reply, response);
      else if (rid !== null && status === 101) receiveSocket(response, rid);
      else if (rid !== null) response.body = ResourceBody.of(rid, signal ?? null);
      return performed(response);
    }
  } catch (error) {
    if (signal) {
      signal[abortSignal.remove](onAbort);
      if (signal.aborted) throw signal.reason;
    }
    if (hop.failure !== null) throw hop.failure.error;
    throw local ? error : knownFailure(error);
  }
}

// What stays in the isolate: a body, whether it is in its content coding, and a WebSocket.
function passResponse(reply, response) {
  response.body = reply.body;
  if (isCoded(reply.inner)) keepsCoding(response);
  if (reply.socket !== null) passSocket(response, reply.socket);
}

function abortBody(body, reason) {
  if (ObjectPrototypeIsPrototypeOf(ResourceBody.prototype, body)) return body.abort(reason);
  // What was read already: only a stream can be in error.
  if (body.unusable()) body.error(reason);
  else body.streamOrStatic = failedStream(reason);
}

// Reads the body where the request names the hashes that it may have.
async function verified(integrity, response) {
  const body = response.body;
  const bytes = body === null ? new Uint8Array(0) : await bytesOf(body);
  if (!matchesIntegrity(integrity, bytes)) {
    throw new TypeError("Fetch failed: the response's body is not the one that `integrity` names");
  }
  if (body !== null) response.body = extractBody(bytes).body;
  return performed(response);
}

async function bytesOf(body) {
  const consumed = body.consume();
  const bytes = core.isPromise(consumed) ? (await consumed).bytes : consumed;
  return typeof bytes === "string" ? core.encode(bytes) : bytes;
}

// The one upgrade that there is. Rust looks again.
function checkUpgrade(inner) {
  let asked = null;
  for (let i = 0; i < inner.headerList.length; i++) {
    const { 0: name, 1: value } = inner.headerList[i];
    if (byteLowerCase(name) !== "upgrade") continue;
    if (asked !== null || StringPrototypeToLowerCase(StringPrototypeTrim(value)) !== "websocket") {
      throw new TypeError("Fetch failed: no upgrade but one to \"websocket\" is supported by workerd-lite");
    }
    asked = value;
  }
  if (asked === null) return;
  if (inner.body !== null) throw new TypeError("Fetch failed: a request for a WebSocket has no body");
  if (inner.method !== "GET") throw new TypeError("Fetch failed: a request for a WebSocket is a GET");
}

function fetchThrough(binding, input, init) {
  const context = requireContext();
  let request = input;
  let inner = init === undefined && ObjectPrototypeIsPrototypeOf(RequestPrototype, input)
    ? toInnerRequest(input)
    : undefined;
  if (inner === undefined) {
    request = new Request(input, init);
    inner = toInnerRequest(request);
  } else if (inner.body !== null && inner.body.unusable()) {
    throw new TypeError("Cannot reconstruct a Request with a used body.");
  }
  checkUpgrade(inner);
  const signal = signalOf(request);
  if (signal !== null && signal.aborted) {
    if (inner.body !== null && !inner.body.unusable()) inner.body.cancel(signal.reason);
    throw signal.reason;
  }
  const { integrity } = inner;
  const performing = perform(context, binding, inner, signal, redirectModeOf(binding, inner, init));
  return PromisePrototypeThen(
    integrity ? PromisePrototypeThen(performing, ({ response }) => verified(integrity, response)) : performing,
    ({ response }) => {
      // Nothing is kept from a worker, which has no origin; other workers answer it by no fetch of theirs.
      if (binding === PLAIN) response.type = "basic";
      return fromInnerResponse(response, "immutable");
    },
  );
}

// A binding's fetch follows redirects only where the call itself says so: "follow" is what a Request says by default.
function redirectModeOf(binding, inner, init) {
  const mode = inner.redirectMode;
  if (binding === PLAIN || typeof binding !== "number" || mode !== "follow") return mode;
  return init !== undefined && init !== null && init.redirect !== undefined ? mode : "manual";
}

// Each Request makes its signal at the first look. The signal of an event's own request ends the event anyway.
const { cachedSignal } = core.loadExtScript("ext:workerd_lite/fetch/signal.js");
function signalOf(request) {
  return cachedSignal(request) || null;
}

async function fetch(input, init = undefined) {
  webidl.requiredArguments(arguments.length, 1, "Failed to execute 'fetch'");
  return await fetchThrough(PLAIN, input, init);
}

return { exchange, fetch, fetchThrough, readReply, setFetchRole };
})();
