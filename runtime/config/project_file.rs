//! `workerd-lite.toml`: what wrangler has no word for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::files::Files;
use super::tables::{
    AccessLog, Admin, Agent, Attack, Audit, Certificate, Credential, Identity, Isolates, Isolation, Keys, Limits,
    Network, Outbound, Timeouts, Tls, Trace,
};
use super::values::{Listened, listened, optional_duration, parsed};
use crate::listen::ListenAddress;
use crate::rules::Forwarder;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectFile {
    /// The script, where there is no wrangler file beside this one.
    pub(crate) main: Option<PathBuf>,
    /// Patterns of further files that the only agent may import as data.
    #[serde(default)]
    pub(crate) modules: Vec<String>,
    /// Names of the only agent's bindings that load workers, by `env.LOADER.load()` and `get()`.
    #[serde(default)]
    pub(crate) loaders: Vec<String>,
    /// Where requests are taken: an address or a name with a port, `:8787` for all addresses, `unix:/run/x.sock,mode=0660`; or several.
    /// Or tables, `[[listen]]` with `address` and `tls`.
    #[serde(default, deserialize_with = "listened")]
    #[schemars(with = "Option<Listened>")]
    pub(crate) listen: Vec<ListenAddress>,
    /// Threads that run scripts; one per core without it.
    pub(crate) threads: Option<usize>,
    /// The policy that each request of an agent passes.
    pub(crate) outbound: Option<Outbound>,
    /// The agents, where there is more than one.
    pub(crate) agents: Option<Vec<Agent>>,
    /// A folder whose folders are agents: `<name>/`, and `<tenant>/<name>/`, each with a wrangler file or a `worker.js`. They are found
    /// when they are asked for, as `<name>.localhost` and `<name>.<tenant>.localhost`, or by `match_header`.
    pub(crate) agents_dir: Option<PathBuf>,
    /// What stands in the place of `localhost` in these hosts, such as `agents.example.com`.
    pub(crate) agents_domain: Option<String>,
    /// A header by which a request may name its agent, such as `x-agent`; with `forwarded`, the proxies' requests only.
    pub(crate) match_header: Option<String>,
    /// Proxies whose `Forwarded` or `X-Forwarded-For`, `-Proto` and `-Host` are believed: blocks of addresses, and `unix`.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) forwarded: Vec<Forwarder>,
    /// Proxies that begin each connection with a header of the PROXY protocol (version 1 or 2), which says whose it is: blocks of
    /// addresses, and `unix`. A connection of theirs without one is closed.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) proxy_protocol: Vec<Forwarder>,
    /// TLS for clients, on every TCP address that is listened on.
    pub(crate) tls: Option<Tls>,
    /// What agents read in `request.cf` of every request.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(crate) cf: Option<BTreeMap<String, toml::Value>>,
    /// What is attached after the policy, by name.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, Credential>,
    /// The authority that says who an agent is.
    pub(crate) identity: Option<Identity>,
    /// A second listener, for the owner.
    pub(crate) admin: Option<Admin>,
    /// What attacks on the policy are to let pass.
    pub(crate) attack: Option<Attack>,
    /// Where each egress is recorded.
    pub(crate) audit: Option<Audit>,
    /// Where each request of a client is listed.
    pub(crate) access_log: Option<AccessLog>,
    /// How long a server that is told to stop waits for what is under way (`25s` by default). What is left then is cut.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    pub(crate) shutdown: Option<Duration>,
    /// When isolates are made, and put away.
    #[serde(default)]
    pub(crate) isolates: Isolates,
    /// Where agents run.
    #[serde(default)]
    pub(crate) isolation: Isolation,
    /// What keys on tokens are reached by.
    #[serde(default)]
    pub(crate) keys: Keys,
    /// What each agent may use.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Whether the only agent may run code from strings, by `eval()` and `new Function()`, and WebAssembly from bytes.
    #[serde(default)]
    pub(crate) unsafe_eval: bool,
    /// Whether the only agent may compile WebAssembly from bytes.
    #[serde(default)]
    pub(crate) wasm_unsafe_eval: bool,
    /// Where what must survive a restart is kept.
    pub(crate) state: Option<PathBuf>,
    /// Client certificates, by name.
    #[serde(default)]
    pub(crate) certificates: BTreeMap<String, Certificate>,
    /// Which addresses may be dialled.
    #[serde(default)]
    pub(crate) network: Network,
    /// What requests carry of the trace that they are a part of.
    #[serde(default)]
    pub(crate) trace: Trace,
    /// How long each step may take.
    #[serde(default)]
    pub(crate) timeouts: Timeouts,
}

/// The part of it that says where to listen, whatever else it says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Listening {
    #[serde(deserialize_with = "listened")]
    pub(crate) listen: Vec<ListenAddress>,
    pub(crate) admin: Option<Admin>,
}

impl ProjectFile {
    /// Files that are the owner's alone: this one, keys, certificates, secrets and records.
    pub(crate) fn private_files(&self, files: &Files) -> Vec<PathBuf> {
        let audit = self.audit.iter().filter_map(|section| section.file.as_ref());
        let access = self.access_log.iter().filter_map(|section| section.file.as_ref());
        let records = audit.chain(access).chain(&self.state);
        let records = records.filter_map(|path| whole(&files.folder.join(path)));
        records.chain(self.given_files(files)).collect()
    }

    /// Those of them that are read, and that nobody but the owner writes.
    pub(crate) fn given_files(&self, files: &Files) -> Vec<PathBuf> {
        let certificates = self.certificates.values();
        let certificates = certificates.flat_map(|section| {
            let verified = section.ca.iter().chain(&section.crl);
            section.cert.iter().chain(&section.key).chain(verified)
        });
        let tls = self.tls.iter();
        let tls = tls.flat_map(|section| {
            let others = section.certificates.iter().flat_map(|other| [&other.cert, &other.key]);
            let clients = section.client_ca.iter().chain(&section.client_crl);
            [&section.cert, &section.key].into_iter().chain(others).chain(clients)
        });
        let credentials = self.credentials.values().filter_map(|section| section.file.as_ref());
        let identity = self.identity.iter().flat_map(|section| {
            let files = [&section.key, &section.issuing_certificate, &section.issuing_key];
            files.into_iter().flatten()
        });
        let policy = self.outbound.iter().filter_map(|section| section.config.as_ref());
        let named = certificates.chain(tls).chain(credentials).chain(identity).chain(policy);
        let named = named.map(|path| files.folder.join(path));
        let own = files.project.iter().map(|document| document.path.clone());
        named.chain(own).filter_map(|path| whole(&path)).collect()
    }
}

/// A path without symbolic links. The file itself may be written later.
fn whole(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    })
}
