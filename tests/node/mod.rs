//! Node's modules and globals in workers.

mod confined;
mod files;
mod process;
mod same;
mod switches;
mod tampering;
mod zlib;
