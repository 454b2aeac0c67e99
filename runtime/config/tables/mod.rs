//! The tables of `workerd-lite.toml`: one file for each, with its type.

mod access_log;
mod admin;
mod agent;
mod attack;
mod audit;
mod certificate;
mod credential;
mod identity;
mod isolates;
mod isolation;
mod keys;
mod limits;
mod mtls_certificate;
mod network;
mod outbound;
mod rule;
mod timeouts;
mod trace;

pub(crate) use access_log::AccessLog;
pub(crate) use admin::Admin;
pub(crate) use agent::{Agent, Service, TailConsumer};
pub(crate) use attack::Attack;
pub(crate) use audit::{Audit, OnFailure};
pub(crate) use certificate::{Certificate, Issue};
pub(crate) use credential::{ClientAuth, Credential, Redact, Type};
pub(crate) use identity::Identity;
pub(crate) use isolates::Isolates;
pub(crate) use isolation::Isolation;
pub(crate) use keys::Keys;
pub(crate) use limits::{Limits, WranglerLimits};
pub(crate) use mtls_certificate::MtlsCertificate;
pub(crate) use network::Network;
pub(crate) use outbound::{IsolatePer, Outbound};
pub(crate) use rule::{Mode, Rule};
pub(crate) use timeouts::Timeouts;
pub(crate) use trace::Trace;
