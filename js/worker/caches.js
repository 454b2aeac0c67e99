// `caches`: https://developers.cloudflare.com/workers/runtime-apis/cache/. What is kept is in Rust, bodies too, which no script sees on
// their way.
(function () {
const { core, primordials } = __bootstrap;
const { op_cache_delete, op_cache_match, op_cache_put } = core.ops;
const {
  ArrayPrototypePush,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  TypeError,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { Request, RequestPrototype, toInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { fromInnerResponse, newInnerResponse, ResponsePrototype, toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { ResourceBody, takeBody } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { isCoded, keepsCoding } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { readReply } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { inspected } = core.loadExtScript("ext:workerd_lite/worker/inspect.js");
const { joinHeaders, parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { refuseClones } = core.loadExtScript("ext:workerd_lite/worker/cloning.js");

// The name of `caches.default`, which no other has.
const DEFAULT = "\n";

function requestOf(input) {
  const inner = toInnerRequest(ObjectPrototypeIsPrototypeOf(RequestPrototype, input) ? input : new Request(input));
  const url = inner.currentUrl();
  if (!StringPrototypeStartsWith(url, "http:") && !StringPrototypeStartsWith(url, "https:")) {
    throw new TypeError("Invalid URL. Cache API keys must be fully-qualified, valid URLs.");
  }
  return inner;
}

function ignoresMethod(options) {
  return options !== undefined && options !== null && !!options.ignoreMethod;
}

function valuesOf(list, name) {
  const values = [];
  for (let i = 0; i < list.length; i++) {
    if (StringPrototypeToLowerCase(list[i][0]) === name) ArrayPrototypePush(values, list[i][1]);
  }
  return values;
}

function checkStorable(request, response) {
  if (response.type === "error") throw new TypeError("Cache is unable to store an error response");
  if (request.method !== "GET") throw new TypeError("Cannot cache response to non-GET request.");
  if (response.status === 206) throw new TypeError("Cannot cache response to a range request (206 Partial Content).");
  const vary = valuesOf(response.headerList, "vary");
  for (let i = 0; i < vary.length; i++) {
    if (StringPrototypeIncludes(vary[i], "*")) throw new TypeError("Cannot cache response with 'Vary: *' header.");
  }
  if (response.status < 200) throw new TypeError(`Cannot cache a response of status ${response.status}.`);
}

function put(name, input, given) {
  const { id } = requireContext();
  const request = requestOf(input);
  if (!ObjectPrototypeIsPrototypeOf(ResponsePrototype, given)) {
    throw new TypeError("Failed to execute 'put' on 'Cache': Argument 2 is not a Response");
  }
  const response = toInnerResponse(given);
  checkStorable(request, response);
  let failure = null;
  const body = response.body === null ? null : takeBody(response.body, (error) => {
    failure ??= { __proto__: null, error };
  });
  const told = `${isCoded(response) ? "coded" : ""}\n${response.status}\n${response.statusMessage}\n${joinHeaders(response.headerList)}`;
  const stored = op_cache_put(id, name, request.currentUrl(), joinHeaders(request.headerList), told, body);
  // What the body's stream failed with, and not that it did.
  return PromisePrototypeThen(stored, nothing, (error) => PromiseReject(failure === null ? error : failure.error));
}

function match(name, input, options) {
  const { id } = requireContext();
  const request = requestOf(input);
  if (request.method !== "GET" && !ignoresMethod(options)) return undefined;
  const told = op_cache_match(id, name, request.currentUrl(), joinHeaders(request.headerList));
  if (told === null || told === undefined) return undefined;
  const line = StringPrototypeIndexOf(told, "\n");
  const { headers, reason, rid, status } = readReply(StringPrototypeSlice(told, line + 1));
  const response = newInnerResponse(status, reason);
  response.headerList = parseHeaders(headers);
  response.urlList = [request.currentUrl()];
  if (rid !== null) response.body = ResourceBody.of(rid);
  if (line > 0) keepsCoding(response);
  return fromInnerResponse(response, "immutable");
}

// `delete` is a word of the language.
function remove(name, input, options) {
  const { id } = requireContext();
  const request = requestOf(input);
  if (request.method !== "GET" && !ignoresMethod(options)) return false;
  return op_cache_delete(id, name, request.currentUrl());
}

const nothing = () => undefined;

// What throws at once is a rejection, as for every operation that gives a promise.
function promised(cache, operation, args, prefix, count) {
  try {
    webidl.assertBranded(cache, CachePrototype);
    webidl.requiredArguments(args.length, count, `Failed to execute '${prefix}' on 'Cache'`);
    return PromiseResolve(operation());
  } catch (error) {
    return PromiseReject(error);
  }
}

class Cache {
  #name;

  constructor(key = undefined, name = undefined) {
    if (key !== webidl.brand) webidl.illegalConstructor();
    this[webidl.brand] = webidl.brand;
    this.#name = name;
  }

  put(request, response) {
    return promised(this, () => put(this.#name, request, response), arguments, "put", 2);
  }

  match(request, options = undefined) {
    return promised(this, () => match(this.#name, request, options), arguments, "match", 1);
  }

  delete(request, options = undefined) {
    return promised(this, () => remove(this.#name, request, options), arguments, "delete", 1);
  }
}
webidl.configureInterface(Cache);
inspected("Cache", Cache);
const CachePrototype = Cache.prototype;

class CacheStorage {
  #default;

  constructor(key = undefined) {
    if (key !== webidl.brand) webidl.illegalConstructor();
    this[webidl.brand] = webidl.brand;
    this.#default = new Cache(webidl.brand, DEFAULT);
  }

  get default() {
    webidl.assertBranded(this, CacheStoragePrototype);
    return this.#default;
  }

  open(cacheName) {
    try {
      webidl.assertBranded(this, CacheStoragePrototype);
      const prefix = "Failed to execute 'open' on 'CacheStorage'";
      webidl.requiredArguments(arguments.length, 1, prefix);
      const name = webidl.converters.DOMString(cacheName, prefix, "Argument 1");
      if (name.length > 1024) throw new TypeError("Cache name is too long.");
      return PromiseResolve(new Cache(webidl.brand, `=${name}`));
    } catch (error) {
      return PromiseReject(error);
    }
  }
}
webidl.configureInterface(CacheStorage);
inspected("CacheStorage", CacheStorage);
const CacheStoragePrototype = CacheStorage.prototype;

refuseClones(Cache.prototype);
refuseClones(CacheStorage.prototype);

return { Cache, caches: new CacheStorage(webidl.brand), CacheStorage };
})();
