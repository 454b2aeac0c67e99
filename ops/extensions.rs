//! The one list of extensions, for the snapshot and for the isolates made from it: deno_core wants the same ones in
//! the same order, and checks only their names.

use std::sync::{Arc, LazyLock};

use deno_core::convert::ByteString;
use deno_core::{Extension, op2};
use deno_web::{BlobStore, InMemoryBroadcastChannel};

use crate::blob::op_blob_bytes;
use crate::body::{op_body_collect, op_body_length, op_body_raw, op_body_trailers};
use crate::cache::{op_cache_delete, op_cache_match, op_cache_put};
use crate::clock::{op_clock_elapsed, op_clock_now, op_clock_origin, op_test_advance};
use crate::cloning::{op_clone_read, op_clone_write};
use crate::collection::op_test_collect;
use crate::compression::{op_coder_close, op_coder_finish, op_coder_new, op_coder_read, op_coder_write};
use crate::console::{op_body_failed, op_console, op_console_arguments, op_uncaught};
use crate::events::{op_event_abort, op_event_fail, op_event_respond, op_event_settled, op_event_waiting};
use crate::fetch::{op_fetch_network, op_fetch_outbound_worker, op_identity_token, op_request_id, op_test_control};
use crate::html_rewriter::{
    op_rewriter_attributes, op_rewriter_change, op_rewriter_close, op_rewriter_continue, op_rewriter_end_tag,
    op_rewriter_finish, op_rewriter_flag, op_rewriter_insert, op_rewriter_insert_stream, op_rewriter_new,
    op_rewriter_output, op_rewriter_piece, op_rewriter_selector, op_rewriter_text, op_rewriter_write,
};
use crate::loader::{
    op_loader_entrypoint, op_loader_env, op_loader_fetch, op_loader_fetch_given, op_loader_find, op_loader_give,
    op_loader_load,
};
use crate::node::buffer::{
    op_node_compare, op_node_fill_text, op_node_find, op_node_find_byte, op_node_find_text, op_node_is_ascii,
    op_node_is_utf8, op_node_keep_buffer, op_node_same, op_node_swap, op_node_text, op_node_transcode,
    op_node_write_latin1, op_node_write_utf8, op_node_write_utf16,
};
use crate::node::certificate::{op_node_x509_host, op_node_x509_said};
use crate::node::cipher::{
    op_node_cipher_aad, op_node_cipher_expect, op_node_cipher_final, op_node_cipher_new, op_node_cipher_update,
};
use crate::node::crypto;
use crate::node::encrypted_key::{op_node_key_seal, op_node_pem};
use crate::node::files::{op_node_files_most, op_node_module_files, op_node_module_read};
use crate::node::hashes::{op_node_hash_hkdf, op_node_hash_new, op_node_hash_size, op_node_hmac_new};
use crate::node::idna::{
    op_node_domain_to_ascii, op_node_domain_to_unicode, op_node_punycode_decode, op_node_punycode_encode,
};
use crate::node::kdf::{op_node_kdf_pbkdf2, op_node_kdf_scrypt};
use crate::node::key_der::op_node_key_der;
use crate::node::keygen::{
    op_node_make_448, op_node_make_dh, op_node_make_dsa, op_node_make_rsa, op_node_make_rsa_pss,
};
use crate::node::keys::{
    op_node_key_private, op_node_key_public, op_node_key_public_half, op_node_key_raw, op_node_key_rsa_jwk,
    op_node_x509_bounded,
};
use crate::node::numbers::{op_node_is_prime, op_node_power, op_node_prime};
use crate::node::quick::{op_node_quick_read, op_node_quick_sign, op_node_quick_verify};
use crate::node::require::{
    op_module_compile, op_module_file, op_module_json, op_module_main, op_module_origin, op_module_resolve,
};
use crate::node::signing::{
    op_node_key_rsa, op_node_key_sign, op_node_key_sign_ed448, op_node_key_verify, op_node_key_verify_ed448,
};
use crate::node::spkac::op_node_spkac_verify;
use crate::node::zlib::{
    op_node_crc32, op_node_zlib_close, op_node_zlib_failure, op_node_zlib_new, op_node_zlib_only_one,
    op_node_zlib_params, op_node_zlib_reset, op_node_zlib_run,
};
use crate::residual::op_residual_script;
use crate::role::Role;
use crate::rpc::{
    op_rpc_call, op_rpc_decode, op_rpc_drop, op_rpc_dup, op_rpc_encode, op_rpc_fail, op_rpc_fetch, op_rpc_loopback,
    op_rpc_pipe, op_rpc_pipe_end, op_rpc_pipe_fail, op_rpc_pipe_write, op_rpc_read_arguments, op_rpc_read_result,
    op_rpc_reply, op_rpc_watch,
};
use crate::stack_depth::op_stack_is_deep;
use crate::tcp::{
    op_tcp_connect, op_tcp_end, op_tcp_ended, op_tcp_finish, op_tcp_hold, op_tcp_new, op_tcp_pair, op_tcp_readable,
    op_tcp_release, op_tcp_start_tls, op_tcp_write,
};
use crate::trailers::{op_trailers_follow, op_trailers_say};
use crate::webassembly::{op_wasm_memories, op_wasm_own};
use crate::webcrypto::{
    op_crypto_aes_gcm, op_crypto_call, op_crypto_digest, op_crypto_is_on_curve, op_crypto_sign_p384_sha1,
    op_crypto_turn, op_crypto_turn_now, op_crypto_verify_p384_sha1,
};
use crate::websocket::{
    op_websocket_accept, op_websocket_buffered, op_websocket_close, op_websocket_end, op_websocket_next,
    op_websocket_pair, op_websocket_send, op_websocket_send_text,
};
use crate::whatwg_url::{
    op_whatwg_url_parse, op_whatwg_url_parse_with_base, op_whatwg_url_reparse, op_whatwg_url_serialization,
};

// deno_fetch's scripts without its Rust, which brings a client, permissions and a file system of its own. The name
// must be theirs, because the scripts load each other by it.
deno_core::extension!(
    deno_fetch,
    deps = [deno_webidl, deno_web],
    ops = [op_utf8_to_byte_string],
);

deno_core::extension!(
    workerd_lite,
    deps = [deno_webidl, deno_web, deno_crypto, deno_fetch],
    ops = [
        op_blob_bytes,
        op_body_collect,
        op_body_length,
        op_body_raw,
        op_body_trailers,
        op_trailers_follow,
        op_trailers_say,
        op_cache_delete,
        op_cache_match,
        op_cache_put,
        op_coder_close,
        op_coder_finish,
        op_coder_new,
        op_coder_read,
        op_coder_write,
        op_clone_read,
        op_clone_write,
        op_clock_elapsed,
        op_clock_now,
        op_clock_origin,
        op_console,
        op_console_arguments,
        op_crypto_aes_gcm,
        op_crypto_call,
        op_crypto_digest,
        op_crypto_is_on_curve,
        op_crypto_sign_p384_sha1,
        op_crypto_turn,
        op_crypto_turn_now,
        op_crypto_verify_p384_sha1,
        op_stack_is_deep,
        op_body_failed,
        op_uncaught,
        op_event_abort,
        op_event_fail,
        op_event_respond,
        op_event_settled,
        op_event_waiting,
        op_fetch_network,
        op_fetch_outbound_worker,
        op_identity_token,
        op_loader_entrypoint,
        op_loader_env,
        op_loader_fetch,
        op_loader_fetch_given,
        op_loader_find,
        op_loader_give,
        op_loader_load,
        op_node_cipher_aad,
        op_node_cipher_expect,
        op_node_cipher_final,
        op_node_cipher_new,
        op_node_cipher_update,
        op_node_compare,
        op_node_crc32,
        op_node_domain_to_ascii,
        op_node_domain_to_unicode,
        op_node_files_most,
        op_node_fill_text,
        op_node_find,
        op_node_find_byte,
        op_node_find_text,
        op_node_quick_read,
        op_node_quick_sign,
        op_node_quick_verify,
        op_node_same,
        op_node_hash_hkdf,
        op_node_hash_new,
        op_node_hash_size,
        op_node_hmac_new,
        op_node_is_ascii,
        op_node_is_utf8,
        op_node_kdf_pbkdf2,
        op_node_kdf_scrypt,
        op_node_is_prime,
        op_node_keep_buffer,
        op_node_module_files,
        op_node_module_read,
        op_node_key_private,
        op_node_key_der,
        op_node_key_public,
        op_node_key_public_half,
        op_node_key_raw,
        op_node_key_rsa,
        op_node_key_rsa_jwk,
        op_node_key_seal,
        op_node_key_sign,
        op_node_key_sign_ed448,
        op_node_key_verify,
        op_node_key_verify_ed448,
        op_node_make_448,
        op_node_make_dh,
        op_node_make_dsa,
        op_node_make_rsa,
        op_node_make_rsa_pss,
        op_node_pem,
        op_node_power,
        op_node_prime,
        op_node_punycode_decode,
        op_node_punycode_encode,
        op_node_text,
        op_node_transcode,
        op_node_write_latin1,
        op_node_swap,
        op_node_write_utf8,
        op_node_write_utf16,
        op_node_x509_bounded,
        op_node_x509_host,
        op_node_x509_said,
        op_node_spkac_verify,
        op_node_zlib_close,
        op_node_zlib_failure,
        op_node_zlib_new,
        op_node_zlib_only_one,
        op_node_zlib_params,
        op_node_zlib_reset,
        op_node_zlib_run,
        op_module_compile,
        op_module_file,
        op_module_json,
        op_module_main,
        op_module_origin,
        op_module_resolve,
        op_request_id,
        op_rewriter_attributes,
        op_rewriter_change,
        op_rewriter_close,
        op_rewriter_continue,
        op_rewriter_end_tag,
        op_rewriter_finish,
        op_rewriter_flag,
        op_rewriter_insert,
        op_rewriter_insert_stream,
        op_rewriter_new,
        op_rewriter_output,
        op_rewriter_piece,
        op_rewriter_selector,
        op_rewriter_text,
        op_rewriter_write,
        op_residual_script,
        op_rpc_call,
        op_rpc_decode,
        op_rpc_drop,
        op_rpc_dup,
        op_rpc_encode,
        op_rpc_fail,
        op_rpc_fetch,
        op_rpc_loopback,
        op_rpc_pipe,
        op_rpc_pipe_end,
        op_rpc_pipe_fail,
        op_rpc_pipe_write,
        op_rpc_read_arguments,
        op_rpc_read_result,
        op_rpc_reply,
        op_rpc_watch,
        op_test_advance,
        op_test_collect,
        op_test_control,
        op_wasm_memories,
        op_wasm_own,
        op_tcp_connect,
        op_tcp_end,
        op_tcp_ended,
        op_tcp_finish,
        op_tcp_hold,
        op_tcp_new,
        op_tcp_pair,
        op_tcp_readable,
        op_tcp_release,
        op_tcp_start_tls,
        op_tcp_write,
        op_websocket_accept,
        op_websocket_buffered,
        op_websocket_close,
        op_websocket_end,
        op_websocket_next,
        op_websocket_pair,
        op_websocket_send,
        op_websocket_send_text,
        op_whatwg_url_parse,
        op_whatwg_url_parse_with_base,
        op_whatwg_url_reparse,
        op_whatwg_url_serialization,
    ],
);

/// The extensions of one isolate, or of the snapshot where there is no role yet. Blob URLs and message channels are
/// the isolate's own: sharing a store would be a way round the policy.
pub fn extensions(role: Option<Role>) -> Vec<Extension> {
    let mut worker = workerd_lite::init();
    worker.middleware_fn = role.map(Role::middleware);
    vec![
        deno_webidl::deno_webidl::init(),
        web(),
        deno_crypto::deno_crypto::init(None),
        deno_fetch::init(),
        crypto::extension(),
        worker,
    ]
}

/// deno_web without what no worker has: each op and each method is an object in every isolate. Of its classes that are made in Rust
/// there is the console's: the others are of stylesheets, geometry and images.
fn web() -> Extension {
    // No op of channels is there: one for each isolate would be 16 KiB for nothing.
    static UNUSED: LazyLock<InMemoryBroadcastChannel> = LazyLock::new(InMemoryBroadcastChannel::default);
    let mut web = deno_web::deno_web::init(Arc::new(BlobStore::default()), None, false, UNUSED.clone());
    let unused = |name: &str| {
        let kinds = ["op_broadcast_", "op_geometry_", "op_lock_manager_"];
        kinds.iter().any(|kind| name.starts_with(kind))
    };
    web.ops = web.ops.iter().filter(|op| !unused(op.name)).copied().collect();
    web.objects = web
        .objects
        .iter()
        .filter(|class| class.name.0 == "Console")
        .copied()
        .collect();
    web
}

/// `EventSource` needs a header value of UTF-8 bytes.
#[op2]
fn op_utf8_to_byte_string(#[string] input: String) -> ByteString {
    input.into()
}
