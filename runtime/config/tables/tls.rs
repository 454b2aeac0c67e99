//! `[tls]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::limiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The chain that clients are shown (PEM), the server's certificate first.
    pub(crate) cert: PathBuf,
    /// Its key: a file (PEM), or a `pkcs11:` URI.
    pub(crate) key: PathBuf,
    /// The PKCS #11 module that reaches the token, where the key is a `pkcs11:` URI.
    pub(crate) module: Option<String>,
    /// The name of the secret that holds the token's PIN.
    pub(crate) pin: Option<String>,
    /// Roots that clients' certificates are verified by (PEM).
    #[serde(default, deserialize_with = "limiting")]
    pub(crate) client_ca: Vec<PathBuf>,
    /// Lists of clients' certificates that are no longer good (PEM). Where there is one, each authority of `client_ca` needs one.
    #[serde(default, deserialize_with = "limiting")]
    pub(crate) client_crl: Vec<PathBuf>,
    /// Other certificates, for clients that ask for a name which they have.
    #[serde(default)]
    pub(crate) certificates: Vec<NamedCertificate>,
    /// Whether clients show a certificate: `required` where there is a `client_ca`, else `none`.
    pub(crate) client_auth: Option<ShownBy>,
}

/// A certificate for who asks for one of its DNS names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedCertificate {
    /// The chain (PEM), the server's certificate first.
    pub(crate) cert: PathBuf,
    /// Its key: a file (PEM), or a `pkcs11:` URI.
    pub(crate) key: PathBuf,
    /// The PKCS #11 module that reaches the token, where the key is a `pkcs11:` URI.
    pub(crate) module: Option<String>,
    /// The name of the secret that holds the token's PIN.
    pub(crate) pin: Option<String>,
}

/// Which clients show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ShownBy {
    None,
    Optional,
    Required,
}
