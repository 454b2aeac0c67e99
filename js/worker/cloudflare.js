// `Cloudflare.compatibilityFlags`: the flags of workerd whose behaviour this is, of those that a library may ask for.
// https://developers.cloudflare.com/workers/configuration/compatibility-flags/
(function () {
const { core, primordials } = __bootstrap;
const { ObjectFreeze } = primordials;
const { otherwise } = core.loadExtScript("ext:workerd_lite/worker/compatibility.js");

// By the newest date, but for what is otherwise.
const compatibilityFlags = ObjectFreeze({
  __proto__: null,
  allow_custom_ports: true,
  blob_standard_mime_type: true,
  brotli_content_encoding: true,
  cache_no_cache_enabled: true,
  cache_option_enabled: true,
  capture_async_api_throws: true,
  crypto_preserve_public_exponent: true,
  disallow_importable_env: false,
  dont_substitute_null_on_type_error: true,
  enable_ctx_exports: true,
  enable_navigator_language: true,
  enable_request_signal: true,
  enable_weak_ref: true,
  expose_global_message_channel: true,
  fetch_refuses_unknown_protocols: true,
  fetch_standard_url: true,
  fetcher_no_get_put_delete: true,
  formdata_parser_supports_files: true,
  global_fetch_strictly_public: false,
  global_navigator: true,
  handle_cross_request_promise_resolution: true,
  html_rewriter_treats_esi_include_as_void_tag: false,
  http_headers_getsetcookie: true,
  internal_stream_byob_return_view: true,
  no_global_importscripts: true,
  nodejs_als: true,
  nodejs_compat: true,
  nodejs_compat_populate_process_env: true,
  nodejs_compat_v2: true,
  pedantic_wpt: false,
  response_redirect_url_standard: true,
  rpc: true,
  rpc_params_dup_stubs: true,
  set_event_target_this: true,
  set_tostring_tag: true,
  streams_byob_reader_detaches_buffer: true,
  streams_enable_constructors: true,
  strict_compression_checks: true,
  strict_crypto_checks: true,
  strip_authorization_on_cross_origin_redirect: true,
  strip_bom_in_read_all_text: true,
  throw_on_unrecognized_import_assertion: true,
  transformstream_enable_standard_constructor: true,
  unwrap_custom_thenables: true,
  upper_case_all_http_methods: true,
  url_standard: true,
  urlpattern_standard: true,
  urlsearchparams_delete_has_value_arg: true,
  workers_api_getters_setters_on_prototype: true,
  ...otherwise,
});

return { Cloudflare: ObjectFreeze({ __proto__: null, compatibilityFlags }) };
})();
