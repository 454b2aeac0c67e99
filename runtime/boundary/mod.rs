//! Agents in processes of their own: what such a process may do.

pub mod sandbox;
