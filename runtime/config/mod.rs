//! One validated configuration out of flags, files and the environment.

mod document;
mod project;
mod project_file;
mod secrets;
mod wrangler;

pub use project::{Flags, Loaded, load};
