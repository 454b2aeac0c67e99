//! The outbound worker: its script, its `env`, and its bindings.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use workerd_lite_ops::Role;

use super::limits::apply;
use super::loaders::loaders;
use super::modules::check_script;
use crate::config::Flags;
use crate::config::files::{Files, parent, stem};
use crate::config::project_file::ProjectFile;
use crate::config::secrets::{Secrets, value_as_name};
use crate::config::tables::IsolatePer as Section;
use crate::config::tables::Limits;
use crate::config::tables::MtlsCertificate;
use crate::config::tables::Outbound;
use crate::config::wrangler::Owner;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::IsolatePer;
use crate::isolate::Worker;
use crate::isolate::modules::{Confinement, Data, Graph};
use crate::limits::Limits as Values;

/// The policy as it is configured.
pub(super) struct Policy {
    pub(super) worker: Worker,
    /// Who shares an isolate of it.
    pub(super) isolate_per: IsolatePer,
    /// Client certificates, of its own wrangler file and of the project's.
    pub(super) certificates: Vec<MtlsCertificate>,
    /// Where its secrets are looked up.
    pub(super) secrets: Secrets,
    /// Names and values of those that its `env` holds as text.
    pub(super) plain: Vec<(String, String)>,
}

/// The policy, if there is one.
pub(super) fn outbound(flags: &Flags, files: &Files, project: &ProjectFile) -> Result<Option<Policy>, ConfigError> {
    let nothing = Outbound::default();
    let section = project.outbound.as_ref().unwrap_or(&nothing);
    let (own, wrangler) = files.own_wrangler(section.config.as_ref(), flags, Owner::Outbound)?;
    if let (None, Some(main), Some(document), Some(other)) = (&flags.outbound, &section.main, &own, &wrangler.main) {
        tracing::warn!(
            "{}, main: {other:?} is passed over: {} says {main:?}",
            document.location("main"),
            files.location("outbound.main")
        );
    }
    let own_folder = own.as_ref().map(|document| document.folder().to_owned());
    let main = match (&flags.outbound, &section.main, &wrangler.main) {
        (Some(main), _, _) => main.clone(),
        (None, Some(main), _) => files.folder.join(main),
        (None, None, Some(main)) => own_folder.as_deref().unwrap_or(&files.folder).join(main),
        (None, None, None) if project.outbound.is_some() => {
            let message = "expected `main` or `config`: the outbound worker's script";
            return Err(files.missing("outbound.main", message, own.as_ref(), "main"));
        }
        (None, None, None) => return Ok(None),
    };
    let mut vars = wrangler.vars;
    vars.extend(section.vars.clone());
    let secrets = Secrets::read(own_folder.as_deref().unwrap_or(&files.folder), flags)?;
    let mut plain = Vec::new();
    let own_secrets = section.secrets.len();
    for (index, name) in section.secrets.iter().chain(&wrangler.secrets.required).enumerate() {
        let value = secrets.get(name).ok_or_else(|| {
            let field = if index < own_secrets {
                format!("outbound.secrets[{index}]")
            } else {
                "outbound.config".to_owned()
            };
            match secrets.absent(name) {
                Some((why, help)) => files.complain(&field, &why).with_help(help),
                None => value_as_name(&files.location(&field), &field),
            }
        });
        let Some(value) = files.problems.value(value) else {
            continue;
        };
        plain.push((name.clone(), value.clone()));
        vars.insert(name.clone(), Value::String(value));
    }
    let mut certificates = wrangler.mtls_certificates;
    certificates.extend(section.mtls_certificates.iter().cloned());
    let mut bound = HashSet::new();
    for name in certificates
        .iter()
        .map(|bound| &bound.binding)
        .chain(section.credentials.iter().map(|bound| &bound.binding))
    {
        if vars.contains_key(name) || !bound.insert(name) {
            files
                .problems
                .add(files.complain("outbound", &format!("the name {name:?} is bound twice")));
        }
    }
    let loaders = loaders(
        files,
        "outbound.loaders",
        (&wrangler.worker_loaders, &section.loaders),
        &vars,
    );
    for name in &loaders {
        if !bound.insert(name) {
            files
                .problems
                .add(files.complain("outbound", &format!("the name {name:?} is bound twice")));
        }
    }
    let root = match (&flags.outbound, own_folder, &files.project) {
        (None, Some(folder), _) => folder,
        (None, None, Some(_)) => files.folder.clone(),
        _ => parent(&main),
    };
    let mut limits = Values::OUTBOUND;
    apply(&Limits::from(&wrangler.limits), &mut limits);
    apply(&section.limits, &mut limits);
    check_script(&main, |message| match (&flags.outbound, &section.main, &own) {
        (Some(_), _, _) => ConfigError::new(format!("--outbound: {message}"))
            .with_help("Give the path of the policy's script: workerd-lite serve worker.js --outbound outbound.js"),
        (None, None, Some(own)) => own.complain("main", message),
        _ => files.complain("outbound.main", message),
    })?;
    let confinement = Confinement {
        root,
        data: Data::Any,
        node: wrangler.node.into(),
        bundling: wrangler.bundling,
        overlay: flags.overlay.clone(),
        ..Confinement::default()
    };
    Ok(Some(Policy {
        worker: Worker {
            vars,
            fills_environment: wrangler.node.fills_environment(),
            differences: wrangler.differences,
            loaders,
            limits,
            ..Worker::of(
                wrangler.name.unwrap_or_else(|| stem(&main)),
                Role::Outbound,
                Arc::new(Graph::load(&main, &confinement)?),
            )
        },
        isolate_per: match section.isolate_per {
            Section::Tenant => IsolatePer::Tenant,
            Section::Agent => IsolatePer::Agent,
            Section::Server => IsolatePer::Server,
        },
        certificates,
        secrets,
        plain,
    }))
}
