//! Private keys on tokens (PKCS #11): hardware modules, TPMs and their likes, by the module that their maker ships. The key never
//! leaves the token; this process asks it to sign.

mod key;
mod module;
mod object;
mod pin;
mod session;
mod uri;

pub use key::TokenKey;
pub use pin::Pin;
pub use uri::Uri;

/// What a key's name begins with that is on a token.
pub const SCHEME: &str = "pkcs11:";
