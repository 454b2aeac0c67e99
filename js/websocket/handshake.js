// https://websockets.spec.whatwg.org/#dom-websocket-websocket, and the request that it makes. That is the worker's own: it passes the
// policy as every other.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  RegExpPrototypeExec,
  SafeRegExp,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  TypeError,
} = primordials;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { Request } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { fetch } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { socketOf } = core.loadExtScript("ext:workerd_lite/fetch/sockets.js");

const TOKEN = new SafeRegExp(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);

// The URL as the WebSocket tells it.
function parseUrl(given) {
  let url;
  try {
    url = new URL(given);
  } catch {
    throw new DOMException("WebSocket Constructor: The url is invalid.", "SyntaxError");
  }
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new DOMException("WebSocket Constructor: The url scheme must be ws or wss.", "SyntaxError");
  }
  if (StringPrototypeIncludes(url.href, "#")) {
    throw new DOMException("WebSocket Constructor: The url fragment must be empty.", "SyntaxError");
  }
  return url;
}

function checkProtocols(protocols) {
  const seen = [];
  for (let i = 0; i < protocols.length; i++) {
    const protocol = StringPrototypeToLowerCase(protocols[i]);
    if (RegExpPrototypeExec(TOKEN, protocols[i]) === null) {
      throw new DOMException("WebSocket Constructor: The protocol header token is invalid.", "SyntaxError");
    }
    if (ArrayPrototypeIncludes(seen, protocol)) {
      throw new DOMException("WebSocket Constructor: The protocols header cannot have repeating values.", "SyntaxError");
    }
    ArrayPrototypePush(seen, protocol);
  }
}

// Gives `{ socket, protocol }`, without a prototype.
async function openSocket(href, protocols, signal) {
  const headers = [["upgrade", "websocket"]];
  if (protocols.length > 0) ArrayPrototypePush(headers, ["sec-websocket-protocol", ArrayPrototypeJoin(protocols, ", ")]);
  // `ws:` becomes `http:`, and `wss:` becomes `https:`.
  const url = `http${StringPrototypeSlice(href, 2)}`;
  const request = new Request(url, { __proto__: null, headers, redirect: "error", signal });
  const response = toInnerResponse(await fetch(request));
  const socket = socketOf(response);
  if (socket === null) {
    if (response.body !== null && !response.body.unusable()) response.body.cancel();
    throw new TypeError(`the answer to the WebSocket's handshake has the status ${response.status}, and not 101`);
  }
  let protocol = "";
  for (let i = 0; i < response.headerList.length; i++) {
    if (StringPrototypeToLowerCase(response.headerList[i][0]) === "sec-websocket-protocol") protocol = response.headerList[i][1];
  }
  const wrong = protocols.length === 0 ? protocol !== "" : !ArrayPrototypeIncludes(protocols, protocol);
  return { __proto__: null, socket, protocol, wrong };
}

return { checkProtocols, openSocket, parseUrl };
})();
