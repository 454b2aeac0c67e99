// `Cloudflare.compatibilityFlags`: the flags of workerd whose behaviour this is, of those that a library may ask for.
// https://developers.cloudflare.com/workers/configuration/compatibility-flags/
(function () {
const { primordials } = __bootstrap;
const { ObjectFreeze } = primordials;

// Whatever the date of a worker says: there is one behaviour, the newest.
const compatibilityFlags = ObjectFreeze({
  __proto__: null,
  brotli_content_encoding: true,
  capture_async_api_throws: true,
  disallow_importable_env: false,
  dont_substitute_null_on_type_error: true,
  enable_navigator_language: true,
  fetch_refuses_unknown_protocols: true,
  fetch_standard_url: true,
  formdata_parser_supports_files: true,
  global_navigator: true,
  http_headers_getsetcookie: true,
  nodejs_als: true,
  nodejs_compat: true,
  nodejs_compat_populate_process_env: true,
  nodejs_compat_v2: true,
  set_tostring_tag: true,
  streams_enable_constructors: true,
  strict_compression_checks: true,
  strict_crypto_checks: true,
  transformstream_enable_standard_constructor: true,
  unwrap_custom_thenables: true,
  url_standard: true,
  urlpattern_standard: true,
});

return { Cloudflare: ObjectFreeze({ __proto__: null, compatibilityFlags }) };
})();
