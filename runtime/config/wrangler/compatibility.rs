//! `compatibility_date` and `compatibility_flags`: scripts behave here as by the newest date, but for what `node.rs` and `differences.rs` honour.

use std::time::{Duration, SystemTime};

use super::differences::is_honoured;
use crate::config::document::Document;
use crate::config::nearest::hint;
use crate::diagnostic::SourceDiagnostic as ConfigError;

const NODE: &str = "`nodejs_compat` turns all of Node.js's modules on that are here";
const STANDARD: &str = "the standard's behaviour holds";
const CODE: &str = "code from strings runs where `unsafe_eval` allows it to this agent";
const PYTHON: &str = "Python is not run";

/// Flags that ask for what is so here, or that are about something that is not here and is refused by itself.
const SAME: &[&str] = &[
    "allow_custom_ports",
    "allow_importable_env",
    "assets_navigation_has_no_effect",
    "assets_navigation_prefers_asset_serving",
    "blob_standard_mime_type",
    "brotli_content_encoding",
    "cache_api_compat_flags",
    "cache_api_request_cf_overrides_cache_rules",
    "cache_no_cache_enabled",
    "cache_option_enabled",
    "cache_option_preserves_cache_control",
    "capture_async_api_throws",
    "connect_handler_starttls",
    "containers_pid_namespace",
    "cots_on_external_fetch",
    "crypto_preserve_public_exponent",
    "d1_binding_jsrpc",
    "delete_all_deletes_alarm",
    "diagnostics_channel_has_subscribers_getter",
    "disable_email_sending_queuing",
    "disable_fast_jsg_struct",
    "disable_top_level_await_in_require",
    "disable_validate_workflow_entrypoint",
    "dont_substitute_null_on_type_error",
    "durable_object_alarms",
    "durable_object_fetch_allows_relative_url",
    "durable_object_fetch_requires_full_url",
    "durable_object_get_existing",
    "durable_object_io_tasks_prevent_eviction",
    "durable_object_rename",
    "durable_object_snapshots",
    "dynamic_dispatch_treat_exceptions_as_500",
    "dynamic_dispatch_tunnel_exceptions",
    "enable_abortsignal_rpc",
    "enable_ctx_exports",
    "enable_d1_with_sessions_api",
    "enable_email_sending_queuing",
    "enable_fast_jsg_struct",
    "enable_global_performance_classes",
    "enable_nodejs_global_timers",
    "enable_request_signal",
    "enable_validate_workflow_entrypoint",
    "encoder_stream_spec_compliant_backpressure",
    "export_commonjs_default",
    "fetch_iterable_type_support",
    "fetch_iterable_type_support_override_adjustment",
    "fetch_refuses_unknown_protocols",
    "fetch_standard_url",
    "fetcher_no_get_put_delete",
    "fixup-transform-stream-backpressure",
    "formdata_parser_supports_files",
    "global_fetch_private_origin",
    "handle_cross_request_promise_resolution",
    "internal_stream_byob_return_view",
    "internal_writable_stream_abort_clears_queue",
    "js_rpc",
    "kv_direct_binding",
    "minimal_subrequests",
    "mutable_api_prototypes",
    "no_cache_api_compat_flags",
    "no_cache_api_request_cf_overrides_cache_rules",
    "no_cf_botmanagement_default",
    "no_cots_on_external_fetch",
    "no_global_importscripts",
    "no_minimal_subrequests",
    "no_nodejs_als",
    "no_nodejs_compat",
    "no_nodejs_compat_v2",
    "no_nodejs_zlib",
    "no_queues_json_messages",
    "no_request_cf_overrides_cache_rules",
    "no_rpc",
    "no_web_socket_compression",
    "nodejs_als",
    "nodejs_compat",
    "nodejs_compat_do_not_populate_process_env",
    "nodejs_compat_populate_process_env",
    "nodejs_compat_v2",
    "non_pedantic_wpt",
    "offpeak_location_hint",
    "pipe_to_backward_propagation",
    "queue_consumer_no_wait_for_wait_until",
    "queue_consumer_wait_for_wait_until",
    "queue_expose_error_codes",
    "queues_json_messages",
    "r2_binding_jsrpc",
    "r2_list_honor_include",
    "r2_public_beta_bindings",
    "replica_routing",
    "request_cf_overrides_cache_rules",
    "request_signal_passthrough",
    "require_returns_default_export",
    "response_redirect_url_standard",
    "rpc",
    "rpc_params_dup_stubs",
    "service_binding_extra_handlers",
    "set_event_target_this",
    "set_forwardable_email_full_headers",
    "set_forwardable_email_single_headers",
    "set_tostring_tag",
    "spec_compliant_dispatch_exceptions",
    "streams_byob_reader_detaches_buffer",
    "streams_enable_constructors",
    "strict_compression_checks",
    "strict_crypto_checks",
    "strip_authorization_on_cross_origin_redirect",
    "strip_bom_in_read_all_text",
    "tail_worker_user_spans",
    "tcp_sockets_support",
    "text_decoder_cjk_decoder",
    "text_decoder_replace_surrogates",
    "throw_on_not_implemented_tls_options",
    "throw_on_unrecognized_import_assertion",
    "transformstream_enable_standard_constructor",
    "typescript_strip_types",
    "unhandled_rejection_after_microtask_checkpoint",
    "unique_ctx_per_invocation",
    "unwrap_custom_thenables",
    "url_standard",
    "urlpattern_standard",
    "vectorize_query_metadata_optional",
    "vectorize_query_original",
    "web_socket_auto_reply_to_close",
    "webcrypto_modern_algorithms",
    "websocket_close_reason_byte_limit",
    "workers_api_getters_setters_on_prototype",
    "writable_stream_spec_compliant_writer",
];

/// Flags that ask for what is not so here, and what is.
const OTHERWISE: &[(&str, &str)] = &[
    ("allow_insecure_inefficient_logged_eval", CODE),
    ("blob_legacy_mime_type", STANDARD),
    ("cache_no_cache_disabled", STANDARD),
    ("cache_option_disabled", STANDARD),
    (
        "cf_botmanagement_default",
        "`request.cf` has what [cf] and TLS say of a request",
    ),
    (
        "connect_pass_through",
        "a policy without a `connect()` handler denies connections",
    ),
    ("disable_global_performance_classes", STANDARD),
    ("disable_request_signal", STANDARD),
    ("disallow_importable_env", "`cloudflare:workers` has `env`"),
    ("do_not_capture_async_api_throws", STANDARD),
    ("do_not_set_tostring_tag", STANDARD),
    ("enable_top_level_await_in_require", STANDARD),
    ("enable_web_file_system", "the file system is that of `node:fs`"),
    ("enable_workerd_debug_module", "there is no such module"),
    ("enhanced_error_serialization", STANDARD),
    ("experimental", "there are no experiments"),
    ("export_commonjs_namespace", STANDARD),
    ("fetch_legacy_url", STANDARD),
    ("fetch_treats_unknown_protocols_as_http", STANDARD),
    ("fetcher_has_get_put_delete", STANDARD),
    ("formdata_parser_converts_files_to_strings", STANDARD),
    ("global_importscripts", STANDARD),
    ("ignore_custom_ports", STANDARD),
    ("ignore_unrecognized_import_assertion", STANDARD),
    (
        "increase_websocket_message_size",
        "`limits.websocket_message_kb` says how large a message may be",
    ),
    ("internal_stream_byob_return_undefined", STANDARD),
    ("internal_writable_stream_abort_does_not_clear_queue", STANDARD),
    ("legacy_error_serialization", STANDARD),
    ("legacy_module_registry", STANDARD),
    ("new_module_registry", STANDARD),
    ("no_brotli_content_encoding", "brotli is decoded"),
    ("no_crypto_preserve_public_exponent", STANDARD),
    ("no_handle_cross_request_promise_resolution", STANDARD),
    (
        "no_request_signal_passthrough",
        "a client that goes aborts what was fetched for it",
    ),
    ("no_set_event_target_this", STANDARD),
    ("no_strict_compression_checks", STANDARD),
    ("no_strict_crypto_checks", STANDARD),
    ("no_unwrap_custom_thenables", STANDARD),
    (
        "nonclass_entrypoint_reuses_ctx_across_invocations",
        "each event has a `ctx` of its own",
    ),
    ("original-transform-stream-backpressure", STANDARD),
    ("pedantic_wpt", STANDARD),
    ("r2_internal_beta_bindings", "there are no R2 buckets"),
    ("response_redirect_url_original", STANDARD),
    ("retain_authorization_on_cross_origin_redirect", STANDARD),
    ("rtti_api", "there is no such module"),
    ("streams_byob_reader_does_not_detach_buffer", STANDARD),
    ("streams_disable_constructors", STANDARD),
    ("substitute_null_on_type_error", STANDARD),
    ("transformstream_disable_standard_constructor", STANDARD),
    ("unsafe_module", "there is no such module"),
    ("url_original", STANDARD),
    ("urlpattern_original", STANDARD),
    ("web_socket_compression", "messages are not compressed"),
    (
        "web_socket_manual_reply_to_close",
        "a close is answered by itself, but for `accept({ allowHalfOpen: true })`",
    ),
    ("workers_api_getters_setters_on_instance", STANDARD),
    ("nodejs_zlib", NODE),
    ("cache_reload_enabled", STANDARD),
    ("env_module_nullable_support", STANDARD),
    ("no_nodejs_global_timers", STANDARD),
    ("allow_irrevocable_stub_storage", "stubs end with their events"),
    ("immutable_api_prototypes", STANDARD),
    ("no_fetch_iterable_type_support_override_adjustment", STANDARD),
    ("no_fetch_iterable_type_support", STANDARD),
    ("do_not_strip_bom_in_read_all_text", STANDARD),
    ("disable_ctx_exports", STANDARD),
    ("rpc_params_transfer_stubs", STANDARD),
    ("python_workers", PYTHON),
    ("memory_cache_delete", "there is no memory cache"),
    ("streaming_tail_worker", "tail Workers are told at the end of an event"),
    ("unsupported_process_actual_platform", NODE),
    ("webgpu", "there is no WebGPU"),
    ("auto_grpc_convert", "gRPC passes as it is"),
    ("enable_ctx_version_metadata", "the binding `version_metadata` has it"),
    ("enable_streams_nodejs_v24_compat", NODE),
    ("enable_version_api", "there is no such module"),
    ("no_diagnostics_channel_has_subscribers_getter", STANDARD),
    ("no_spec_compliant_dispatch_exceptions", STANDARD),
    ("nodejs_process_version_24", NODE),
    ("precise_timers", "clocks stand still while a script computes"),
    ("temporal", "V8's build has no `Temporal`"),
];

/// Flags by the beginning of their names: nothing where they ask for what is so.
const FAMILIES: &[(&str, Option<&str>)] = &[
    ("enable_nodejs_", Some(NODE)),
    ("disable_nodejs_", None),
    ("remove_nodejs_", None),
    ("add_nodejs_", Some(NODE)),
    ("python_", Some(PYTHON)),
    ("no_python_", None),
    ("disable_python_", None),
    ("workflows_", None),
];

/// Checks the date's form.
pub(super) fn check_date(document: &Document, path: &str, date: &str) -> Result<(), ConfigError> {
    let is_date = date.len() == "2026-01-31".len()
        && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && humantime::parse_rfc3339(&format!("{date}T00:00:00Z")).is_ok();
    if is_date {
        let begins = humantime::parse_rfc3339(&format!("{date}T00:00:00Z"));
        if begins.is_ok_and(|begins| begins > SystemTime::now() + Duration::from_hours(24)) {
            document.warn(format_args!(
                "{}, {path}: {date} is in the future: no runtime knows what will be different by then",
                document.location(path)
            ));
        }
        return Ok(());
    }
    Err(document.complain(path, &format!("expected a date like \"2026-01-31\", found {date:?}")))
}

/// Warns of each flag that is not honoured.
pub(super) fn check_flags(document: &Document, path: &str, flags: &[String]) {
    for (index, flag) in flags.iter().enumerate() {
        let place = document.location(&format!("{path}[{index}]"));
        match effect(flag) {
            Ok(None) => {}
            Ok(Some(why)) => document.warn(format_args!(
                "{place}: the compatibility flag `{flag}` is ignored: {why}"
            )),
            Err(hint) => document.warn(format_args!(
                "{place}: the compatibility flag `{flag}` is not known, and is ignored{hint}"
            )),
        }
    }
}

/// What is otherwise than a flag asks for, if anything is; or a hint where the flag is not known.
fn effect(flag: &str) -> Result<Option<&'static str>, String> {
    if SAME.contains(&flag) || is_honoured(flag) {
        return Ok(None);
    }
    let otherwise = OTHERWISE
        .iter()
        .find(|(name, _)| *name == flag)
        .map(|(_, why)| Some(*why));
    let family = || {
        FAMILIES
            .iter()
            .find(|(start, _)| flag.starts_with(start))
            .map(|(_, why)| *why)
    };
    otherwise.or_else(family).ok_or_else(|| {
        let known = SAME.iter().copied().chain(OTHERWISE.iter().map(|(name, _)| *name));
        hint(flag, known)
    })
}

#[cfg(test)]
mod tests {
    use super::{NODE, OTHERWISE, SAME, effect};

    #[test]
    fn flags_are_same_or_otherwise_or_unknown() {
        assert!(OTHERWISE.iter().all(|(name, _)| !SAME.contains(name)));
        for (flag, expected) in [
            ("nodejs_compat", Ok(None)),
            ("nodejs_als", Ok(None)),
            ("nodejs_zlib", Ok(Some(NODE))),
            ("no_global_navigator", Ok(None)),
            ("enable_nodejs_fs_module", Ok(Some(NODE))),
            ("disable_nodejs_fs_module", Ok(None)),
            ("url_standard", Ok(None)),
            ("url_original", Ok(Some("the standard's behaviour holds"))),
            ("no_python_workers_20250116", Ok(None)),
            ("nodejs_compatt", Err("; did you mean `nodejs_compat`?".to_owned())),
            ("zzz", Err(String::new())),
        ] {
            assert_eq!(effect(flag), expected, "{flag}");
        }
    }
}
