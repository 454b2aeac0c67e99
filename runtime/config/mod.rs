//! What is written: files, flags and fields, their places, and what is wrong with them. It builds nothing.

mod cron_trigger;
pub(crate) mod document;
mod dotenv;
pub(crate) mod files;
mod flags;
mod nearest;
mod partial;
mod places;
pub(crate) mod problems;
pub(crate) mod project_file;
mod schema;
pub(crate) mod secrets;
pub(crate) mod tables;
mod values;
pub(crate) mod wrangler;

pub use cron_trigger::CronTrigger;
pub(crate) use document::read_values;
pub(crate) use files::{has_configuration, parent};
pub use flags::Flags;
pub(crate) use nearest::nearest;
pub use schema::schema;
