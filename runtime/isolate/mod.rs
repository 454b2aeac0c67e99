//! Isolates: the only owner of a `JsRuntime`, its boot by role, its modules and its loop.

mod boot;
mod buffers;
mod builtin;
mod cell;
mod counted;
mod coverage;
mod cpu_accounting;
pub(crate) mod crash_marker;
mod error;
mod essential;
mod evaluate;
mod event_time;
mod frame;
mod guard;
mod handle;
mod heap_trim;
mod inside;
mod inspector;
mod limit;
mod loader;
pub mod modules;
mod stack;
mod worker;
mod working_for;

pub use boot::init_platform;
pub use cell::{Cell, Ended};
pub(crate) use counted::{Defaults, is_counted, is_counted_module};
pub use coverage::{CoverageSink, Range as CoverageRange, ScriptCoverage};
pub use error::StartupError;
pub(crate) use essential::{Essential, essential_thread};
pub(crate) use frame::frame;
pub use handle::{CellHandle, Dispatch};
pub use inspector::{Inspection, Target};
pub use worker::{BindingName, Caller, CodeGeneration, Worker};
