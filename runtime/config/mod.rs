//! One validated configuration out of flags, files and the environment.

mod agents;
mod certificates;
mod credential_file;
mod credentials;
mod document;
mod egress;
mod files;
mod identity;
mod limits;
mod outbound;
mod project;
mod project_file;
mod schema;
mod secrets;
mod wrangler;

pub use certificates::{Listed, list_certificates};
pub(crate) use files::parent;
pub use project::{Flags, Loaded, load};
pub use schema::schema;
