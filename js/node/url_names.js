// Names of `node:url` that the script it is made of has not.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectHasOwn } = primordials;
const { URLPattern } = core.loadExtScript("ext:deno_web/01_urlpattern.js");

function complete(url) {
  if (!ObjectHasOwn(url, "URLPattern")) url.URLPattern = URLPattern;
  return url;
}

return { complete };
})();
