// `Headers.getAll()`, which Workers had before the standard had `getSetCookie()`.
// https://developers.cloudflare.com/workers/runtime-apis/headers/#differences
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, ReflectApply, StringPrototypeToLowerCase, TypeError } = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { Headers } = core.loadExtScript("ext:deno_fetch/20_headers.js");

const { getSetCookie } = Headers.prototype;

const { getAll } = {
  getAll(name) {
    const prefix = "Failed to execute 'getAll' on 'Headers'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    if (StringPrototypeToLowerCase(webidl.converters.ByteString(name, prefix, "Argument 1")) !== "set-cookie") {
      throw new TypeError('getAll() can only be used with the header name "Set-Cookie".');
    }
    return ReflectApply(getSetCookie, this, []);
  },
};

function defineGetAll() {
  ObjectDefineProperty(Headers.prototype, "getAll", {
    __proto__: null,
    value: getAll,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

return { defineGetAll };
})();
