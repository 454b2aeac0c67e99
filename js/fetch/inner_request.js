// The inside of a Request that a script made. deno_fetch's own is a literal with accessors and functions, which V8 makes in dictionary
// mode: a class with the same members costs a fraction of it.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush, ObjectFreeze } = primordials;
const { copyCf } = core.loadExtScript("ext:workerd_lite/fetch/cf.js");

class InnerRequest {
  #url;
  // Every member is declared: one that is not there would be looked for in `Object.prototype`.
  method;
  headerList;
  body = null;
  redirectMode = "follow";
  redirectCount = 0;
  clientRid = null;
  blobUrlEntry = null;
  cacheMode;
  credentialsMode;
  integrity;
  keepalive;
  mode;
  priority;
  referrer;
  referrerPolicy;
  header;
  onCancel;

  constructor(method, url, headerList) {
    this.#url = url;
    this.method = method;
    this.headerList = headerList;
  }

  url() {
    return this.#url;
  }

  currentUrl() {
    return this.#url;
  }
}

// A request has its inside under a symbol, which scripts can find.
ObjectFreeze(InnerRequest.prototype);

// A copy of any request's inside. `cf` goes before the body: a value that can not be cloned leaves that as it is.
function cloneInnerRequest(request, skipBody = false) {
  const headerList = [];
  for (let i = 0; i < request.headerList.length; i++) {
    const header = request.headerList[i];
    ArrayPrototypePush(headerList, [header[0], header[1]]);
  }
  const cloned = new InnerRequest(request.method, request.url(), headerList);
  cloned.redirectMode = request.redirectMode;
  cloned.redirectCount = request.redirectCount;
  cloned.clientRid = request.clientRid;
  cloned.cacheMode = request.cacheMode;
  cloned.credentialsMode = request.credentialsMode;
  cloned.integrity = request.integrity;
  cloned.keepalive = request.keepalive;
  cloned.mode = request.mode;
  cloned.priority = request.priority;
  cloned.referrer = request.referrer;
  cloned.referrerPolicy = request.referrerPolicy;
  copyCf(request, cloned);
  if (request.body !== null && !skipBody) cloned.body = request.body.clone();
  return cloned;
}

return { cloneInnerRequest, InnerRequest };
})();
