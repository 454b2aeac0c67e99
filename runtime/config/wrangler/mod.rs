//! wrangler's file, read unmodified. What of it cannot be honoured is said, so that it stays deployable.

mod assets;
mod bundling;
mod compatibility;
mod crowded;
mod differences;
mod environment;
mod fields;
mod lists;
mod missing;
mod node;
mod shape;

pub(crate) use assets::Assets;
pub(crate) use differences::differences;
pub(crate) use node::Node;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::cron_trigger::CronTrigger;
use super::document::Document;
use super::flags::Flags;
use super::nearest::hint;
use super::places::join;
use super::problems::Problems;
use super::tables::{MtlsCertificate, Service, TailConsumer, WranglerLimits};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::isolate::modules::Bundling;
use environment::Selected;
use fields::Use;
use lists::{Triggers, VersionMetadata};
use missing::Missing;

/// How the `toml` crate hands a date to a format that has none.
const TOML_DATE: &str = "$__toml_private_datetime";

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// An agent has no secrets and no certificates.
    Agent,
    /// The outbound worker has.
    Outbound,
}

/// The fields of `wrangler.jsonc`, `wrangler.json` or `wrangler.toml` that mean something here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wrangler {
    pub(crate) name: Option<String>,
    pub(crate) main: Option<PathBuf>,
    pub(crate) vars: Map<String, Value>,
    #[serde(deserialize_with = "lists::certificates")]
    pub(crate) mtls_certificates: Vec<MtlsCertificate>,
    /// Names of bindings that load workers.
    #[serde(deserialize_with = "lists::loaders")]
    pub(crate) worker_loaders: Vec<String>,
    /// Services that it calls.
    #[serde(deserialize_with = "lists::services")]
    pub(crate) services: Vec<Service>,
    /// Who is told of its events.
    #[serde(deserialize_with = "lists::consumers")]
    pub(crate) tail_consumers: Vec<TailConsumer>,
    pub(crate) secrets: Secrets,
    /// Files that are served, where it says which folder has them.
    pub(crate) assets: Option<Assets>,
    pub(crate) limits: WranglerLimits,
    version_metadata: Option<VersionMetadata>,
    triggers: Triggers,
    /// When its `scheduled()` handler is called.
    #[serde(skip)]
    pub(crate) crons: Vec<CronTrigger>,
    rules: Vec<bundling::Rule>,
    alias: BTreeMap<String, String>,
    define: BTreeMap<String, String>,
    /// What imports mean.
    #[serde(skip)]
    pub(crate) bundling: Bundling,
    compatibility_date: Option<String>,
    compatibility_flags: Vec<String>,
    /// What of Node.js there is.
    #[serde(skip)]
    pub(crate) node: Node,
    /// What of Workers there is otherwise than by the newest date.
    #[serde(skip)]
    pub(crate) differences: Vec<String>,
}

impl Wrangler {
    /// What holds where there is no such file.
    pub(crate) fn none(flags: &Flags) -> Self {
        Self {
            bundling: Bundling {
                defines: bundling::default_defines(flags.dev),
                maps: flags.dev || flags.testing,
                ..Bundling::default()
            },
            ..Self::default()
        }
    }
}

/// `secrets`: names of secrets that `env` has to have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Secrets {
    pub(crate) required: Vec<String>,
}

/// Reads a wrangler file for the environment that the flags choose. Warns of each field that is not honoured, and refuses
/// bindings that there is nothing behind unless the flags allow it.
pub(crate) fn read(document: &Document, flags: &Flags, owner: Owner, problems: &Problems) -> Wrangler {
    let selected = document
        .value()
        .and_then(|value| crowded::refuse(document, value))
        .and_then(|value| environment::select(document, value, flags.env.as_deref()));
    let Some(selected) = problems.value(selected) else {
        // Nothing of it holds.
        problems.unread(document.subject("main"));
        problems.unread(document.subject("name"));
        return Wrangler::default();
    };
    let mut honoured = Map::new();
    let mut paths = HashMap::new();
    let mut missing = Vec::new();
    for Selected { name, path, value } in selected {
        match fields::field(&name).map(|field| field.is) {
            None => environment::unknown(document, &path, &name),
            Some(Use::Read) => {
                if problems.value(refuse_dates(document, &path, &value)).is_some() {
                    honoured.insert(name.clone(), value);
                    paths.insert(name, path);
                }
            }
            Some(Use::Binding(shape, what)) => {
                let bound = shape.bound(&path, &value).into_iter();
                missing.extend(bound.map(|bound| Missing { bound, what }));
            }
            Some(Use::Ignored(why)) if !environment::is_empty(&value) => ignored(document, &path, why),
            Some(Use::Usual(usual, why)) if value != *usual => ignored(document, &path, why),
            Some(Use::Ignored(_) | Use::Usual(..)) => {}
            Some(Use::Deployment) => {
                tracing::debug!(
                    "{}: `{path}` is about deployment, and is passed over",
                    document.location(&path)
                );
            }
        }
    }
    let mut wrangler: Wrangler = honour(document, honoured, &paths, problems);
    let path = |name: &str| paths.get(name).cloned().unwrap_or_default();
    if let Some(date) = &wrangler.compatibility_date {
        problems.value(compatibility::check_date(document, &path("compatibility_date"), date));
    }
    compatibility::check_flags(document, &path("compatibility_flags"), &wrangler.compatibility_flags);
    let defines = bundling::defines(document, &path("define"), &wrangler.define, &wrangler.vars, flags.dev);
    let defines = problems.value(defines).unwrap_or_default();
    let imports = bundling::bundling(document, &path("rules"), &wrangler.rules, &wrangler.alias, defines);
    wrangler.bundling = problems.value(imports).unwrap_or_default();
    wrangler.bundling.maps = flags.dev || flags.testing;
    wrangler.node = Node::of(wrangler.compatibility_date.as_deref(), &wrangler.compatibility_flags);
    wrangler.differences = differences(wrangler.compatibility_date.as_deref(), &wrangler.compatibility_flags);
    let crons = wrangler.triggers.crons.take().unwrap_or_default();
    if owner == Owner::Outbound && !crons.is_empty() {
        ignored(document, &path("triggers"), "nothing calls a policy by the time");
    } else {
        for (index, text) in crons.iter().enumerate() {
            let place = format!("{}.crons[{index}]", path("triggers"));
            let parsed = CronTrigger::parse(text).map_err(|why| document.complain(&place, &why));
            wrangler.crons.extend(problems.value(parsed));
        }
    }
    if let Some(VersionMetadata { binding }) = wrangler.version_metadata.take() {
        wrangler.vars.insert(binding, VersionMetadata::value());
    }
    if let Some(assets) = &mut wrangler.assets {
        assets.path = path("assets");
        assets.navigation = assets::navigation(wrangler.compatibility_date.as_deref(), &wrangler.compatibility_flags);
    }
    let (unserved, what) = match owner {
        Owner::Agent => (
            wrangler.assets.take_if(|assets| assets.directory.is_none()),
            "folder of assets: `assets.directory` names none, as bundlers find it; serve the wrangler.json that the build writes",
        ),
        Owner::Outbound => (wrangler.assets.take(), "assets for the policy"),
    };
    match unserved {
        Some(Assets {
            binding: Some(binding), ..
        }) => missing.push(Missing {
            bound: shape::Bound {
                field: format!("{}.binding", path("assets")),
                name: Some(binding),
                in_env: true,
            },
            what,
        }),
        Some(_) => ignored(document, &path("assets"), &format!("there is no {what}")),
        None => {}
    }
    if owner == Owner::Outbound {
        let services = std::mem::take(&mut wrangler.services).into_iter().enumerate();
        missing.extend(services.map(|(index, service)| Missing {
            bound: shape::Bound {
                field: format!("{}[{index}].binding", path("services")),
                name: Some(service.binding),
                in_env: true,
            },
            what: "service bindings of the policy",
        }));
    }
    if owner == Owner::Agent {
        let required = std::mem::take(&mut wrangler.secrets.required).into_iter().enumerate();
        missing.extend(required.map(|(index, name)| Missing {
            bound: shape::Bound {
                field: format!("{}.required[{index}]", path("secrets")),
                name: Some(name),
                in_env: true,
            },
            what: "secrets for agents (the policy attaches credentials)",
        }));
        if !std::mem::take(&mut wrangler.mtls_certificates).is_empty() {
            ignored(
                document,
                &path("mtls_certificates"),
                "certificates are bound to the outbound worker, in workerd-lite.toml under [outbound]",
            );
        }
    }
    problems.value(missing::refuse(document, &missing, flags.allow_missing_bindings));
    wrangler
}

fn ignored(document: &Document, path: &str, why: &str) {
    document.warn(format_args!("{}: `{path}` is ignored: {why}", document.location(path)));
}

/// The fields that are honoured, by their types. `paths` says where each is written.
fn honour(
    document: &Document,
    mut fields: Map<String, Value>,
    paths: &HashMap<String, String>,
    problems: &Problems,
) -> Wrangler {
    loop {
        let (name, error) = match honoured(document, fields.clone(), paths) {
            Ok(wrangler) => return wrangler,
            Err(failed) => failed,
        };
        problems.add(error);
        problems.unread(document.subject(&name));
        // The other fields have errors of their own, or none.
        if fields.remove(&name).is_none() {
            return Wrangler::default();
        }
    }
}

/// The same, or the first field that is of another type, and the error.
fn honoured(
    document: &Document,
    fields: Map<String, Value>,
    paths: &HashMap<String, String>,
) -> Result<Wrangler, (String, ConfigError)> {
    let written = |path: &str| {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, rest) = path.split_at(end);
        paths
            .get(name)
            .map_or_else(|| path.to_owned(), |at| format!("{at}{rest}"))
    };
    let mut track = serde_path_to_error::Track::new();
    let value = Value::Object(fields);
    let mut unknown = |path: serde_ignored::Path<'_>| {
        let path = written(&path.to_string());
        let name = path.rsplit('.').next().unwrap_or(&path);
        let known = [
            "cpu_ms",
            "subrequests",
            "binding",
            "certificate_id",
            "required",
            "service",
            "entrypoint",
            "props",
            "directory",
            "html_handling",
            "not_found_handling",
            "run_worker_first",
            "crons",
            "type",
            "globs",
            "fallthrough",
        ];
        document.warn(format_args!(
            "{}: `{path}` is not known, and is ignored{}",
            document.location(&path),
            hint(name, known)
        ));
    };
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    serde_ignored::deserialize(tracked, &mut unknown).map_err(|error: serde_json::Error| {
        let path = track.path().to_string();
        let name = path.split(['.', '[']).next().unwrap_or_default().to_owned();
        (name, document.complain(&written(&path), &error.to_string()))
    })
}

/// TOML has dates, and JSON has none.
fn refuse_dates(document: &Document, path: &str, value: &Value) -> Result<(), ConfigError> {
    match value {
        Value::Object(map) if map.contains_key(TOML_DATE) => {
            Err(document.complain(path, "expected text, found a date of TOML; put it in quotes"))
        }
        Value::Object(map) => map
            .iter()
            .try_for_each(|(name, value)| refuse_dates(document, &join(path, name), value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| refuse_dates(document, &format!("{path}[{index}]"), value)),
        _ => Ok(()),
    }
}
