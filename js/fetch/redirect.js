// HTTP-redirect fetch: https://fetch.spec.whatwg.org/#http-redirect-fetch
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeFilter,
  ArrayPrototypePush,
  StringPrototypeIncludes,
  TypeError,
} = primordials;
const { byteLowerCase } = core.loadExtScript("ext:deno_web/00_infra.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { extractBody } = core.loadExtScript("ext:deno_fetch/22_body.js");

const MAX_REDIRECTS = 20;
const BODY_HEADERS = {
  __proto__: null,
  "content-encoding": true,
  "content-language": true,
  "content-location": true,
  "content-type": true,
  "content-length": true,
};
const CREDENTIAL_HEADERS = {
  __proto__: null,
  "authorization": true,
  "proxy-authorization": true,
  "cookie": true,
};

function without(list, names) {
  return ArrayPrototypeFilter(list, (header) => names[byteLowerCase(header[0])] !== true);
}

// The value of `Location`. Its lines must agree, where it has several: the Fetch standard and browsers fail otherwise.
function location(headerList) {
  let found = null;
  for (let i = 0; i < headerList.length; i++) {
    const { 0: name, 1: value } = headerList[i];
    if (byteLowerCase(name) !== "location" || value === found) continue;
    if (found !== null) throw new TypeError("Fetch failed: the redirect has several locations");
    found = value;
  }
  return found;
}

// Turns `hop` into the request of the next hop. Gives false where the response is no redirect after all. Each hop is a
// request of its own to the outbound worker, which judges it anew.
function followRedirect(hop, status, headerList) {
  const value = location(headerList);
  if (value === null) return false;
  const from = new URL(hop.url);
  let to;
  try {
    to = new URL(value, hop.url);
  } catch {
    throw new TypeError("Invalid Location header; unable to follow redirect.");
  }
  if (to.protocol !== "https:" && to.protocol !== "http:") {
    throw new TypeError(`Fetch failed: redirect to a URL that is not HTTP: ${to.href}`);
  }
  if (hop.urls.length > MAX_REDIRECTS) {
    throw new TypeError(`Fetch failed: more than ${MAX_REDIRECTS} redirects`);
  }
  // A fragment that is empty is one.
  if (!StringPrototypeIncludes(to.href, "#")) to.hash = from.hash;
  if (status !== 303 && hop.streamed) {
    throw new TypeError(
      "A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect requiring the body " +
        "to be retransmitted. To avoid this error in the future, construct this request from a buffer-like body initializer.",
    );
  }
  const becomesGet = ((status === 301 || status === 302) && hop.method === "POST") ||
    (status === 303 && hop.method !== "GET" && hop.method !== "HEAD");
  if (becomesGet) {
    hop.method = "GET";
    hop.source = null;
    hop.streamed = false;
    hop.headers = without(hop.headers, BODY_HEADERS);
  }
  hop.isSameOrigin = to.origin === from.origin;
  if (!hop.isSameOrigin) hop.headers = without(hop.headers, CREDENTIAL_HEADERS);
  hop.body = hop.source === null ? null : extractBody(hop.source).body;
  hop.url = to.href;
  ArrayPrototypePush(hop.urls, to.href);
  return true;
}

return { followRedirect };
})();
