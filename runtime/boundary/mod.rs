//! The boundary between processes: what an agent's process is started with, the links to it, what goes over them, and its life.
//!
//! The parent's end takes nothing on trust that comes over a link: who calls is known by the link, and the rest is judged anew.

mod body;
mod child;
mod control;
mod ended;
mod heads;
mod keeper;
mod link;
mod processes;
mod reports;
pub mod sandbox;
mod spawn;
mod spec;
mod told;

pub(crate) use body::Sent;
pub(crate) use child::{Child, UnderWay};
pub(crate) use control::{Control, enter};
pub(crate) use heads::{Answer, Envelope, Failure, answer, answered, ask, asked, ends, is_ends};
pub(crate) use link::{LinkError, Links, client, server};
pub use processes::Settings;
pub(crate) use processes::{Hears, Key, Processes};
pub(crate) use reports::{Reports, report_to};
pub(crate) use spawn::{ARGUMENT, Ends};
pub(crate) use spec::{AgentSpec, Spec};
pub(crate) use told::{Level, Numbers, Told, reports as report_packets};
