//! Which of `deno_node_crypto`'s ops are had, and what ours are beside them. Whatever of theirs takes unbounded time or
//! memory, or panics on what it is given, is not: keys that are read, made and signed with, ciphers, groups and primes of
//! Diffie-Hellman, functions that are slow on purpose, and twins that compute on a thread that nobody stops.

use std::borrow::Cow;

use deno_core::Extension;

/// Those that scripts call, by way of `js/node/crypto_ops.js`.
const OPS: &[&str] = &[
    "op_node_aes_unwrap_key",
    "op_node_aes_wrap_key",
    "op_node_cert_export_challenge",
    "op_node_cert_export_public_key",
    "op_node_create_ec_jwk",
    "op_node_create_secret_key",
    "op_node_diffie_hellman",
    "op_node_ecdh_compute_public_key",
    "op_node_ecdh_compute_secret",
    "op_node_ecdh_encode_pubkey",
    "op_node_ecdh_generate_keys",
    "op_node_ecdh_validate_private_key",
    "op_node_ecdh_validate_public_key",
    "op_node_export_private_key_der",
    "op_node_export_private_key_jwk",
    "op_node_export_private_key_pem",
    "op_node_export_public_key_der",
    "op_node_export_public_key_jwk",
    "op_node_export_public_key_pem",
    "op_node_export_secret_key",
    "op_node_export_secret_key_b64url",
    "op_node_fill_random",
    "op_node_generate_ec_key",
    "op_node_generate_ed25519_key",
    "op_node_generate_secret_key",
    "op_node_generate_x25519_key",
    "op_node_get_asymmetric_key_details",
    "op_node_get_asymmetric_key_type",
    "op_node_get_hashes",
    "op_node_get_private_key_from_pair",
    "op_node_get_public_key_from_pair",
    "op_node_get_symmetric_key_size",
    "op_node_hash_clone",
    "op_node_hash_digest",
    "op_node_hash_digest_hex",
    "op_node_hash_update",
    "op_node_hash_update_str",
    "op_node_key_equals",
    "op_node_key_type",
    "op_node_private_decrypt",
    "op_node_public_encrypt",
    "op_node_random_int",
    "op_node_sign_ed25519",
    "op_node_validate_oaep_hash",
    "op_node_verify_ed25519",
    "op_node_x509_ca",
    "op_node_x509_check_email",
    "op_node_x509_check_ip",
    "op_node_x509_check_issued",
    "op_node_x509_check_private_key",
    "op_node_x509_fingerprint",
    "op_node_x509_fingerprint256",
    "op_node_x509_fingerprint512",
    "op_node_x509_get_info_access",
    "op_node_x509_get_issuer",
    "op_node_x509_get_raw",
    "op_node_x509_get_serial_number",
    "op_node_x509_get_signature_algorithm_name",
    "op_node_x509_get_signature_algorithm_oid",
    "op_node_x509_get_subject",
    "op_node_x509_get_subject_alt_name",
    "op_node_x509_get_valid_from",
    "op_node_x509_get_valid_to",
    "op_node_x509_parse",
    "op_node_x509_to_legacy_object",
    "op_node_x509_to_string",
    "op_node_x509_verify",
];

/// Their extension, with those ops.
pub(crate) fn extension() -> Extension {
    let mut extension = deno_node_crypto::deno_node_crypto::init();
    let ops = extension.ops.iter().filter(|op| OPS.contains(&op.name));
    extension.ops = Cow::Owned(ops.copied().collect());
    extension
}
