//! Who an agent is, in forms that upstreams verify: signed tokens and short-lived certificates, both with its SPIFFE id.

mod attested;
mod authority;
mod issuer;
mod keys;

pub use attested::{Attested, is_plain};
pub use authority::Authority;
pub(crate) use authority::Issued;
pub use issuer::Issuer;
pub use keys::{KeyRing, KeyStore};
