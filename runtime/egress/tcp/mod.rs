//! Connections of TCP, for `connect()`: judged as requests are, opened over the same resolver, and secured here where they are to be.

mod perform;
mod relay;
mod secured;
