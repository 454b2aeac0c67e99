//! What a file is that was given as a certificate or a key.

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    // PEM, by its labels.
    Certificate,
    TrustedCertificate,
    PrivateKey,
    EncryptedKey,
    LegacyEncryptedKey,
    DsaKey,
    PublicKey,
    Request,
    RevocationList,
    Parameters,
    Pkcs7,
    OpenSshKey,
    Pgp,
    OtherPem,
    // DER (or BER).
    DerCertificate,
    DerPrivateKey,
    DerEncryptedKey,
    DerPublicKey,
    DerRequest,
    DerRevocationList,
    DerPkcs7,
    Pkcs12,
    OtherDer,
    // Neither.
    JavaKeyStore,
    PuttyKey,
    SshPublicKey,
    ServiceAccount,
    JsonWebKey,
    Json,
    Text,
    Binary,
}
