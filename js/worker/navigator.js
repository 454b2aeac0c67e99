// `navigator`, with what Workers have of it.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, ObjectFreeze, PromisePrototypeThen, SymbolToStringTag, TypeError } = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { Request } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { fetch } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

function discard(response) {
  const { body } = toInnerResponse(response);
  if (body !== null) body.cancel();
}

class Navigator {
  constructor() {
    throw new TypeError("Illegal constructor");
  }

  // Libraries choose their code by this name.
  get userAgent() {
    return "Cloudflare-Workers";
  }

  // A worker has one thread.
  get hardwareConcurrency() {
    return 1;
  }

  get language() {
    return "en";
  }

  get languages() {
    return languages;
  }

  get platform() {
    return "Linux";
  }

  // A request whose answer nobody waits for: the worker's own, by way of its policy.
  sendBeacon(url, body = undefined) {
    webidl.requiredArguments(arguments.length, 1, "Failed to execute 'sendBeacon' on 'Navigator'");
    const context = requireContext();
    const request = new Request(url, { __proto__: null, method: "POST", body });
    context.waitUntil(PromisePrototypeThen(fetch(request), discard));
    return true;
  }
}
const languages = ObjectFreeze(["en"]);
ObjectDefineProperty(Navigator.prototype, SymbolToStringTag, {
  __proto__: null,
  value: "Navigator",
  configurable: true,
});

return { Navigator, navigator: { __proto__: Navigator.prototype } };
})();
