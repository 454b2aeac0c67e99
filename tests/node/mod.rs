//! Node's modules and globals in workers.

mod confined;
mod http;
mod http_server;
mod same;
mod switches;
