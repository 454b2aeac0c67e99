//! Node's modules and globals in workers.

mod confined;
mod process;
mod same;
mod switches;
