//! From a configuration to what runs: projects, networks, bindings, credentials and identities; loading anew.

mod agents;
mod agents_dir;
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
mod options;
mod outbound;
mod project;
mod services;
mod tails;
mod unavailable;

pub use certificates::{Listed, list_certificates};
pub use options::options_of_broken;
pub use project::load;
