//! Node's modules and globals in workers.

mod confined;
mod files;
mod process;
mod http;
mod http_server;
mod crypto;
mod same;
mod switches;
mod tampering;
mod zlib;
