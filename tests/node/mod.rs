//! Node's modules and globals in workers.

mod absent;
mod agent_sockets;
mod browser_field;
mod buffers;
mod commonjs;
mod confined;
mod crypto;
mod dns;
mod events_own;
mod files;
mod first_import;
mod http;
mod http2;
mod http_server;
mod loopback;
mod packages;
mod process;
mod process_files;
mod same;
mod sockets;
mod soon;
mod switches;
mod tampering;
mod websocket_client;
mod zlib;
