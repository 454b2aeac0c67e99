//! What agents have however they are named: names, limits, and what code may be made of.

use super::limits::apply;
use crate::config::document::Document;
use crate::config::project_file::ProjectFile;
use crate::config::tables::{Limits, WranglerLimits};
use crate::host::{Agent, Grant};
use crate::identity::is_plain;
use crate::isolate::CodeGeneration;
use crate::limits::Limits as Values;

/// What is wrong with another name.
pub(super) const PLAIN: &str = "expected 1 to 63 letters, digits, dots, hyphens and underscores";

/// A file's name as an agent's.
pub(super) fn plain(stem: &str) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
        _ => '-',
    };
    let name: String = stem.chars().take(63).map(plain).collect();
    if is_plain(&name) { name } else { "worker".to_owned() }
}

/// Gives an agent its services, before those that its assets are.
pub(super) fn give(agent: &mut Agent, mut services: Vec<Grant>) {
    services.append(&mut agent.services);
    agent.services = services;
}

/// As a page's policy says it, strings allow WebAssembly too.
pub(super) fn code_generation(unsafe_eval: bool, wasm_unsafe_eval: bool) -> CodeGeneration {
    CodeGeneration {
        strings: unsafe_eval,
        wasm: unsafe_eval || wasm_unsafe_eval,
    }
}

/// An agent's limits as its owner's file has them: what is said of it goes before what is said of all.
pub(super) fn limits(project: &ProjectFile, own: Option<&Limits>) -> Values {
    let mut values = Values::AGENT;
    apply(&project.limits, &mut values);
    if let Some(own) = own {
        apply(own, &mut values);
    }
    values
}

/// Warns of limits that an agent's own file sets higher than its owner's, which hold. `where_to` is where the owner says them.
pub(super) fn tell_cut(owners: &Values, own: &WranglerLimits, document: &Document, where_to: &str) {
    let asked = [
        (
            "cpu_ms",
            own.cpu_ms.map(|value| u128::from(value.get())),
            owners.cpu.as_millis(),
        ),
        (
            "subrequests",
            own.subrequests.map(|value| u128::from(value.get())),
            u128::from(owners.subrequests),
        ),
    ];
    for (name, asked, holds) in asked {
        if let Some(asked) = asked.filter(|asked| *asked > holds) {
            let field = format!("limits.{name}");
            tracing::warn!(
                "{}, {field}: {asked} is cut to {holds}, which workerd-lite.toml allows: an agent's own file only lowers that. To raise it write {name} = \
                 {asked} under {where_to}",
                document.location(&field)
            );
        }
    }
}

/// What the agent's own file says of its limits, which only lowers them.
pub(super) fn ceiling(owners: Values, own: &WranglerLimits) -> Values {
    let mut asked = owners;
    apply(&Limits::from(own), &mut asked);
    Values {
        cpu: asked.cpu.min(owners.cpu),
        subrequests: asked.subrequests.min(owners.subrequests),
        ..owners
    }
}
