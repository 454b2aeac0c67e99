//! Node's modules and globals in workers.

mod confined;
mod same;
mod switches;
mod tampering;
