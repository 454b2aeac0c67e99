//! What a thread that reads modules may open of files, by Landlock: a parser that has a hole, or a path that was judged wrongly, leads to no file
//! of the owner's. Where the kernel has no Landlock nothing of this is in force.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::super::cache;
use super::super::module::Confinement;
use crate::unlinked_file::{checked, handle};

/// The newest version of which this program knows what it restricts.
const NEWEST: ABI = ABI::V7;

/// What is read of a folder above an agent's beside its packages.
const SETTINGS: [&str; 4] = ["package.json", "tsconfig.json", "tsconfig.base.json", "jsconfig.json"];

/// Takes everything from this thread but the cache and, where modules are in files, the agent's own folder with packages and settings above it.
/// Tells whether the kernel does anything of that.
pub(super) fn seal(confinement: Option<&Confinement>) -> std::io::Result<bool> {
    let rules = begun().map_err(std::io::Error::other)?;
    let rules = match cache::folder().and_then(|folder| folder.canonicalize().ok()) {
        Some(folder) => allow(rules, &folder, AccessFs::from_all(NEWEST))?,
        None => rules,
    };
    let rules = match confinement {
        Some(confinement) => of_folder(rules, confinement)?,
        None => rules,
    };
    let status = rules.restrict_self().map_err(std::io::Error::other)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn begun() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

fn of_folder(mut rules: RulesetCreated, confinement: &Confinement) -> std::io::Result<RulesetCreated> {
    let root = confinement.root.canonicalize()?;
    let own = confinement.own.as_ref().unwrap_or(&root);
    rules = allow(rules, own, AccessFs::ReadFile | AccessFs::ReadDir)?;
    for folder in own.ancestors().skip(1) {
        let within = |name: &str| {
            let allowed = |found: &Path| found.starts_with(&root) || found.parent() == Some(folder);
            checked(&folder.join(name), allowed).ok()
        };
        // A project's settings may hold for folders in it, and are looked for up to the root.
        let packages = within("node_modules").filter(|_| folder.starts_with(&root));
        if let Some(packages) = packages {
            rules = allow(rules, &packages, AccessFs::ReadFile | AccessFs::ReadDir)?;
        }
        for settings in SETTINGS.iter().filter_map(|name| within(name)) {
            rules = allow(rules, &settings, AccessFs::ReadFile.into())?;
        }
    }
    Ok(rules)
}

fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> std::io::Result<RulesetCreated> {
    let rule = PathBeneath::new(handle(path)?, access);
    rules.add_rule(rule).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folder_and_packages_above_it_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |name: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "text").unwrap();
        };
        let inside = [
            "agents/a/worker.js",
            "agents/a/lib/b.js",
            "node_modules/p/index.js",
            "package.json",
        ];
        let outside = [".dev.vars", "agents/b/worker.js", "key.txt"];
        inside.iter().chain(&outside).for_each(|name| write(name));
        let confinement = Confinement {
            root: root.clone(),
            own: Some(root.join("agents/a")),
            ..Confinement::default()
        };
        let sealed = std::thread::spawn(move || {
            let sealed = seal(Some(&confinement)).unwrap();
            let read = |name: &str| std::fs::read(root.join(name)).is_ok();
            (sealed, inside.map(read), outside.map(read))
        });
        let (sealed, inside, outside) = sealed.join().unwrap();
        assert_eq!(inside, [true; 4]);
        assert_eq!(outside, [!sealed; 3]);
    }
}
