//! Node's modules and globals in workers.

mod commonjs;
mod confined;
mod same;
mod switches;
