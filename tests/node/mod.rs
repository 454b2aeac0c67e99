//! Node's modules and globals in workers.

mod commonjs;
mod confined;
mod crypto;
mod files;
mod first_import;
mod http;
mod http_server;
mod process;
mod same;
mod switches;
mod tampering;
mod zlib;
