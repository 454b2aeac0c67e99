// Header lists of HTTP/2 (RFC 9113, section 8): what scripts write of a request, and what they read of a response.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototypeForEach,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  ObjectKeys,
  RegExpPrototypeExec,
  String,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  Symbol,
} = primordials;
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const {
  ERR_HTTP2_HEADER_SINGLE_VALUE,
  ERR_HTTP2_INVALID_CONNECTION_HEADERS,
  ERR_HTTP2_INVALID_HEADER_VALUE,
  ERR_HTTP2_INVALID_PSEUDOHEADER,
  ERR_INVALID_ARG_TYPE,
  ERR_INVALID_CHAR,
  ERR_INVALID_HTTP_TOKEN,
} = core.loadExtScript("ext:deno_node/internal/errors.ts");

const sensitiveHeaders = Symbol("nodejs.http2.sensitiveHeaders");
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const names = (list) => {
  const made = { __proto__: null };
  ArrayPrototypeForEach(StringPrototypeSplit(list, " "), (name) => made[name] = true);
  return made;
};
const PSEUDO = names(":authority :method :path :protocol :scheme");
// Fields of HTTP/1.1's connections, which HTTP/2 has none of.
const OF_CONNECTIONS = names("connection http2-settings keep-alive proxy-connection transfer-encoding upgrade");
// Of these Node's clients send and read one.
const SINGLE = names(
  "access-control-allow-credentials access-control-max-age access-control-request-method age authorization content-encoding content-language content-length " +
    "content-location content-md5 content-range content-type date dnt etag expires from host if-match if-modified-since if-none-match if-range " +
    "if-unmodified-since last-modified location max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent " +
    "x-content-type-options",
);

function add(request, name, value) {
  if (value === undefined) return;
  if (name[0] === ":") {
    if (!PSEUDO[name]) throw new ERR_HTTP2_INVALID_PSEUDOHEADER(name);
    request.pseudo[name] = String(value);
    return;
  }
  if (RegExpPrototypeExec(TOKEN, name) === null) throw new ERR_INVALID_HTTP_TOKEN("Header name", name);
  if (OF_CONNECTIONS[name] || name === "te" && String(value) !== "trailers") throw new ERR_HTTP2_INVALID_CONNECTION_HEADERS(name);
  // Cookies in several fields are one's (RFC 9113, section 8.2.3).
  const joined = ArrayIsArray(value) && name === "cookie" ? ArrayPrototypeJoin(value, "; ") : value;
  const list = ArrayIsArray(joined) ? joined : [joined];
  if (SINGLE[name] && list.length > 1) throw new ERR_HTTP2_HEADER_SINGLE_VALUE(name);
  for (let i = 0; i < list.length; i++) {
    if (list[i] === undefined || list[i] === null) throw new ERR_HTTP2_INVALID_HEADER_VALUE(String(list[i]), name);
    const text = String(list[i]);
    if (RegExpPrototypeExec(NO_VALUE, text) !== null) throw new ERR_INVALID_CHAR("header content", name);
    ArrayPrototypePush(request.list, [name, text]);
  }
}

// The request that `headers`, an object or a list of names and values, asks for: `{ method, url, list, sent }`. It goes to the session's origin: `:authority`
// and `:scheme` are that one's, whatever they say.
function requestOf(headers, origin) {
  if (headers !== undefined && (typeof headers !== "object" || headers === null)) throw new ERR_INVALID_ARG_TYPE("headers", "Object", headers);
  const request = { __proto__: null, pseudo: { __proto__: null }, list: [] };
  const given = headers ?? {};
  if (ArrayIsArray(given)) {
    for (let i = 0; i < given.length; i += 2) add(request, StringPrototypeToLowerCase(String(given[i])), given[i + 1]);
  } else {
    ArrayPrototypeForEach(ObjectKeys(given), (name) => add(request, StringPrototypeToLowerCase(name), given[name]));
  }
  const { list, pseudo } = request;
  const { origin: base, host, protocol } = origin;
  const method = pseudo[":method"] ??= "GET";
  pseudo[":scheme"] ??= protocol === "https:" ? "https" : "http";
  pseudo[":path"] ??= "/";
  pseudo[":authority"] ??= host;
  const path = pseudo[":path"];
  if (method === "CONNECT" || pseudo[":protocol"] !== undefined) {
    throw new ERR_HTTP2_INVALID_PSEUDOHEADER(method === "CONNECT" ? ":method" : ":protocol");
  }
  // What else there is would be another authority's.
  if (path[0] !== "/" && path !== "*") throw new ERR_HTTP2_INVALID_PSEUDOHEADER(":path");
  const url = new URL(base + (path === "*" ? "/" : path));
  if (url.host !== host || url.protocol !== protocol) throw new ERR_HTTP2_INVALID_PSEUDOHEADER(":path");
  const sent = { __proto__: null };
  ArrayPrototypeForEach(ObjectKeys(pseudo), (name) => sent[name] = pseudo[name]);
  ArrayPrototypeForEach(list, ({ 0: name, 1: value }) => collect(sent, name, value));
  sent[sensitiveHeaders] = given[sensitiveHeaders] ?? [];
  return { __proto__: null, method, url: url.href, list, sent };
}

// The list of what a script writes as trailers.
function trailersOf(headers) {
  if (typeof headers !== "object" || headers === null) throw new ERR_INVALID_ARG_TYPE("headers", "Object", headers);
  const trailers = { __proto__: null, list: [] };
  ArrayPrototypeForEach(ObjectKeys(headers), (name) => {
    if (name[0] === ":") throw new ERR_HTTP2_INVALID_PSEUDOHEADER(name);
    add(trailers, StringPrototypeToLowerCase(name), headers[name]);
  });
  return trailers.list;
}

function collect(headers, name, value) {
  const before = headers[name];
  if (name === "set-cookie") {
    if (before === undefined) headers[name] = [value];
    else ArrayPrototypePush(before, value);
  } else if (before === undefined) {
    headers[name] = value;
  } else if (!SINGLE[name]) {
    headers[name] = ArrayPrototypeJoin([before, value], name === "cookie" ? "; " : ", ");
  }
}

// As Node gives them: `{ headers, raw }`, `raw` a list of names and values.
function received(list, status = undefined) {
  const headers = { __proto__: null };
  const raw = [];
  if (status !== undefined) {
    headers[":status"] = status;
    ArrayPrototypePush(raw, ":status", `${status}`);
  }
  for (let i = 0; i < list.length; i++) {
    const name = StringPrototypeToLowerCase(list[i][0]);
    if (OF_CONNECTIONS[name] || StringPrototypeStartsWith(name, ":")) continue;
    ArrayPrototypePush(raw, name, list[i][1]);
    collect(headers, name, list[i][1]);
  }
  headers[sensitiveHeaders] = [];
  return { __proto__: null, headers, raw };
}

return { received, requestOf, sensitiveHeaders, trailersOf };
})();
