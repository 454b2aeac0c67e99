//! The boundary between processes: what a process of agents, or of the policy, is started with, the links to it, what goes over them, and its life.
//!
//! The parent's end takes nothing on trust that comes over a link: who calls is known by the link, and the rest is judged anew.

mod aim;
mod body;
mod carried;
mod child;
mod control;
mod cursor;
mod dials;
mod exchange;
mod failure;
mod groups;
mod heads;
mod joins;
mod keeper;
mod key;
mod link;
mod loaded;
mod output;
mod pieces;
mod processes;
mod reports;
mod rpc;
pub mod sandbox;
mod settings;
mod spare;
mod spawn;
mod spec;
mod tells;
mod tokens;
mod told;
mod with_keys;

pub(crate) use aim::{Aim, What};
pub(crate) use carried::{TlsAt, carry};
pub(crate) use child::{Child, UnderWay};
pub(crate) use control::{Control, enter, enter_with_keys, tell_start};
pub(crate) use dials::{DialCame, Refused, dial};
pub(crate) use exchange::{Answering, Asked, Unanswered, ask};
pub(crate) use failure::Failure;
pub use groups::Cgroup;
pub(crate) use heads::{Envelope, Sender, To};
pub(crate) use joins::Joins;
pub(crate) use key::Key;
pub(crate) use link::{Call, Connection, Handler, LinkError, Wire};
pub(crate) use loaded::LoadedWorker;
pub(crate) use processes::Processes;
pub(crate) use reports::{Reports, report_to};
pub(crate) use rpc::{Begin, Bridge, Came, Opened, Side, refuse};
pub use settings::Settings;
pub(crate) use spawn::{ARGUMENT, End, KEYS_ARGUMENT, Spawned};
pub(crate) use spec::{AgentSpec, Spec};
pub(crate) use tells::{Tells, tell};
pub(crate) use tokens::{TokenCame, ask_for_token};
pub(crate) use told::{Hears, Level, Numbers, Told, reports as report_packets};
pub(crate) use with_keys::start_with_keys;
