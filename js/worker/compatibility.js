// What a worker's compatibility date and flags make otherwise than it is by the newest date:
// https://developers.cloudflare.com/workers/configuration/compatibility-flags/. `runtime/config/wrangler/differences.rs` says which.
(function () {
const { primordials } = __bootstrap;
const { ArrayPrototypeForEach, ObjectDefineProperty, ObjectGetPrototypeOf, ReflectApply, ReflectDeleteProperty } = primordials;

// Asked by what differs within.
const compatibility = { __proto__: null, allocatesNoChunks: false, binaryType: "blob", cacheModes: { __proto__: null, "no-store": true, "no-cache": true }, keepsMethods: false, esiIncludeIsVoid: false, snapshotsAreBound: true };

// Names of flags, as `Cloudflare.compatibilityFlags` has them, where they are not what they are there.
const otherwise = { __proto__: null };

// Of two methods that took one argument each, before the standard gave them a second.
function withoutValue(prototype, name) {
  const method = prototype[name];
  const { [name]: former } = {
    [name](key) {
      return ReflectApply(method, this, arguments.length === 0 ? [] : [key]);
    },
  };
  ObjectDefineProperty(prototype, name, { __proto__: null, value: former, writable: true, enumerable: true, configurable: true });
}

const differences = {
  __proto__: null,
  no_global_navigator() {
    ReflectDeleteProperty(globalThis, "navigator");
    ReflectDeleteProperty(globalThis, "Navigator");
    return ["global_navigator", false];
  },
  no_http_headers_getsetcookie() {
    ReflectDeleteProperty(globalThis.Headers.prototype, "getSetCookie");
    return ["http_headers_getsetcookie", false];
  },
  no_urlsearchparams_delete_has_value_arg() {
    const { prototype } = globalThis.URLSearchParams;
    withoutValue(prototype, "delete");
    withoutValue(prototype, "has");
    return ["urlsearchparams_delete_has_value_arg", false];
  },
  no_upper_case_all_http_methods() {
    compatibility.keepsMethods = true;
    return ["upper_case_all_http_methods", false];
  },
  disable_weak_ref() {
    ReflectDeleteProperty(globalThis, "WeakRef");
    ReflectDeleteProperty(globalThis, "FinalizationRegistry");
    return ["enable_weak_ref", false];
  },
  disallow_eval_during_startup() {
    // Rust allows it, or does not.
    return ["allow_eval_during_startup", false];
  },
  disable_navigator_language() {
    const { navigator } = globalThis;
    if (navigator !== undefined) {
      ReflectDeleteProperty(ObjectGetPrototypeOf(navigator), "language");
      ReflectDeleteProperty(ObjectGetPrototypeOf(navigator), "languages");
    }
    return ["enable_navigator_language", false];
  },
  "do_not_bind_asynclocalstorage_snapshot_to-request"() {
    compatibility.snapshotsAreBound = false;
    return ["bind_asynclocalstorage_snapshot_to_request", false];
  },
  no_websocket_standard_binary_type() {
    compatibility.binaryType = "arraybuffer";
    return ["websocket_standard_binary_type", false];
  },
  no_expose_global_message_channel() {
    ReflectDeleteProperty(globalThis, "MessageChannel");
    ReflectDeleteProperty(globalThis, "MessagePort");
    return ["expose_global_message_channel", false];
  },
  cache_option_disabled() {
    compatibility.cacheModes = null;
    ReflectDeleteProperty(globalThis.Request.prototype, "cache");
    return ["cache_option_enabled", false];
  },
  cache_no_cache_disabled() {
    if (compatibility.cacheModes !== null) compatibility.cacheModes["no-cache"] = false;
    return ["cache_no_cache_enabled", false];
  },
  streams_no_default_auto_allocate_chunk_size() {
    compatibility.allocatesNoChunks = true;
    return ["streams_no_default_auto_allocate_chunk_size", true];
  },
  global_fetch_strictly_public() {
    return ["global_fetch_strictly_public", true];
  },
  html_rewriter_treats_esi_include_as_void_tag() {
    compatibility.esiIncludeIsVoid = true;
    return ["html_rewriter_treats_esi_include_as_void_tag", true];
  },
};

// Before any of the author's code runs.
function differ(flags) {
  ArrayPrototypeForEach(flags, (flag) => {
    const { 0: name, 1: value } = differences[flag]();
    otherwise[name] = value;
  });
}

return { compatibility, differ, otherwise };
})();
