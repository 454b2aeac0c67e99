// Whom a connection is to: the arguments of `net.connect()` and `tls.connect()`.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayIsArray, NumberParseInt, ObjectAssign, RegExpPrototypeExec } = primordials;
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { isIP, isIPv6 } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_IP_ADDRESS, ERR_MISSING_ARGS } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateBoolean, validateFunction, validateInt32, validateNumber, validatePort, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");

// `ADDRCONFIG`, `ALL` and `V4MAPPED` of `node:dns`.
const HINTS = 0x20 | 0x10 | 0x08;

const isPort = (value) => typeof value === "number" || (typeof value === "string" && RegExpPrototypeExec(/^[0-9]+$/, value) !== null);

// `(options, done)`, `(port, host, options, done)` and `(path, done)` as `{ options, done }`.
function normalize(args) {
  const list = ArrayIsArray(args[0]) ? args[0] : args;
  const last = list[list.length - 1];
  const done = typeof last === "function" ? last : undefined;
  const first = list[0];
  if (typeof first === "object" && first !== null) return { options: ObjectAssign({ __proto__: null }, first, typeof list[1] === "object" ? list[1] : undefined), done };
  const options = { __proto__: null };
  if (isPort(first)) {
    options.port = first;
    if (typeof list[1] === "string") options.host = list[1];
  } else if (typeof first === "string") {
    options.path = first;
  } else if (first !== undefined && typeof first !== "function") {
    options.port = first;
  }
  for (let i = 1; i < list.length; i++) {
    if (typeof list[i] === "object" && list[i] !== null) ObjectAssign(options, list[i]);
  }
  return { options, done };
}

// Who looks a name up itself, and says whose address it is, connects by the name where that is no HTTP: it is what the policy judges, and whose certificate the
// host checks. HTTP's clients say whatever is in `Host`.
function named(host, name) {
  return typeof name === "string" && name !== "" && isIP(name) === 0 && isIP(host) !== 0 ? name : host;
}

// What else a connection may be asked for: it means nothing here, and is refused where it means nothing in Node either.
function validateAsked({ autoSelectFamily, autoSelectFamilyAttemptTimeout, hints, localAddress, localPort, lookup }, host) {
  if (localAddress && !isIP(localAddress)) throw new ERR_INVALID_IP_ADDRESS(localAddress);
  if (localPort) validateNumber(localPort, "options.localPort");
  if (autoSelectFamily !== undefined && autoSelectFamily !== null) validateBoolean(autoSelectFamily, "options.autoSelectFamily");
  if (autoSelectFamilyAttemptTimeout !== undefined && autoSelectFamilyAttemptTimeout !== null) {
    validateInt32(autoSelectFamilyAttemptTimeout, "options.autoSelectFamilyAttemptTimeout", 1);
  }
  if (isIP(host) !== 0) return;
  if (hints && (typeof hints !== "number" || (hints & ~HINTS) !== 0)) throw new ERR_INVALID_ARG_VALUE("hints", hints);
  if (lookup !== undefined && lookup !== null) validateFunction(lookup, "options.lookup");
}

// The host and port of the options, or throws as Node does.
function addressOf(options) {
  if (options.path !== undefined && options.path !== null) {
    validateString(options.path, "options.path");
    return { host: null, name: null, path: options.path, port: 0 };
  }
  const { host, port } = options;
  if (port === undefined) throw new ERR_MISSING_ARGS(["options", "port", "path"]);
  if (typeof port !== "number" && typeof port !== "string") throw new ERR_INVALID_ARG_TYPE("options.port", ["number", "string"], port);
  if (host !== undefined && host !== null && typeof host !== "string") throw new ERR_INVALID_ARG_TYPE("options.host", "string", host);
  validatePort(port);
  validateAsked(options, host || "localhost");
  const known = host || "localhost";
  return { host: known, name: named(known, options.servername), path: null, port: typeof port === "number" ? port : NumberParseInt(+port) };
}

// What no host has in a URL, or would end it: https://url.spec.whatwg.org/#forbidden-host-code-points
const FORBIDDEN = /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/;

// The URL of a scheme, host and port. Throws where no host is of that name.
function originOf(scheme, host, port) {
  const literal = isIPv6(host) ? `[${host}]` : host;
  try {
    if (literal === host && RegExpPrototypeExec(FORBIDDEN, host) !== null) throw null;
    const { origin } = new URL(`${scheme}://${literal}:${port}/`);
    return origin;
  } catch {
    throw systemError("getaddrinfo", "ENOTFOUND", host, { hostname: host });
  }
}

return { addressOf, normalize, originOf };
})();
