// HTTP-redirect fetch: https://fetch.spec.whatwg.org/#http-redirect-fetch
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeFilter, ArrayPrototypePush, TypeError } = primordials;
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

function location(headerList) {
  for (let i = 0; i < headerList.length; i++) {
    if (byteLowerCase(headerList[i][0]) === "location") return headerList[i][1];
  }
  return null;
}

// Turns `hop` into the request of the next hop. Gives false where the response is no redirect after all. Each hop is a
// request of its own to the outbound worker, which judges it anew.
function followRedirect(hop, status, headerList) {
  const target = location(headerList);
  if (target === null) return false;
  const from = new URL(hop.url);
  let to;
  try {
    to = new URL(target, hop.url);
  } catch {
    throw new TypeError(`Fetch failed: redirect to an invalid URL: ${target}`);
  }
  if (to.protocol !== "https:" && to.protocol !== "http:") {
    throw new TypeError(`Fetch failed: redirect to a URL that is not HTTP: ${to.href}`);
  }
  if (hop.urls.length > MAX_REDIRECTS) {
    throw new TypeError(`Fetch failed: more than ${MAX_REDIRECTS} redirects`);
  }
  if (to.hash === "") to.hash = from.hash;
  if (status !== 303 && hop.streamed) {
    throw new TypeError("Fetch failed: a streamed request body can not be sent again after a redirect");
  }
  const becomesGet = ((status === 301 || status === 302) && hop.method === "POST") ||
    (status === 303 && hop.method !== "GET" && hop.method !== "HEAD");
  if (becomesGet) {
    hop.method = "GET";
    hop.source = null;
    hop.headers = without(hop.headers, BODY_HEADERS);
  }
  if (to.origin !== from.origin) hop.headers = without(hop.headers, CREDENTIAL_HEADERS);
  hop.body = hop.source === null ? null : extractBody(hop.source).body;
  hop.url = to.href;
  ArrayPrototypePush(hop.urls, to.href);
  return true;
}

return { followRedirect };
})();
