//! Node's modules and globals in workers.

mod confined;
mod crypto;
mod same;
mod switches;
