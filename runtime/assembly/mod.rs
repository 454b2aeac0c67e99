//! From a configuration to what runs: projects, networks, bindings, credentials and identities; loading anew.

mod agent;
mod agents;
mod agents_dir;
mod assets;
mod certificates;
mod credentials;
mod front;
mod identity;
mod isolates;
mod isolation;
mod keys;
mod limits;
mod loaders;
mod matching;
mod modules;
mod network;
mod npm_project;
mod options;
mod outbound;
mod project;
mod services;
mod single;
mod tails;
mod unavailable;
mod unreachable;

pub use certificates::{Listed, list_certificates};
pub use options::options_of_broken;
pub use project::load;
