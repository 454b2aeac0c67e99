//! What the tests share: certificates, upstreams, and the program as a child process.

pub mod certs;
pub mod partner;
